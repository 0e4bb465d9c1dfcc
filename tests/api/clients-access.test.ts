/** Who may do what with which client, in every role and in none, under both values of `visibility.clients`. */
import { expect, test } from "bun:test";
import { clientPolicy } from "../../src/features/clients/policy";
import { ClientService } from "../../src/features/clients/service";
import { Gone, NotFound } from "../../src/errors";
import type { ListRequest } from "../../src/list";
import { parseList } from "../../src/list";
import { clientFields } from "../../src/features/clients/fields";
import type { Actor, Scope } from "../../src/policy";
import { access, secrets } from "../support/access";
import type { Name } from "../support/people";
import { inWorld, scenarios, type Setting } from "../support/scenario";

const [secretNote] = secrets;
const clients: Setting["clients"] = {
  acme: { assigned_to: "$minh", email: "info@acme.example", notes: secretNote },
  solo: { notes: secretNote },
  theirs: { by: "admin", notes: secretNote },
  buried: { assigned_to: "$minh", notes: secretNote, deleted: true },
  cold: { by: "admin", notes: secretNote, deleted: true },
};

const missing = "01890a5d-ac96-774b-bcce-b302099a8057";
const change = { notes: "changed" };

// What tests/security/authorization.test.ts does not say already.
// prettier-ignore
scenarios("everybody may read every client, and change their own", { clients }, [
  //                                                            nobody off  gone str. minh lan  man. admin
  ...access("HEAD /api/clients", { event: null },                [401, 401, 401, 200, 200, 200, 200, 200]),
  ...access("HEAD /api/clients/$acme", { event: null },          [401, 401, 401, 200, 200, 200, 200, 200]),
  ...access("GET /api/clients/$theirs", { event: null },         [401, 401, 401, 200, 200, 200, 200, 200]),
  ...access("GET /api/clients/$buried", { event: null },         [401, 401, 401, 404, 410, 410, 410, 410]),
  ...access("GET /api/clients/$cold", { event: null },           [401, 401, 401, 404, 404, 404, 410, 410]),
  ...access(`GET /api/clients/${missing}`, { event: null },      [401, 401, 401, 404, 404, 404, 404, 404]),
  ...access("PATCH /api/clients/$theirs", { body: change, event: "client.updated" }, [401, 401, 401, 403, 403, 403, 200, 200]),
  ...access("PATCH /api/clients/$buried", { body: change, event: null },          [401, 401, 401, 404, 410, 410, 410, 410]),
  ...access(`PATCH /api/clients/${missing}`, { body: change, event: null },       [401, 401, 401, 404, 404, 404, 404, 404]),
  ...access("DELETE /api/clients/$theirs", { event: "client.deleted" }, [401, 401, 401, 403, 403, 403, 204, 204]),
  ...access("DELETE /api/clients/$buried", { event: null },      [401, 401, 401, 404, 410, 410, 410, 410]),
  ...access("POST /api/clients/$cold/restore", { event: "client.restored" }, [401, 401, 401, 404, 404, 404, 200, 200]),
  ...access("POST /api/clients/$acme/restore", { event: null },  [401, 401, 401, 403, 200, 200, 200, 200]),
  ...access(`POST /api/clients/${missing}/restore`, { event: null }, [401, 401, 401, 404, 404, 404, 404, 404]),
  ...access("PUT /api/clients/$acme", { body: change, event: null },              [405, 405, 405, 405, 405, 405, 405, 405]),
]);

const ownOnly = { NEOCRM_VISIBILITY_CLIENTS: "own" };

// prettier-ignore
scenarios("users see their own clients only", { env: ownOnly, clients }, [
  //                                                            nobody off  gone str. minh lan  man. admin
  ...access("GET /api/clients", { event: null },                 [401, 401, 401, 200, 200, 200, 200, 200]),
  ...access("POST /api/clients", { body: { name: "x" }, event: "client.created" }, [401, 401, 401, 201, 201, 201, 201, 201]),
  ...access("GET /api/clients/$acme", { event: null },           [401, 401, 401, 404, 200, 200, 200, 200]),
  ...access("GET /api/clients/$solo", { event: null },           [401, 401, 401, 404, 404, 200, 200, 200]),
  ...access("GET /api/clients/$theirs", { event: null },         [401, 401, 401, 404, 404, 404, 200, 200]),
  ...access("GET /api/clients/$buried", { event: null },         [401, 401, 401, 404, 410, 410, 410, 410]),
  ...access("PATCH /api/clients/$acme", { body: change, event: "client.updated" }, [401, 401, 401, 404, 200, 200, 200, 200]),
  ...access("PATCH /api/clients/$theirs", { body: change, event: "client.updated" }, [401, 401, 401, 404, 404, 404, 200, 200]),
  ...access("PATCH /api/clients/$cold", { body: change, event: null },            [401, 401, 401, 404, 404, 404, 410, 410]),
  ...access("DELETE /api/clients/$acme", { event: "client.deleted" }, [401, 401, 401, 404, 204, 204, 204, 204]),
  ...access("DELETE /api/clients/$solo", { event: "client.deleted" }, [401, 401, 401, 404, 404, 204, 204, 204]),
  ...access("POST /api/clients/$buried/restore", { event: "client.restored" }, [401, 401, 401, 404, 200, 200, 200, 200]),
  ...access("POST /api/clients/$acme/restore", { event: null },  [401, 401, 401, 404, 200, 200, 200, 200]),
]);

type Seen = Record<"live" | "only" | "with", Partial<Record<Name, string>>>;

/** What lists show, in each of the three ways to ask about deleted records; totals never tell more. */
function lists(title: string, env: Record<string, string>, seen: Seen): void {
  inWorld(title, { env, clients }, (world) => {
    for (const [mode, byName] of Object.entries(seen)) {
      for (const [by, names] of Object.entries(byName) as [Name, string][]) {
        test(`${by}, ${mode}: ${names || "nothing"}`, async () => {
          const wanted = names.split(" ").filter((name) => name !== "");
          const query = mode === "live" ? "" : `&deleted=${mode}`;
          for (const count of ["capped", "exact"]) {
            const { json } = await world().send(by, "GET", `/api/clients?sort=name&count=${count}${query}`);
            expect(json.data.map(({ name }: { name: string }) => name)).toEqual(wanted);
            expect(json.pagination).toMatchObject({ total: wanted.length, total_capped: false });
          }
          // Through a filter, too.
          const path = `/api/clients?filter[notes]=x${query}`;
          expect((await world().send(by, "GET", path)).status).toBe(400);
          const { json } = await world().send(by, "GET", `/api/clients?filter[name][contains]=o${query}`);
          expect(json.pagination.total).toBe(wanted.filter((name) => name.includes("o")).length);
        });
      }
    }
  });
}

lists(
  "lists where all is visible",
  {},
  {
    live: {
      stranger: "acme solo theirs",
      minh: "acme solo theirs",
      lan: "acme solo theirs",
      manager: "acme solo theirs",
      admin: "acme solo theirs",
    },
    only: { stranger: "", minh: "buried", lan: "buried", manager: "buried cold", admin: "buried cold" },
    with: {
      stranger: "acme solo theirs",
      minh: "acme buried solo theirs",
      lan: "acme buried solo theirs",
      manager: "acme buried cold solo theirs",
      admin: "acme buried cold solo theirs",
    },
  },
);

lists("lists where the own is visible", ownOnly, {
  live: {
    stranger: "",
    minh: "acme",
    lan: "acme solo",
    manager: "acme solo theirs",
    admin: "acme solo theirs",
  },
  only: { stranger: "", minh: "buried", lan: "buried", manager: "buried cold", admin: "buried cold" },
  with: {
    stranger: "",
    minh: "acme buried",
    lan: "acme buried solo",
    manager: "acme buried cold solo theirs",
    admin: "acme buried cold solo theirs",
  },
});

inWorld("giving a client away", { env: ownOnly, clients }, (world) => {
  test("the new one sees it, the old one does not", async () => {
    const { send, people } = world();
    const handover = { body: { assigned_to: people.stranger.id } };
    expect((await send("minh", "PATCH", "/api/clients/$acme", handover)).status).toBe(200);
    expect((await send("stranger", "GET", "/api/clients/$acme")).status).toBe(200);
    expect((await send("minh", "GET", "/api/clients/$acme")).status).toBe(404);
    expect((await send("lan", "GET", "/api/clients/$acme")).status).toBe(200);
  });
});

const reaches: (Scope | undefined)[] = [undefined, "own", "all"];

inWorld("the predicate and the condition of the policy", { clients }, (world) => {
  /** Every combination of grants, so that a role somebody makes later is covered too. */
  for (const visibility of ["all", "own"] as const) {
    test(`agree for every set of grants where ${visibility} is visible`, async () => {
      const { server, people, ids } = world();
      const service = new ClientService(
        server.parts.store,
        clientPolicy(() => visibility),
        () => null,
      );
      const records = Object.keys(clients).map((name) => ids[name]!);
      for (const read of reaches)
        for (const update of reaches)
          for (const remove of reaches)
            for (const by of ["stranger", "minh", "lan", "a share with the id of lan"] as const) {
              const grants = {
                ...(read && { "clients.read": read }),
                ...(update && { "clients.update": update }),
                ...(remove && { "clients.delete": remove }),
              };
              const isShare = by.startsWith("a share");
              const actor = actorOf(
                people[isShare ? "lan" : (by as Name)].id,
                grants,
                isShare ? "share" : "user",
              );
              const live = await listed(service, actor, "");
              const dead = await listed(service, actor, "deleted=only");
              const both = await listed(service, actor, "deleted=with");
              const known = await Promise.all(records.map((id) => knownAs(service, actor, id)));
              const label = JSON.stringify({ by, grants });
              expect([label, live]).toEqual([
                label,
                records.filter((_, i) => known[i] === "live").toSorted(),
              ]);
              expect([label, dead]).toEqual([
                label,
                records.filter((_, i) => known[i] === "gone").toSorted(),
              ]);
              expect([label, both]).toEqual([label, [...live, ...dead].toSorted()]);
            }
    });
  }
});

const actorOf = (userId: string, grants: Actor["grants"], kind: Actor["kind"]): Actor => ({
  kind,
  userId,
  sessionId: null,
  grants,
  timeZone: "UTC",
  requestId: "policy-test",
});

async function listed(service: ClientService, actor: Actor, query: string): Promise<string[]> {
  const request: ListRequest = parseList(clientFields, query, { timeZone: "UTC" });
  return (await service.list(actor, request)).data.map(({ id }) => id).toSorted();
}

async function knownAs(service: ClientService, actor: Actor, id: string): Promise<"live" | "gone" | "no"> {
  try {
    await service.get(actor, id);
    return "live";
  } catch (error) {
    if (error instanceof Gone) return "gone";
    if (error instanceof NotFound) return "no";
    throw error;
  }
}
