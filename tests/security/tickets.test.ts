import { expect, spyOn, test } from "bun:test";
import { hashToken } from "../../src/features/auth/sessions";
import type { TicketPurpose } from "../../src/http/declared";
import { systemActor } from "../../src/policy";
import { newPerson } from "../support/accounts";
import { closeAccount } from "../support/people";
import { inWorld, scenarios, type World } from "../support/scenario";

const path = "/api/auth/tickets";
const file = "01941f29-7c00-7000-8000-00000000000a";
const other = "01941f29-7c00-7000-8000-00000000000b";
const system = systemActor("a-test-of-tickets");
const withRita = { given: (world: World) => newPerson(world, "rita") };

scenarios("asking for a ticket", {}, [
  { by: "lan", post: path, body: { purpose: "ws" }, status: 200, has: { expires_in: 30 }, events: [] },
  {
    by: "lan",
    post: path,
    body: { purpose: "sse", resource_id: null },
    status: 200,
    has: { expires_in: 900 },
  },
  { by: "lan", post: path, body: { purpose: "download", resource_id: file }, status: 200 },
  { by: "lan", post: path, body: { purpose: "download" }, status: 200 },
  {
    ...{ by: "lan", post: path, body: { purpose: "preview" }, status: 422 },
    problem: { field: "resource_id", fieldCode: "required" },
  },
  {
    ...{ by: "lan", post: path, body: { purpose: "ws", resource_id: file }, status: 422 },
    problem: { field: "resource_id", fieldCode: "unexpected" },
  },
  {
    ...{ by: "lan", post: path, body: { purpose: "upload" }, status: 422 },
    problem: { field: "purpose", fieldCode: "invalid_choice" },
  },
  {
    ...{ by: "lan", post: path, body: { purpose: "preview", resource_id: "x" }, status: 422 },
    problem: { field: "resource_id" },
  },
  {
    ...{ by: "lan", post: path, body: { purpose: "ws" }, key: "ticket-1", status: 422 },
    problem: { code: "idempotency_unsupported" },
  },
]);

inWorld("a ticket", withRita, (world) => {
  const ask = async (purpose: TicketPurpose, resource_id: string | null = null): Promise<string> => {
    const body = { purpose, resource_id };
    return (await world().send({ token: "$rita_token" }, "POST", path, { body })).json.ticket;
  };
  const admit = (ticket: string, purpose: TicketPurpose, resourceId: string | null = null) =>
    world().server.parts.tickets.admit(ticket, { purpose, resourceId });

  test("lets its bearer in for its purpose alone", async () => {
    const rita = { userId: world().ids.rita, timeZone: "UTC", grants: { "clients.read": "all" } };
    const ticket = await ask("sse");
    for (let i = 0; i < 2; i++) expect(await admit(ticket, "sse")).toMatchObject(rita);
    expect(await admit(ticket, "ws")).toBe("The ticket is for sse, not for ws.");
    expect(await admit(`${ticket}x`, "sse")).toBe("The ticket is unknown.");
  });

  test.each(["download", "preview"] as const)("for a %s is good for one record", async (purpose) => {
    const ticket = await ask(purpose, file.toUpperCase());
    expect(await admit(ticket, purpose, file)).toMatchObject({ userId: world().ids.rita });
    expect(await admit(ticket, purpose, other)).toBe("The ticket is for another record.");
    expect(await admit(ticket, purpose)).toBe("The ticket is for another record.");
  });

  test("for a socket works once, however many use it at once", async () => {
    const ticket = await ask("ws");
    const results = await Promise.all(Array.from({ length: 8 }, () => admit(ticket, "ws")));
    expect(results.filter((result) => typeof result !== "string")).toHaveLength(1);
    expect(await admit(ticket, "ws")).toBe("The ticket was used already: it works once.");
  });

  test.each([
    ["ws", 30],
    ["sse", 900],
  ] as const)("for %s is good for %i seconds", async (purpose, seconds) => {
    const [early, late] = [await ask(purpose), await ask(purpose)];
    const at = Date.now();
    try {
      spyOn(Date, "now").mockReturnValue(at + (seconds - 1) * 1_000);
      expect(await admit(early, purpose)).toMatchObject({ userId: world().ids.rita });
      spyOn(Date, "now").mockReturnValue(at + (seconds + 1) * 1_000);
      expect(await admit(late, purpose)).toBe("The ticket has expired. Ask for a new one.");
    } finally {
      spyOn(Date, "now").mockRestore();
    }
  });

  test.each([
    [
      "its session",
      "session has ended",
      (w: World) => w.send({ token: "$rita_token" }, "POST", "/api/auth/logout"),
    ],
    [
      "another role",
      "ended by a change",
      (w: World) => w.server.parts.users.setRole(system, w.ids.rita!, "manager"),
    ],
    [
      "a new password",
      "has ended",
      (w: World) => w.server.parts.passwords.set(system, w.ids.rita!, "another phrase"),
    ],
    ["a closed account", "has ended", (w: World) => closeAccount(w.server, w.ids.rita!)],
  ] as const)("ends with %s", async (_, why, act) => {
    const ticket = await ask("sse");
    await act(world());
    expect(await admit(ticket, "sse")).toContain(why);
  });

  test("is stored as a hash, and goes once it has expired", async () => {
    const stored = async () => {
      const { q, t } = world().server.parts.store.read;
      return (await q.select().from(t.tickets)).filter(({ user_id }) => user_id === world().ids.rita);
    };
    const ticket = await ask("ws");
    expect(await stored()).toEqual([expect.objectContaining({ hash: hashToken(ticket), purpose: "ws" })]);
    expect(JSON.stringify(await stored())).not.toContain(ticket);
    try {
      const at = Date.now();
      spyOn(Date, "now").mockReturnValue(at + 31_000);
      const next = await ask("ws");
      expect((await stored()).map(({ hash }) => hash)).toEqual([hashToken(next)]);
    } finally {
      spyOn(Date, "now").mockRestore();
    }
  });
});
