-- Sends the request METHOD PATH_TO_SEND with BODY. In both, `:id` is replaced by the ids in the file IDS, `:user` by the
-- numbers below USERS, and `:n` by a text that no other request has. TOKENS, one a line, are used in turn.
local method, path, body = os.getenv("METHOD"), os.getenv("PATH_TO_SEND"), os.getenv("BODY")
if body == "" then body = nil end
local run, users = os.getenv("RUN"), tonumber(os.getenv("USERS"))

local function lines(text)
  local found = {}
  for line in text:gmatch("[^\n]+") do found[#found + 1] = line end
  return found
end

local tokens = lines(os.getenv("TOKENS"))
local file = io.open(os.getenv("IDS"))
local ids = lines(file:read("*a"))
file:close()

local count = 0

local function filled(text)
  return (text:gsub(":(%l+)", { id = ids[count % #ids + 1], user = count % users, n = run .. "-" .. count }))
end

local function next_request()
  count = count + 1
  local headers = { ["Authorization"] = "Bearer " .. tokens[count % #tokens + 1] }
  if body then headers["Content-Type"] = "application/json" end
  return wrk.format(method, filled(path), headers, body and filled(body))
end

-- What holds nothing new is made once: the load must be faster than whoever answers it.
local made, is_repeated = {}, method == "GET"
local most = #ids

function request()
  if not is_repeated then return next_request() end
  if #made < most then
    made[#made + 1] = next_request()
    return made[#made]
  end
  count = count % most + 1
  return made[count]
end

function done(summary, latency)
  local errors = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout
  io.write(string.format(
    '\n{"requests": %d, "bytes": %d, "micros": %d, "errors": %d, "p50": %d, "p95": %d, "p99": %d}\n',
    summary.requests, summary.bytes, summary.duration, errors,
    latency:percentile(50), latency:percentile(95), latency:percentile(99)))
end
