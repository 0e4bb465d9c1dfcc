import { isatty } from "node:tty";
import { configureSync, getLogger, type Logger, type LogLevel, type LogRecord } from "@logtape/logtape";
import { now } from "../clock";
import {
  jsonFormat,
  prettyFormat,
  requestJson,
  requestText,
  type Format,
  type Level,
  type LogLine,
  type RequestFields,
} from "./log-format";
import { fileOutput, type LogFile } from "./log-file";
import { logModules, type LogModule } from "./log-modules";
import { bufferedOutput, descriptorOutput, type LogOutput } from "./log-output";
import { redact, redactText } from "./redact";

export type { Level, RequestFields };

/** What is written, and how. */
export interface LoggingOptions {
  /** The least important level that is written. */
  level: Level;
  /** The same for parts of the server, over `level`. */
  levels?: Partial<Record<LogModule, Level>>;
  format: "json" | "pretty";
  /** A file instead of stdout. */
  file?: LogFile;
  /** Takes the text instead of stdout; one call is one or more whole lines. */
  write?: (text: string) => void;
  /** For `pretty`. Default: when stdout is a terminal. */
  colour?: boolean;
}

/**
 * The log. Messages are constants, what varies goes into fields: `log.info("mail sent", { job_id })`. Nothing
 * is written before `startLogging`. Fields with secret names are masked, and errors are written with their
 * stack.
 */
export const log: Logger = getLogger("neocrm");

/** The log of a part of the server that has a level of its own; its lines name it as `module`, but for those of requests. */
export const logOf = (module: LogModule): Logger => log.getChild(module);

let output: LogOutput | undefined;
let format: Format = jsonFormat;
let isJson = true;
let logsRequests = false;
let logsErrors = false;

/**
 * Starts writing, or starts anew with other options: also to the same file, which somebody may have put aside.
 * @throws Error when the file cannot be opened; what was before then stays
 */
export function startLogging(options: LoggingOptions): void {
  const next = open(options);
  output?.close();
  process.off("exit", flushLogs);
  output = next;
  isJson = options.format === "json";
  format = isJson
    ? jsonFormat
    : prettyFormat(options.colour ?? (!options.write && !options.file && isatty(1)));
  const requestLevel = options.levels?.http ?? options.level;
  logsRequests = levels.indexOf(requestLevel) <= levels.indexOf("info");
  logsErrors = levels.indexOf(requestLevel) <= levels.indexOf("error");
  configure(options);
  process.on("exit", flushLogs);
}

function open({ write, file }: LoggingOptions): LogOutput {
  if (write) return bufferedOutput(textWriter(write), lossLine);
  return file ? fileOutput(file, lossLine) : descriptorOutput(1, lossLine);
}

const mostRecent = 200;
const recent: LogLine[] = [];

/** The last of what was written, the newest last: all but requests that went well. */
export const recentLog = (): readonly LogLine[] => recent;

function remember(entry: LogLine): void {
  recent.push(entry);
  if (recent.length > mostRecent) recent.shift();
}

/** Told of each error in the log. */
export type ErrorListener = (line: LogLine, error: unknown) => void;

let tellOfError: ErrorListener | undefined;

/** From here on, `listener` is told of each error with its line; without one, nobody. */
export function listenForErrors(listener: ErrorListener | undefined): void {
  tellOfError = listener;
}

/** Writes what is still in the buffer, before it returns. Runs by itself at exit. */
export function flushLogs(): void {
  output?.flush();
}

/**
 * The line of one request. It runs for every request, so it goes straight to the buffer. A 5xx other than
 * shedding (503) is an error and written at once.
 */
export function logRequest(fields: RequestFields): void {
  const isError = fields.status >= 500 && fields.status !== 503;
  if (!(isError ? logsErrors : logsRequests)) return;
  const level = isError ? "error" : "info";
  const path = redactText(fields.path);
  const time = now();
  const line = isJson
    ? requestJson(fields, level, time, path)
    : requestText(fields, level, time, path, format);
  output?.add(line, isError);
  if (isError) remember({ time, level, message: "request", fields: { ...fields, path } });
}

const levels: Level[] = ["trace", "debug", "info", "warn", "error", "fatal"];
const urgent = new Set<Level>(["warn", "error", "fatal"]);

const logTapeLevel = (level: Level): LogLevel => (level === "warn" ? "warning" : level);

function configure({ level, levels: own = {} }: LoggingOptions) {
  const modules = Object.keys(logModules) as LogModule[];
  configureSync({
    reset: true,
    sinks: { output: write },
    loggers: [
      { category: "neocrm", sinks: ["output"], lowestLevel: logTapeLevel(level) },
      ...modules.map((module) => ({
        category: ["neocrm", module],
        sinks: ["output" as const],
        // Through the parent's, its level would count as well.
        parentSinks: "override" as const,
        lowestLevel: logTapeLevel(own[module] ?? level),
      })),
      // LogTape reports its own failures here, and says so on the console unless it is named.
      { category: ["logtape", "meta"], sinks: ["output"], lowestLevel: "error" },
    ],
  });
}

function write(record: LogRecord) {
  const level = record.level === "warning" ? "warn" : record.level;
  const message = redactText(messageOf(record));
  const [, module] = record.category;
  const fields = redact(record.properties);
  const entry: LogLine = {
    ...{ time: record.timestamp, level, message },
    fields: module !== undefined && record.category[0] === "neocrm" ? { ...fields, module } : fields,
  };
  remember(entry);
  output?.add(format(entry), urgent.has(level));
  const { error } = record.properties;
  if (error !== undefined && (level === "error" || level === "fatal")) tellOfError?.(entry, error);
}

/**
 * The message as it was written. Names in braces stay as they are: putting fields in there would take their
 * values past the redaction. LogTape itself makes such a template for `log.error(error)`.
 */
function messageOf({ rawMessage, message, properties }: LogRecord) {
  if (properties.error instanceof Error && rawMessage === "{error.message}") return properties.error.message;
  return typeof rawMessage === "string" ? rawMessage : message.map(String).join("");
}

const lossLine = (lines: number) =>
  format({ time: now(), level: "warn", message: "log lines were dropped", fields: { lines } });

const textWriter = (write: (text: string) => void) => (bytes: Uint8Array) => {
  write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString());
  return bytes.byteLength;
};
