/** Phones stay as they were typed, and are found however they are spelled. */
import { describe, expect, test } from "bun:test";
import { parse } from "csv-parse/sync";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parsePhoneNumberFromString } from "libphonenumber-js";
import { inWorld, scenarios, type World } from "../support/scenario";

const found = async (world: World, phone: string, op = "eq") => {
  const path = `/api/clients?limit=200&filter[phone][${op}]=${encodeURIComponent(phone)}`;
  return (await world.send("lan", "GET", path)).json.data
    .map(({ name }: { name: string }) => name)
    .toSorted();
};

inWorld("phones with a country code", { clients: { acme: { phone: "+84 (0)912-345.678" } } }, (world) => {
  for (const spelling of [
    "+84912345678",
    "+84 912 345 678",
    "+84 (0)912-345.678",
    "+84-91-234-5678",
    " 84912345678",
  ]) {
    test(`are found by ${spelling}`, async () => expect(await found(world(), spelling)).toEqual(["acme"]));
  }

  for (const other of ["0912345678", "912345678", "+84912345679", "+1912345678", "acme"]) {
    test(`are not found by ${other}`, async () => expect(await found(world(), other)).toEqual([]));
  }

  test("are kept as they were typed", async () => {
    const { json } = await world().send("lan", "GET", "/api/clients/$acme");
    expect(json.phone).toBe("+84 (0)912-345.678");
  });

  test("are found by a part", async () => {
    expect(await found(world(), "345 678", "contains")).toEqual(["acme"]);
    expect(await found(world(), "+84 91", "starts_with")).toEqual(["acme"]);
  });
});

const vietnam = { NEOCRM_CLIENTS_DEFAULT_COUNTRY: "VN" };
const local = { national: { phone: "0912 345 678" }, foreign: { phone: "+1 514 721 4711" }, none: {} };

inWorld(
  "phones without a country code, where Vietnam is the default",
  { env: vietnam, clients: local },
  (world) => {
    for (const spelling of [
      "0912345678",
      "0912 345 678",
      "(091) 234-5678",
      "912345678",
      "+84912345678",
      "+84 912 345 678",
    ]) {
      test(`are found by ${spelling}`, async () =>
        expect(await found(world(), spelling)).toEqual(["national"]));
    }

    test("and those of elsewhere by their own", async () => {
      expect(await found(world(), "+15147214711")).toEqual(["foreign"]);
      expect(await found(world(), "5147214711")).toEqual([]);
    });

    test("several spellings at once, and none of them", async () => {
      expect(await found(world(), "0912345678,+1 (514) 721-4711", "in")).toEqual(["foreign", "national"]);
      expect(await found(world(), "true", "is_null")).toEqual(["none"]);
    });
  },
);

inWorld("phones of nobody knows where", { clients: { acme: { phone: "0912 345 678" } } }, (world) => {
  for (const spelling of ["0912345678", "0912 345 678", "(0912) 345-678", "0912.345.678"]) {
    test(`are found by ${spelling}`, async () => expect(await found(world(), spelling)).toEqual(["acme"]));
  }

  test("and by a part", async () => {
    expect(await found(world(), "345 678", "contains")).toEqual(["acme"]);
    expect(await found(world(), "0912-3", "starts_with")).toEqual(["acme"]);
  });
});

scenarios("what is no number", { clients: { acme: { phone: "ask for Ánh" } } }, [
  { by: "lan", get: "/api/clients/$acme", status: 200, has: { phone: "ask for Ánh" } },
  {
    by: "lan",
    get: "/api/clients?filter[phone]=ASK+FOR+ANH",
    status: 200,
    has: { data: [{ name: "acme" }] },
  },
  {
    by: "lan",
    get: "/api/clients?filter[phone][contains]=anh",
    status: 200,
    has: { data: [{ name: "acme" }] },
  },
]);

type Customer = Record<
  "FirstName" | "LastName" | "Company" | "Phone" | "Fax" | "Email" | "CustomerId",
  string
>;
const file = join(import.meta.dir, "../fixtures/chinook-customers.csv");
const customers: Customer[] = parse(readFileSync(file), { columns: true });

inWorld("the customers of Chinook", {}, (world) => {
  test("all come in, and each is found by every spelling of its phone", async () => {
    expect(customers).toHaveLength(59);
    const { send } = world();
    for (const { FirstName, LastName, Company, Phone, Email, CustomerId } of customers) {
      const body = {
        name: `${FirstName} ${LastName}`,
        ...{ company: Company || null, phone: Phone || null, email: Email, external_id: CustomerId },
      };
      const { status, json } = await send("lan", "POST", "/api/clients", { body });
      expect([status, json]).toMatchObject([201, body]);
    }
    const { json } = await send("lan", "GET", "/api/clients?limit=100&count=exact");
    expect(json.pagination).toMatchObject({ total: 59, total_pages: 1, next_cursor: null });

    for (const { FirstName, LastName, Phone } of customers.filter(({ Phone }) => Phone !== "")) {
      const name = `${FirstName} ${LastName}`;
      const number = parsePhoneNumberFromString(Phone)!;
      for (const spelling of [
        Phone,
        number.number,
        number.formatInternational(),
        number.number.replace(/(?!^)(..)/g, "$1-"),
      ]) {
        expect([spelling, await found(world(), spelling)]).toEqual([spelling, [name]]);
      }
    }
  }, 30_000);
});

describe("the fixture", () => {
  test("has one customer without a phone", () => {
    expect(customers.filter(({ Phone }) => Phone === "")).toHaveLength(1);
  });
});
