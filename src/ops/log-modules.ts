/** The parts of the server whose log has a level of its own, `log.levels.<module>`; everything else has `log.level`. */
export const logModules = {
  http: "requests and how they failed",
  jobs: "jobs of the queue",
  mail: "mails that go out",
  events: "what follows from changes: their order, notifications, alarms",
  search: "the index that searches read",
  realtime: "WebSockets and event streams",
  bus: "what instances tell each other",
  settings: "settings, stored or read anew",
} as const;

/** One of those parts. */
export type LogModule = keyof typeof logModules;
