import { describe, expect, test } from "bun:test";
import { clientPolicy } from "../../../src/features/clients/policy";
import type { ClientRow } from "../../../src/features/clients/store";
import type { Actor, Grants, Scope } from "../../../src/policy";

const me = "01890a5d-ac96-774b-bcce-b302099a8057";
const other = "01890a5d-ac96-774b-bcce-b302099a8058";

const actor = (grants: Grants, kind: Actor["kind"] = "user"): Actor => ({
  ...{ kind, userId: me, sessionId: null, grants, timeZone: "UTC", requestId: "policy-test" },
});
const client = (created_by: string, assigned_to: string | null) => ({ created_by, assigned_to }) as ClientRow;

const records = {
  created: client(me, null),
  assigned: client(other, me),
  foreign: client(other, other),
  nobodys: client(other, null),
};

const grantsOf = (read?: Scope, update?: Scope, remove?: Scope): Grants => ({
  ...(read && { "clients.read": read }),
  ...(update && { "clients.update": update }),
  ...(remove && { "clients.delete": remove }),
});

/** The names of the records for which `may` holds. */
const those = (may: (row: ClientRow) => boolean) =>
  Object.entries(records)
    .filter(([, row]) => may(row))
    .map(([name]) => name)
    .join(" ");

const every = "created assigned foreign nobodys";
const own = "created assigned";

interface Scenario {
  role: string;
  grants: Grants;
  read: Record<"all" | "own", string>;
  change: string;
  remove: string;
}

const scenarios: Scenario[] = [
  { role: "no role", grants: {}, read: { all: "", own: "" }, change: "", remove: "" },
  {
    role: "user",
    grants: grantsOf("all", "own", "own"),
    read: { all: every, own },
    change: own,
    remove: own,
  },
  {
    role: "manager",
    grants: grantsOf("all", "all", "all"),
    read: { all: every, own: every },
    change: every,
    remove: every,
  },
  { role: "a reader", grants: grantsOf("all"), read: { all: every, own }, change: "", remove: "" },
  { role: "a reader of their own", grants: grantsOf("own"), read: { all: own, own }, change: "", remove: "" },
  {
    role: "an editor who deletes nothing",
    grants: grantsOf("all", "all"),
    read: { all: every, own: every },
    change: every,
    remove: "",
  },
];

describe("who may do what with a client", () => {
  for (const { role, grants, read, change, remove } of scenarios) {
    for (const visibility of ["all", "own"] as const) {
      test(`${role}, where ${visibility} is visible`, () => {
        const policy = clientPolicy(() => visibility);
        expect(those((row) => policy.mayRead(actor(grants), row))).toBe(read[visibility]);
        expect(those((row) => policy.mayChange(actor(grants), row))).toBe(change);
        expect(those((row) => policy.mayDelete(actor(grants), row))).toBe(remove);
      });
    }
  }

  test("an id alone makes nobody the owner", () => {
    const policy = clientPolicy(() => "own");
    for (const kind of ["share", "system"] as const) {
      expect(those((row) => policy.mayRead(actor(grantsOf("all", "own", "own"), kind), row))).toBe("");
      expect(policy.readable(actor(grantsOf("all", "own", "own"), kind)).args).toEqual({ me: null });
    }
  });

  test("the setting is read at every question", () => {
    let visibility: "all" | "own" = "all";
    const policy = clientPolicy(() => visibility);
    const user = actor(grantsOf("all", "own", "own"));
    expect(policy.mayRead(user, records.foreign)).toBe(true);
    visibility = "own";
    expect(policy.mayRead(user, records.foreign)).toBe(false);
    expect(policy.readable(user).shape).toContain("own");
  });
});
