-- Asks for the path in PATH_TO_GET; `:id` in it is replaced by the ids in the file IDS, one after the other.
local path = os.getenv("PATH_TO_GET")
local ids = {}
local file = io.open(os.getenv("IDS"))
for id in file:lines() do ids[#ids + 1] = id end
file:close()

local headers = { ["Authorization"] = "Bearer " .. os.getenv("TOKEN") }
local next_id = 0

function request()
  next_id = next_id % #ids + 1
  return wrk.format("GET", (path:gsub(":id", ids[next_id])), headers)
end

function done(summary, latency)
  local errors = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout
  io.write(string.format(
    '\n{"requests": %d, "micros": %d, "errors": %d, "p50": %d, "p95": %d, "p99": %d}\n',
    summary.requests, summary.duration, errors,
    latency:percentile(50), latency:percentile(95), latency:percentile(99)))
end
