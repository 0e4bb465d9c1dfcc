/** The profile `soak` of bench/traffic.ts; load.ts says how to run it. */
import { optionsOf, prepare } from "./load.ts";

export { listen, request } from "./load.ts";
export const options = optionsOf("soak");
export const setup = prepare;
