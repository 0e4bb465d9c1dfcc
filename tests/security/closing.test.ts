/** A closed account: out at once, everywhere, and back only when it is opened again. */
import { expect, test } from "bun:test";
import { systemActor } from "../../src/policy";
import { statusOfRefresh } from "../support/accounts";
import { addPerson, password, signIn } from "../support/people";
import { inWorld } from "../support/scenario";
import { neocrm } from "../support/terminal";

const operator = systemActor("an-operator");

inWorld("closing an account", {}, (world) => {
  test("is recorded with the sessions that it ends, and once", async () => {
    const { server } = world();
    const id = await addPerson(server, "once@closing.example", "user");
    const { refreshToken } = await signIn(server, "once@closing.example");
    const before = (await world().events()).length;
    const closed = await server.parts.accounts.deactivate(operator, id);
    expect(closed).toMatchObject({ is_active: false, version: 2 });
    await server.parts.accounts.deactivate(operator, id);
    const events = (await world().events()).slice(before);
    expect(events.map(({ type }) => type).toSorted()).toEqual(["session.ended", "user.deactivated"]);
    const closing = events.find(({ type }) => type === "user.deactivated");
    expect(closing).toMatchObject({
      version: 2,
      actor_kind: "system",
      changes: { is_active: [true, false] },
    });
    expect(await statusOfRefresh(world(), refreshToken)).toBe(401);
  });

  test("keeps its owner out with the right password, until it is opened again", async () => {
    const { server } = world();
    const id = await addPerson(server, "again@closing.example", "user");
    const logIn = () =>
      world().send("nobody", "POST", "/api/auth/login", {
        body: { email: "again@closing.example", password },
      });
    await server.parts.accounts.deactivate(operator, id);
    expect(await logIn()).toMatchObject({ status: 403, json: { code: "account_inactive" } });
    expect(await server.parts.accounts.activate(operator, id)).toMatchObject({ is_active: true, version: 3 });
    expect((await logIn()).status).toBe(200);
  });

  test("gives its owner no work any more", async () => {
    const { server, send } = world();
    const id = await addPerson(server, "work@closing.example", "user");
    await server.parts.accounts.deactivate(operator, id);
    const { status, json } = await send("lan", "POST", "/api/clients", {
      body: { name: "A", assigned_to: id },
    });
    expect([status, json.errors?.[0]?.field]).toEqual([422, "assigned_to"]);
  });

  test("is refused for the last active admin, also by the command line", async () => {
    const { server, people } = world();
    await expect(server.parts.accounts.deactivate(operator, people.admin.id)).rejects.toMatchObject({
      code: "last_admin",
    });
    const env = { DATA_DIR: server.dataDir, ...(server.databaseUrl && { DATABASE_URL: server.databaseUrl }) };
    const ran = await neocrm(["user", "deactivate", "--email", people.admin.email], { env });
    expect(ran).toMatchObject({ code: 1, err: expect.stringContaining("last active admin") });
    expect((await world().send("admin", "GET", "/api/users/me")).json.is_active).toBe(true);
  });

  test("through the command line, while the server runs", async () => {
    const { server } = world();
    await addPerson(server, "cli@closing.example", "user");
    const { token } = await signIn(server, "cli@closing.example");
    const env = { DATA_DIR: server.dataDir, ...(server.databaseUrl && { DATABASE_URL: server.databaseUrl }) };
    const run = (action: string) => neocrm(["user", action, "--email", "cli@closing.example"], { env });
    expect((await world().send({ token }, "GET", "/api/users/me")).status).toBe(200);
    expect(await run("deactivate")).toMatchObject({
      code: 0,
      out: expect.stringContaining("deactivated cli@"),
    });
    expect((await world().send({ token }, "GET", "/api/users/me")).status).toBe(401);
    expect(await run("activate")).toMatchObject({ code: 0, out: expect.stringContaining("activated cli@") });
    expect((await world().send({ token }, "GET", "/api/users/me")).status).toBe(401);
  });
});
