import { describe, expect, test } from "bun:test";
import { Refusal } from "../../../src/errors";
import { clientFields } from "../../../src/features/clients/fields";
import { encodeCursor, fieldsOf, parseList, type ListRequest } from "../../../src/list";
import type { QueryCode } from "../../../src/problems";
import { client, parse, queryOf, start, users } from "./support";

const many = (count: number) => Array.from({ length: count }, (_, i) => `v${i}`).join();

function refusal(query: string): Refusal {
  try {
    parse(query);
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
  throw new Error(`${query} is taken.`);
}

describe("what is refused, and under which name", () => {
  test.each<[query: string, code: QueryCode, field: string, message: RegExp]>([
    ["colour=red", "unknown_parameter", "colour", /not a parameter/],
    ["__proto__=1", "unknown_parameter", "__proto__", /not a parameter/],
    ["filter=1", "unknown_parameter", "filter", /filter\[field\]=value/],
    ["filter[name", "unknown_parameter", "filter[name", /filter\[field\]\[op\]=value/],
    ["filter[name][eq][eq]=1", "unknown_parameter", "filter[name][eq][eq]", /filter\[field\]/],
    ["filter[colour]=red", "unknown_field", "filter[colour]", /name, email, phone/],
    ["filter[constructor]=1", "unknown_field", "filter[constructor]", /not a field/],
    ["filter[notes]=x", "unknown_field", "filter[notes]", /not a field/],
    ["filter[name_key]=x", "unknown_field", "filter[name_key]", /not a field/],
    ["filter[name][like]=x", "unknown_operator", "filter[name][like]", /eq, ne, in, nin, lt/],
    ["filter[status][gt]=active", "unknown_operator", "filter[status][gt]", /which has eq, ne, in, nin$/],
    ["filter[name][is_null]=true", "unknown_operator", "filter[name][is_null]", /name, which has/],
    ["filter[name][all]=a", "unknown_operator", "filter[name][all]", /not an operator/],
    ["filter[version][contains]=1", "unknown_operator", "filter[version][contains]", /not an operator/],
    ["sort=notes", "unknown_sort_key", "sort", /name, email, company, status, created_at, updated_at/],
    ["sort=", "unknown_sort_key", "sort", /no key to sort by/],
    ["sort=name,", "unknown_sort_key", "sort", /no key to sort by/],
    ["sort=--name", "unknown_sort_key", "sort", /"-name" is no key/],
    ["sort=%2Bname", "unknown_sort_key", "sort", /"\+name" is no key/],
    ["sort=name,email,company,status", "too_many_sort_keys", "sort", /at most 3/],
    ["sort=name,-name", "repeated_sort_key", "sort", /twice/],
    ["limit=5&limit=5", "repeated_parameter", "limit", /twice/],
    ["filter[name]=a&filter[name]=b", "repeated_parameter", "filter[name]", /twice/],
    ["filter[name]=a&filter[name][eq]=b", "repeated_parameter", "filter[name][eq]", /twice/],
    ["status=active&filter[status]=active", "repeated_parameter", "filter[status]", /twice/],
    [`assignee=${users.lan}&assigned_to=${users.lan}`, "repeated_parameter", "assigned_to", /twice/],
    ["cursor=abc&cursor=abc", "invalid_cursor", "cursor", /not a cursor/],
    ["page=one", "invalid_integer", "page", /whole number/],
    ["page=1.5", "invalid_integer", "page", /whole number/],
    ["page=1e3", "invalid_integer", "page", /whole number/],
    ["page=0", "out_of_range", "page", /at least 1/],
    ["page=-1", "out_of_range", "page", /at least 1/],
    ["page=99999999999999999999", "invalid_integer", "page", /whole number/],
    ["limit=0", "out_of_range", "limit", /at least 1/],
    ["limit=201", "out_of_range", "limit", /at most 200/],
    ["limit=", "invalid_integer", "limit", /whole number/],
    ["page=501", "page_too_deep", "page", /cursor=<next_cursor>/],
    ["page=51&limit=200", "page_too_deep", "page", /10000/],
    ["page=10001&limit=1", "page_too_deep", "page", /10000/],
    ["count=yes", "invalid_choice", "count", /capped, exact, none/],
    ["deleted=true", "invalid_choice", "deleted", /only, with/],
    ["filter[name]=%", "malformed_encoding", "filter[name]", /%25/],
    ["filter[name]=%C3%28", "malformed_encoding", "filter[name]", /UTF-8/],
    ["filter[name]=%ED%A0%80", "malformed_encoding", "filter[name]", /UTF-8/],
    ["filter[name]=a%00b", "invalid_characters", "filter[name]", /NUL/],
    ["filter[name]=a\ud800b", "invalid_characters", "filter[name]", /surrogate/],
    ["filter[name]=", "empty_value", "filter[name]", /must not be empty$/],
    ["filter[name]", "empty_value", "filter[name]", /must not be empty/],
    ["filter[company]=", "empty_value", "filter[company]", /filter\[company\]\[is_null\]=true/],
    ["filter[name][in]=a,,b", "empty_value", "filter[name][in]", /must not be empty/],
    ["filter[name][contains]=%CC%81", "empty_value", "filter[name][contains]", /at least one letter/],
    [`filter[name]=${"a".repeat(501)}`, "too_long", "filter[name]", /at most 500/],
    [`filter[name][in]=${many(201)}`, "too_many_values", "filter[name][in]", /at most 200/],
    ["filter[status]=gold", "invalid_choice", "filter[status]", /prospect, active, inactive, customer/],
    ["filter[status]=Active", "invalid_choice", "filter[status]", /must be one of/],
    ["status=active,customer", "invalid_choice", "status", /must be one of/],
    ["assigned_to=lan", "invalid_id", "assigned_to", /such as 0/],
    ["filter[created_by][in]=1", "invalid_id", "filter[created_by][in]", /must be an id/],
    ["filter[version]=2147483648", "invalid_integer", "filter[version]", /at most 2147483647/],
    ["filter[version]=0x1", "invalid_integer", "filter[version]", /whole number/],
    ["filter[tags][is_null]=1", "invalid_boolean", "filter[tags][is_null]", /true or false/],
    ["filter[version][between]=1", "invalid_range", "filter[version][between]", /two values/],
    ["filter[version][between]=1,2,3", "invalid_range", "filter[version][between]", /two values/],
    ["filter[created_at]=2026-03-01", "invalid_instant", "filter[created_at]", /2026-03-01T00:00:00Z/],
    ["filter[created_at]=yesterday", "invalid_instant", "filter[created_at]", /such as 2026-/],
  ])("%s", (query, code, field, message) => {
    const { kind, details, code: ofRefusal } = refusal(query);
    expect(kind).toBe("malformed");
    expect(details.errors?.[0]).toMatchObject({ field, code });
    expect(details.errors?.[0]?.message).toMatch(message);
    expect(ofRefusal).toBe(code);
  });

  test("everything at once", () => {
    const { details, message } = refusal("page=0&colour=red&filter[status]=gold&sort=x");
    expect(details.errors?.map(({ field }) => field)).toEqual(["page", "colour", "filter[status]", "sort"]);
    expect(message).toBe("page: must be at least 1 (and 3 more)");
  });

  test("more than 20 filters", () => {
    const names = ["name", "company", "position"].flatMap((field) =>
      ["eq", "ne", "lt", "lte", "gt", "gte", "contains"].map((op) => `filter[${field}][${op}]=x`),
    );
    expect(parse(names.slice(0, 20).join("&")).filters).toHaveLength(20);
    expect(refusal(names.join("&")).code).toBe("too_many_filters");
  });

  test("deleted, where nothing is kept that is deleted", () => {
    const fields = fieldsOf(
      "users",
      { full_name: { type: "text", key: "full_name_key", sort: true } },
      { sort: "full_name" },
    );
    expect(() => parseList(fields, "deleted=with", { timeZone: "UTC" })).toThrow(
      "deleted: is not a parameter",
    );
  });
});

describe("what is taken", () => {
  const asked = (query: string) => {
    const { filters, sort, deleted, count, limit, page } = parse(query);
    return {
      filters,
      sort: sort.map(({ field, descending }) => (descending ? `-${field}` : field)).join(),
      deleted,
      count,
      limit,
      page,
    };
  };
  const plain = { filters: [], sort: "-created_at", deleted: "none", count: "capped", limit: 20, page: 1 };

  test.each<[query: string, differs: Partial<ReturnType<typeof asked>>]>([
    ["", {}],
    ["&&", {}],
    ["page=2&limit=200", { page: 2, limit: 200 }],
    ["page=50&limit=200", { page: 50, limit: 200 }],
    ["page=10000&limit=1", { page: 10000, limit: 1 }],
    ["sort=-company,name,-updated_at", { sort: "-company,name,-updated_at" }],
    ["count=none&deleted=with", { count: "none", deleted: "with" }],
    ["count=exact&deleted=only", { count: "exact", deleted: "only" }],
  ])("%s", (query, differs) => {
    expect(asked(query)).toEqual({ ...plain, ...differs } as never);
  });

  test.each<[query: string, field: string, op: string, values: unknown[]]>([
    ["status=active", "status", "eq", ["active"]],
    [`assignee=${users.lan.toUpperCase()}`, "assigned_to", "eq", [users.lan]],
    ["filter%5Bname%5D=Stanis%C5%82aw", "name", "eq", ["stanislaw"]],
    ["filter[name]=Lan+Anh", "name", "eq", ["lan anh"]],
    ["filter[name]=Smith, Jones \\ Co", "name", "eq", ["smith, jones \\ co"]],
    ["filter[name][in]=Smith\\, Jones,a\\\\,b\\c,a\\\\", "name", "in", ["smith, jones", "a\\", "b\\c"]],
    ["filter[tags][all]=VIP,Hà Nội,vip", "tags", "all", ["vip", "ha noi"]],
    ["filter[tags][is_null]=false", "tags", "is_null", [false]],
    ["filter[version][between]=1,5", "version", "between", [1, 5]],
    ["filter[version][between]=5,5", "version", "between", [5, 5]],
    ["filter[version]=-0", "version", "eq", [0]],
    ["filter[created_at][gte]=now-1h", "created_at", "gte", [start - 3_600_000]],
    ["filter[phone]=090 123 45 67", "phone", "eq", ["+84901234567"]],
    ["filter[phone]=+84 90 123 45 67", "phone", "eq", ["+84901234567"]],
    ["filter[phone][in]=0901234567,%2B84901234567", "phone", "in", ["+84901234567"]],
    ["filter[phone][contains]=(123) 45-6", "phone", "contains", ["123456"]],
    ["filter[phone][starts_with]=+84 90", "phone", "starts_with", ["+8490"]],
    ["filter[phone][contains]=Ext. 5", "phone", "contains", ["ext. 5"]],
  ])("%s", (query, field, op, values) => {
    expect(parse(query).filters).toEqual([{ field, op, values } as never]);
  });

  test("a name for several choices", () => {
    const fields = fieldsOf(
      "clients",
      { status: { type: "choice", of: ["a", "b", "c"], groups: { ab: ["a", "b"] }, sort: true } },
      { sort: "status", shortcuts: { status: "status" } },
    );
    const filterOf = (query: string) => parseList(fields, query, { timeZone: "UTC" }).filters[0]!;
    expect(filterOf("status=ab")).toMatchObject({ op: "in", values: ["a", "b"] });
    expect(filterOf("filter[status][ne]=ab")).toMatchObject({ op: "nin", values: ["a", "b"] });
    expect(filterOf("filter[status][in]=ab,b,c")).toMatchObject({ op: "in", values: ["a", "b", "c"] });
  });
});

describe("a cursor", () => {
  const query = (cursor: string | undefined, others = {}) =>
    queryOf({ sort: "company,-created_at", "filter[created_at][lt]": "now-1d", cursor, ...others });
  const first = parse(query(undefined));
  const position = { values: ["acme", start], id: client({ name: "x" }).id };
  const cursor = encodeCursor(first, position);
  const later = { now: start + 86_400_000 };

  test("goes on after a record, counting from the same now", () => {
    const next = parse(query(cursor), later);
    expect(next).toMatchObject({ after: position, page: null, filters: first.filters, now: start });
  });

  test("may be used with another limit and count, and with the parameters in another order", () => {
    expect(parse(query(cursor, { limit: 7, count: "none" }), later)).toMatchObject({
      limit: 7,
      after: position,
    });
    expect(parse(query(cursor).split("&").reverse().join("&"), later).after).toEqual(position);
  });

  test.each<[others: Record<string, string>, code: QueryCode]>([
    [{ sort: "company,created_at" }, "cursor_mismatch"],
    [{ sort: "company" }, "cursor_mismatch"],
    [{ status: "active" }, "cursor_mismatch"],
    [{ deleted: "with" }, "cursor_mismatch"],
    [{ "filter[created_at][lt]": "now-2d" }, "cursor_mismatch"],
    [{ page: "2" }, "page_with_cursor"],
  ])("is refused with %p", (others, code) => {
    expect(refusal(query(cursor, others)).code).toBe(code);
  });

  test("belongs to one list", () => {
    const here = (scope: string, cursor?: string) =>
      parseList(clientFields, queryOf({ cursor }), { timeZone: "UTC", scope });
    const made = encodeCursor(here("a"), { values: [start], id: position.id });
    expect(here("a", made).after?.values).toEqual([start]);
    expect(() => here("b", made)).toThrow("cursor: belongs to a list with other filters");
  });

  const forged = (values: unknown[], change: Partial<ListRequest> = {}, id: unknown = position.id) =>
    encodeCursor({ ...first, ...change }, { values, id } as never);
  test.each<[what: string, cursor: string]>([
    ["nothing", ""],
    ["no base64url", "a+b/c="],
    ["no UTF-8", Buffer.from([0xff, 0xfe]).toString("base64url")],
    ["no JSON", Buffer.from("{").toString("base64url")],
    ["no array", Buffer.from("{}").toString("base64url")],
    ["an empty array", Buffer.from("[]").toString("base64url")],
    ["too few values", forged(["acme"])],
    ["too many values", forged(["acme", start, 1])],
    ["a number for text", forged([1, start])],
    ["text for an instant", forged(["acme", "x"])],
    ["a fraction", forged(["acme", 1.5])],
    ["null where there is none", forged(["acme", null])],
    ["an object", forged([{}, start])],
    ["a NUL", forged(["a\0", start])],
    ["half a surrogate pair", forged(["a\ud800", start])],
    ["no id", forged(["acme", start], {}, "1")],
    ["an impossible now", forged(["acme", start], { now: 1e300 })],
    ["a now that is none", forged(["acme", start], { now: "x" as never })],
    ["something endless", "A".repeat(20_000)],
  ])("with %s is refused", (_, cursor) => {
    expect(refusal(query(cursor)).code).toBe("invalid_cursor");
  });
});
