/* global drawCharts */
/** Signs in through the API and shows what it says. Tokens are forgotten with the page. */
const everyMs = 5_000;
const element = (id) => document.getElementById(id);
let tokens = null;
let timer;
let shownHistory;

element("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  void signIn(event.currentTarget);
});
element("sign-out").addEventListener("click", () => void signOut(""));

/** @param {HTMLFormElement} form */
async function signIn(form) {
  const { email, password } = Object.fromEntries(new FormData(form));
  element("sign-in-error").textContent = "";
  try {
    const answer = await send("/api/auth/login", { email, password });
    const body = await answer.json();
    if (!answer.ok) throw new Refused(body.detail);
    form.reset();
    tokens = body;
  } catch (error) {
    element("sign-in-error").textContent = why(error);
    return;
  }
  await show();
}

/** What the server says itself; everything else comes from in front of it, or from nobody. */
class Refused extends Error {}

const why = (error) =>
  error instanceof Refused ? error.message : `The server does not answer: ${error.message}`;

addEventListener("visibilitychange", () => {
  if (tokens && !document.hidden) void show();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
addEventListener("resize", redraw);

/** Charts know neither their colours nor their width by themselves. */
function redraw() {
  if (shownHistory) drawCharts(element("charts"), shownHistory);
}

function send(path, body, headers = {}) {
  return fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: body && JSON.stringify(body),
  });
}

/** @param {string} reason shown beside the form */
async function signOut(reason) {
  const { access_token } = tokens ?? {};
  tokens = null;
  clearTimeout(timer);
  element("monitor").hidden = true;
  element("sign-out").hidden = true;
  element("sign-in").hidden = false;
  element("sign-in-error").textContent = reason;
  element("status").textContent = "";
  element("about").textContent = "";
  // What had the focus is hidden now: it would begin at the top of the page.
  element("sign-in").elements.email.focus();
  if (!access_token) return;
  // Whoever cannot reach the server is signed out here all the same.
  await send("/api/auth/logout", undefined, { authorization: `Bearer ${access_token}` }).catch(() => {});
}

/** Asks with the access token, and once more with a new one when it has expired. */
async function ask(path) {
  const withToken = () => fetch(path, { headers: { authorization: `Bearer ${tokens.access_token}` } });
  const answer = await withToken();
  if (answer.status !== 401) return answer;
  const refreshed = await send("/api/auth/refresh", { refresh_token: tokens.refresh_token });
  if (!refreshed.ok) return refreshed;
  const fresh = await refreshed.json();
  // Signed out meanwhile.
  if (!tokens) return answer;
  tokens = fresh;
  return withToken();
}

async function show() {
  clearTimeout(timer);
  try {
    const answer = await ask("/api/admin/monitor");
    const body = await answer.json();
    // Signed out meanwhile.
    if (!tokens) return;
    if (answer.status === 401 || answer.status === 403) return await signOut(body.detail);
    if (!answer.ok) throw new Refused(body.detail);
    const isNew = element("monitor").hidden;
    element("sign-in").hidden = true;
    element("sign-out").hidden = false;
    element("monitor").hidden = false;
    paint(body);
    if (isNew) element("now-title").focus();
  } catch (error) {
    if (tokens) say(why(error), "down");
  }
  if (!document.hidden && tokens) timer = setTimeout(() => void show(), everyMs);
}

const words = { ok: "Everything works", degraded: "Something needs a look", down: "Something is down" };

/** What is said again is read out again: only when it is something else. */
function say(text, state) {
  if (element("status").textContent !== text) element("status").textContent = text;
  element("status").dataset.state = state;
}

function paint({ version, health, now, queues, under_way, history, routes, work, queries, log }) {
  say(`${words[health.status]}.`, health.status);
  element("about").textContent = `Version ${version}, up for ${duration(health.uptime_seconds)}.`;
  tiles(now);
  // A chart that is drawn anew loses the pointer: only when there is something new.
  const isNew = history.at.at(-1) !== shownHistory?.at.at(-1);
  shownHistory = history;
  if (isNew || element("charts").childElementCount === 0) redraw();
  table("checks", ["What", "State", "What to do"], Object.entries(health.checks).map(([name, check]) => [name, state(check.status), check.detail ?? ""])); // prettier-ignore
  table("queues", ["Jobs", "State", number("How many")], queues.map(({ kind, state: is, count }) => [kind, state(is), number(count)])); // prettier-ignore
  table("under-way", ["Jobs", "How far", number("Left")], under_way.map((job) => [job.kind, howFar(job), number(job.eta_seconds === null ? "–" : duration(job.eta_seconds))])); // prettier-ignore
  table("routes", ["Route", number("Requests"), number("Errors"), number("Half, ms"), number("95 %, ms")], routes.map((each) => [code(`${each.method} ${each.route}`), number(each.count), number(each.errors), number(each.p50_ms), number(each.p95_ms)])); // prettier-ignore
  table("work", ["What", number("How many"), number("Half, ms"), number("95 %, ms")], work.map((each) => [each.what, number(each.count), number(each.p50_ms ?? "–"), number(each.p95_ms ?? "–")])); // prettier-ignore
  table("queries", ["Statement", number("Times"), number("Mean, ms"), number("Longest, ms")], queries.map((each) => [code(each.statement), number(each.count), number(each.mean_ms), number(each.longest_ms)])); // prettier-ignore
  table("log", ["Time", "Level", "Message", "Details"], log.toReversed().map((line) => [time(line.time), state(line.level), line.message, code(details(line.fields))])); // prettier-ignore
}

const figure = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const ms = (value) => (value === null ? "–" : `${figure.format(value)} ms`);
const bytes = (value) => {
  if (value === null) return "–";
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const unit = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, value)) / 10));
  return `${figure.format(value / 2 ** (10 * unit))} ${units[unit]}`;
};

function tiles(now) {
  const all = {
    "Requests a second": figure.format(now.requests_per_second),
    "Errors a second": figure.format(now.errors_per_second),
    "Half answered in": ms(now.p50_ms),
    "95 % answered in": ms(now.p95_ms),
    "99 % answered in": ms(now.p99_ms),
    Processor: `${figure.format(now.cpu * 100)} %`,
    Memory: bytes(now.memory_bytes),
    "Event loop late by": ms(now.event_loop_delay_ms),
    "Open connections": figure.format(now.connections),
    "People in the last hour": figure.format(now.active_users.hour),
    "People in the last day": figure.format(now.active_users.day),
    "Disk free": bytes(now.disk_free_bytes),
  };
  element("tiles").replaceChildren(
    ...Object.entries(all).map(([name, value]) => {
      const tile = document.createElement("div");
      tile.append(made("dt", name), made("dd", value));
      return tile;
    }),
  );
}

function made(tag, text) {
  const node = document.createElement(tag);
  node.textContent = text;
  return node;
}

/** A cell with a class or a state. */
const number = (text) => ({
  text: typeof text === "number" ? figure.format(text) : text,
  className: "number",
});
const code = (text) => ({ text, className: "code" });
const state = (text) => ({ text, state: text });

function table(id, head, rows) {
  const cell = (tag) => (given) => {
    const { text, className = "", state: is } = typeof given === "object" ? given : { text: given };
    const node = made(tag, text);
    node.className = className;
    if (is) node.dataset.state = is;
    if (tag === "th") node.scope = "col";
    return node;
  };
  const row = (tag) => (cells) => {
    const node = document.createElement("tr");
    node.append(...cells.map(cell(tag)));
    return node;
  };
  const nothing = [[{ text: "Nothing.", className: "empty" }]];
  const body = rows.length > 0 ? rows : nothing;
  const wanted = [row("th")(head), ...body.map(row("td"))];
  if (rows.length === 0) wanted[1].cells[0].colSpan = head.length;
  bringUpToDate(element(id), wanted);
}

/** Rows that are there already stay, with what is selected in them and where somebody reads. */
function bringUpToDate(place, rows) {
  let [here] = place.rows;
  for (const row of rows) {
    let same = here;
    while (same && !same.isEqualNode(row)) same = same.nextElementSibling;
    if (!same) {
      place.insertBefore(row, here ?? null);
      continue;
    }
    while (here !== same) here = removed(here);
    here = here.nextElementSibling;
  }
  while (here) here = removed(here);
}

/** Removes a row. @returns the one after it */
function removed(row) {
  const next = row.nextElementSibling;
  row.remove();
  return next;
}

/** A backup counts bytes, every other job records. */
function howFar({ kind, done, total }) {
  const counted = kind === "backup" ? bytes : (value) => figure.format(value);
  if (!total) return done ? counted(done) : "–";
  return `${Math.floor((100 * done) / total)} %, ${counted(done)} of ${counted(total)}`;
}

const time = (at) => new Date(at).toLocaleTimeString();
const details = (fields) =>
  Object.entries(fields)
    .map(([name, value]) => `${name}=${typeof value === "object" ? JSON.stringify(value) : value}`)
    .join(" ");

function duration(seconds) {
  const days = Math.floor(seconds / 86_400);
  const hours = Math.floor((seconds % 86_400) / 3_600);
  const minutes = Math.floor((seconds % 3_600) / 60);
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min` : `${Math.round(seconds)} s`;
}
