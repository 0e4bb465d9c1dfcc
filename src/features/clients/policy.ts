import { OwnPolicy } from "../../own-policy";
import { scopeOf } from "../../policy";
import type { ClientRow } from "./store";

/**
 * Who may see and change which clients.
 * @param visibility `own` narrows the reading of those who may change only their own
 */
export const clientPolicy = (visibility: () => "all" | "own"): OwnPolicy<ClientRow> =>
  new OwnPolicy("clients", (actor, granted) => {
    const changesAll = scopeOf(actor, "clients.update") === "all";
    return granted === "all" && !changesAll ? visibility() : granted;
  });
