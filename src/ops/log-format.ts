import { isoTime } from "../clock";

/** How important a line is, the least important first. */
export type Level = "trace" | "debug" | "info" | "warn" | "error" | "fatal";

/** One line of the log, redacted, before it has a format. */
export interface LogLine {
  /** Milliseconds since 1970. */
  time: number;
  level: Level;
  message: string;
  fields: Record<string, unknown>;
}

/** What is known about an answered request. */
export interface RequestFields {
  request_id: string;
  /** The user's id, or null without one. */
  actor: string | null;
  method: string;
  /** With its query string; secrets in it are masked. */
  path: string;
  /** The template of the route, or null when none matched. */
  route: string | null;
  status: number;
  /** How long the answer took, in milliseconds. */
  ms: number;
  /** The client's address. */
  address: string;
}

/** A line of text, with its line break. */
export type Format = (line: LogLine) => string;

/** JSON lines for machines: `time`, `level`, `message`, then the fields in the order they were given. */
export const jsonFormat: Format = ({ time, level, message, fields }) => {
  const line: Record<string, unknown> = { time: timeText(time), level, message };
  // A field cannot pass itself off as the time or level of its line.
  for (const key in fields) line[key in line ? `field_${key}` : key] = fields[key];
  return JSON.stringify(line) + "\n";
};

/**
 * The line of a request, the same as `jsonFormat` would write. Put together by hand, since it is made for
 * every request.
 * @param path redacted
 */
export function requestJson(fields: RequestFields, level: Level, time: number, path: string): string {
  const { request_id, actor, method, route, status, ms, address } = fields;
  return (
    `{"time":"${timeText(time)}","level":"${level}","message":"request","request_id":${quoted(request_id)}` +
    `,"actor":${quoted(actor)},"method":${quoted(method)},"path":${quoted(path)},"route":${quoted(route)}` +
    `,"status":${status},"ms":${rounded(ms)},"address":${quoted(address)}}\n`
  );
}

/** The line of a request for people: the request is the message. */
export function requestText(fields: RequestFields, level: Level, time: number, path: string, asText: Format) {
  const { request_id, actor, method, status, ms, address } = fields;
  const message = `${method} ${path} ${status} ${rounded(ms)} ms`;
  return asText({ time, level, message, fields: { actor, address, request_id } });
}

/** Needs no escaping in JSON. */
const plain = /^[ !#-[\]-~]*$/;
const quoted = (text: string | null) =>
  text === null ? "null" : plain.test(text) ? `"${text}"` : JSON.stringify(text);

/** To the microsecond; what is below is noise. */
const rounded = (ms: number) => Math.round(ms * 1_000) / 1_000;

/** For people at a terminal: short time, level, message, `key=value`; stacks on lines of their own. */
export const prettyFormat =
  (colour: boolean): Format =>
  ({ time, level, message, fields }) => {
    const paint = (text: string, code: string) => (colour ? `\x1b[${code}m${text}\x1b[0m` : text);
    const clock = paint(timeText(time).slice(11, 23), "2");
    const name = paint(level.toUpperCase().padEnd(5), colours[level]);
    const pairs = Object.entries(fields).map(
      ([key, value]) => ` ${paint(`${printable(key)}=`, "2")}${prettyValue(value)}`,
    );
    return `${clock} ${name} ${printable(message)}${pairs.join("")}\n${stacks(fields)}`;
  };

const colours: Record<Level, string> = {
  trace: "2",
  debug: "36",
  info: "32",
  warn: "33",
  error: "31",
  fatal: "1;31",
};

function prettyValue(value: unknown): string {
  if (typeof value === "string")
    return /^[\w./:@+-]+$/.test(value) ? value : JSON.stringify(printable(value));
  if (isErrorField(value)) return JSON.stringify(printable(`${value.name}: ${value.message}`));
  return printable(JSON.stringify(value) ?? "undefined");
}

/** What the line and the stack say already. */
const shown = new Set(["name", "message", "stack"]);

function stacks(fields: Record<string, unknown>) {
  const lines: string[] = [];
  for (const value of Object.values(fields))
    for (let error = value; isErrorField(error); error = error.cause) {
      lines.push(...error.stack.split("\n"));
      const more = Object.entries(error).filter(([key, part]) => !shown.has(key) && !isErrorField(part));
      if (more.length > 0) lines.push(`    ${JSON.stringify(Object.fromEntries(more))}`);
    }
  return lines.map((line) => `    ${printable(line)}\n`).join("");
}

/** An error as `redact` leaves it. */
interface ErrorField {
  name: string;
  message: string;
  stack: string;
  cause?: unknown;
}

const isErrorField = (value: unknown): value is ErrorField =>
  typeof value === "object" && value !== null && "stack" in value && typeof value.stack === "string";

/** Control characters in what a caller sent must not reach a terminal, which would obey them. */
const printable = (text: string) =>
  text.replace(/\p{Cc}/gu, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`);

let lastTime = NaN;
let lastText = "";

/** Many lines share a millisecond. */
function timeText(time: number) {
  if (time !== lastTime) [lastTime, lastText] = [time, isoTime(time)];
  return lastText;
}
