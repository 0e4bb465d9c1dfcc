import { exitCodes, type Command } from "./command";

/** Prints the OpenAPI document, which a server has at /swagger/json. */
export const openapi: Command = {
  name: "openapi",
  summary: "print the OpenAPI document",
  help: `neocrm openapi

Prints the OpenAPI 3.1 document of the API. Needs no server and no data directory;
a running server has the same at /swagger/json.`,
  options: {},
  async run({ terminal }) {
    const { describedApi } = await import("../described");
    terminal.out(JSON.stringify(describedApi(), null, 2));
    return exitCodes.done;
  },
};
