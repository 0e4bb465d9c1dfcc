import { treaty } from "@elysiajs/eden";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { App } from "../../src/app";
import type { Problem } from "../../src/http/problem";
import { addPerson, password } from "../support/people";
import { engines, startTestServer, type TestServer } from "../support/servers";

const email = "ada@example.com";

describe.each(engines)("a client whose types are the server's [%s]", (engine) => {
  let server: TestServer;
  let api: ReturnType<typeof treaty<App>>;

  beforeAll(async () => {
    server = await startTestServer(engine);
    await addPerson(server, email, "admin");
    const { data } = await treaty<App>(server.url).api.auth.login.post({ email, password });
    api = treaty<App>(server.url, { headers: { authorization: `Bearer ${data!.access_token}` } });
  });
  afterAll(() => server.stop());

  test("adds a client and finds it", async () => {
    const { data: made, status } = await api.api.clients.post({ name: "Bjørn Hansen", tags: ["vip"] });
    expect(status).toBe(201);
    const { data: found } = await api.api.clients({ id: made!.id }).get();
    const name: string = found!.name;
    const version: number = found!.version;
    expect([name, version]).toEqual(["Bjørn Hansen", 1]);
    const { data: list } = await api.api.clients.get({ query: { "filter[name]": "bjorn hansen" } });
    expect(list!.data.map(({ id }) => id)).toEqual([made!.id]);
    expect(list!.pagination.total).toBe(1);
  });

  test("learns of a problem", async () => {
    const { data, error, status } = await api.api.clients.post({ name: "Acme", email: "no address" });
    expect([data, status]).toEqual([null, 422]);
    const problem = error!.value as unknown as Problem;
    expect(problem).toMatchObject({ code: "validation_failed", errors: [{ field: "email" }] });
  });

  test("does not compile with a misspelt field, path or answer", async () => {
    // @ts-expect-error -- the field is called name
    const { status } = await api.api.clients.post({ nmae: "Oops" });
    expect(status).toBe(422);
    // @ts-expect-error -- there are no such records
    expect((await api.api.cleints.get()).status).toBe(404);
    const { data } = await api.api.users.me.get();
    // @ts-expect-error -- a user has an email
    expect(data?.e_mail).toBeUndefined();
    expect(data?.email).toBe(email);
  });
});
