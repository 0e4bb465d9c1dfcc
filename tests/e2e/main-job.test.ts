import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { parse } from "csv-parse/sync";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fold } from "../../src/text";
import { signIn, walk, type Client, type Page } from "../drills/api";
import { runBinary, startBinary } from "../support/binary";

setDefaultTimeout(60_000);

/** One of the 59 customers of the Chinook database, with real accents and phone formats. */
interface Customer {
  CustomerId: string;
  FirstName: string;
  LastName: string;
  Company: string;
  Address: string;
  City: string;
  Country: string;
  Phone: string;
  Email: string;
}

const fixture = join(import.meta.dir, "../fixtures/chinook-customers.csv");
const customers = parse<Customer>(readFileSync(fixture), { columns: true });

const clientOf = (customer: Customer) => ({
  external_id: `chinook-${customer.CustomerId}`,
  name: `${customer.FirstName} ${customer.LastName}`,
  email: customer.Email,
  company: customer.Company || null,
  phone: customer.Phone || null,
  address: [customer.Address, customer.City, customer.Country].join(", "),
  status: "customer",
  tags: [customer.Country],
});

const cwd = mkdtempSync(join(tmpdir(), "neocrm-main-job-"));
const dataDir = join(cwd, "data");
const env = { RATE_LIMIT_USER: "0", RATE_LIMIT_IP: "0" };
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

test("a company's whole first day, on the executable in an empty directory", async () => {
  const password = "a phrase for drills only";
  const made = await runBinary(
    [
      "user",
      "create",
      "--email",
      "admin@drill.example",
      "--name",
      "Ada",
      "--role",
      "admin",
      "--password-stdin",
    ],
    { stdin: `${password}\n`, cwd },
  );
  expect(made).toMatchObject({ code: 0, err: "" });

  let server = await startBinary({ dataDir, env });
  let headers = await signIn(server.url);
  const send = async (method: string, path: string, body?: unknown, more: Record<string, string> = {}) => {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const response = await fetch(server.url + path, {
      method,
      headers: { ...headers, ...more },
      body: payload,
    });
    return { status: response.status, body: (await response.json()) as Client & Page };
  };

  // Loads all 59 through the API.
  const known = new Map<string, Client>();
  for (const customer of customers) {
    const { status, body } = await send("POST", "/api/clients", clientOf(customer));
    expect([customer.Email, status]).toEqual([customer.Email, 201]);
    expect(body).toMatchObject(clientOf(customer));
    known.set(body.id, body);
  }
  expect(known.size).toBe(59);

  // Walks them by cursor in three orders; each comes once, in the order it should.
  const names = (clients: Client[]) => clients.map(({ name }) => fold(name));
  const byName = await walk(server.url, headers, "&sort=name");
  expect(names(byName)).toEqual(names([...known.values()]).toSorted(byBytes));
  const newest = await walk(server.url, headers, "&sort=-created_at");
  expect(newest.map(({ id }) => id)).toEqual([...known.keys()].toReversed());
  const byCompany = await walk(server.url, headers, "&sort=company,-name");
  const companies = byCompany.map(({ company }) => company as string | null);
  expect(companies.filter((company) => company !== null).length).toBe(
    customers.filter(({ Company }) => Company !== "").length,
  );
  expect(companies.lastIndexOf(companies.findLast((company) => company !== null)!)).toBeLessThan(
    companies.indexOf(null),
  );
  expect(new Set(byCompany.map(({ id }) => id)).size).toBe(59);

  // Finds them without their accents, and by any spelling of a number.
  const find = async (query: string) =>
    (await send("GET", `/api/clients?${query}`)).body.data.map(({ name }) => name);
  expect(await find("filter[name]=stanislaw%20wojcik")).toEqual(["Stanisław Wójcik"]);
  expect(await find("filter[name][starts_with]=bjorn")).toEqual(["Bjørn Hansen"]);
  expect(await find("filter[phone]=%2B4722442222")).toEqual(["Bjørn Hansen"]);
  expect(await find("filter[tags][in]=norway,POLAND&sort=name")).toEqual([
    "Bjørn Hansen",
    "Stanisław Wójcik",
  ]);

  // Changes some, and a change based on what is no longer true is refused.
  for (const client of byName.slice(0, 10)) {
    const { status, body } = await send(
      "PATCH",
      `/api/clients/${client.id}`,
      { status: "active" },
      { "if-match": '"v1"' },
    );
    expect(status).toBe(200);
    known.set(body.id, body);
  }
  const stale = await send("PATCH", `/api/clients/${byName[0]!.id}`, { notes: "x" }, { "if-match": '"v1"' });
  expect(stale).toMatchObject({ status: 412, body: { changed: ["status"] } });

  // Restarts: everything is as it was, the sign-in too.
  expect(await server.stop()).toBe(0);
  server = await startBinary({ dataDir, env });
  expect(new Map((await walk(server.url, headers)).map((client) => [client.id, client]))).toEqual(known);

  // Dies in the middle of writing: what was acknowledged is there, the rest is as before or as asked for.
  const acknowledged = new Map<string, string>();
  const rounds = [...known.keys()].map(async (id) => {
    for (let i = 0; ; i++) {
      const notes = `note ${i} on ${id}`;
      const response = await fetch(`${server.url}/api/clients/${id}`, {
        method: "PATCH",
        headers,
        body: JSON.stringify({ notes }),
      }).catch(() => undefined);
      if (response?.status !== 200) return;
      acknowledged.set(id, notes);
    }
  });
  while (acknowledged.size < 59) await Bun.sleep(10);
  await server.kill();
  await Promise.all(rounds);

  server = await startBinary({ dataDir, env });
  headers = await signIn(server.url);
  const survivors = await walk(server.url, headers);
  expect(survivors).toHaveLength(59);
  const noteNumber = (notes: unknown) => Number(/^note (\d+) on/.exec(String(notes))?.[1] ?? -1);
  for (const client of survivors) {
    // A write may have been committed without its answer getting out; it is never older than the last answer.
    expect(noteNumber(client.notes)).toBeGreaterThanOrEqual(noteNumber(acknowledged.get(client.id)));
    expect(noteNumber(client.notes)).toBeLessThanOrEqual(noteNumber(acknowledged.get(client.id)) + 1);
  }
  expect(await server.stop()).toBe(0);
}, 60_000);
