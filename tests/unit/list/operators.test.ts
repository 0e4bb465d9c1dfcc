import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { and, eq, isNotNull, isNull, or } from "drizzle-orm";
import { listPage, pageOf, type ListScope } from "../../../src/db/list";
import type { Store } from "../../../src/db/store";
import type { ClientRow } from "../../../src/features/clients/store";
import { client, clients, list, openSearched, parse, start, users } from "./support";

const hour = 3_600_000;

/** By name, and sorted by it: Bjørn, Đặng, Élodie, Müller, O'Neil, Stanisław. */
const people = [
  client({
    name: "Stanisław",
    email: "Stan@Example.com",
    company: "Żabka, Ltd",
    phone: "+48 22 123 45 67",
    status: "customer",
    assigned_to: users.lan,
    tags: ["VIP", "Kraków"],
    created_at: start,
    version: 3,
  }),
  client({
    name: "Bjørn",
    company: "Ærø Færge",
    position: "Head of Sales",
    phone: "0901234567",
    status: "active",
    assigned_to: users.minh,
    tags: ["vip"],
    created_at: start - hour,
    version: 2,
  }),
  client({
    name: "Đặng",
    email: "dang@example.com",
    company: "50% Off",
    tags: ["vip", "Hà Nội", "kraków"],
    created_at: start - 2 * hour,
  }),
  client({ name: "Élodie", email: "ÉLODIE@example.fr", phone: "ask Bjørn", created_at: start - 30 * hour }),
  client({
    name: "Müller",
    company: "Müller & Söhne",
    address: "Øvre gate 12, Bergen",
    status: "inactive",
    created_at: start - 40 * hour,
  }),
  client({ name: "O'Neil", external_id: "EXT_1", company: "50 Shades", created_at: start - 50 * hour }),
  client({ name: "Gone", status: "active", deleted_at: start, tags: ["vip"] }),
];

let both: Awaited<ReturnType<typeof openSearched>>;
beforeAll(async () => {
  both = await openSearched(people);
});
afterAll(() => both.close());

/** The names that a query answers, the same on both engines. */
async function names(query: string): Promise<string> {
  const answers = await Promise.all(both.stores.map((store) => list(store, `sort=name&${query}`)));
  const [sqlite, postgres] = answers.map(({ rows }) => rows.map(({ name }) => name).join(" "));
  expect(postgres).toBe(sqlite!);
  return sqlite!;
}

const everybody = "Bjørn Đặng Élodie Müller O'Neil Stanisław";

describe("operators", () => {
  test.each<[query: string, names: string]>([
    ["", everybody],
    ["filter[name]=STANISLAW", "Stanisław"],
    ["filter[name]=Stanis", ""],
    ["filter[name][ne]=bjorn", "Đặng Élodie Müller O'Neil Stanisław"],
    ["filter[name][in]=dang,MULLER,nobody", "Đặng Müller"],
    ["filter[name][nin]=dang,muller", "Bjørn Élodie O'Neil Stanisław"],
    ["filter[name][lt]=elodie", "Bjørn Đặng"],
    ["filter[name][lte]=élodie", "Bjørn Đặng Élodie"],
    ["filter[name][gt]=O'NEIL", "Stanisław"],
    ["filter[name][gte]=o'neil", "O'Neil Stanisław"],
    ["filter[name][between]=d,n", "Đặng Élodie Müller"],
    ["filter[name][contains]=ÖR", "Bjørn"],
    ["filter[name][contains]=j rn", ""],
    ["filter[name][contains]=o'NEI", "O'Neil"],
    ["filter[name][contains]=oneil", ""],
    ["filter[name][contains]=nobody", ""],
    ["filter[name][starts_with]=đ", "Đặng"],
    ["filter[name][starts_with]='", ""],
    ["filter[company]=zabka\\, ltd", ""],
    ["filter[company]=zabka, ltd", "Stanisław"],
    ["filter[company][in]=zabka\\, ltd,ærø færge", "Bjørn Stanisław"],
    ["filter[company][ne]=zabka, ltd", "Bjørn Đặng Élodie Müller O'Neil"],
    ["filter[company][nin]=zabka\\, ltd", "Bjørn Đặng Élodie Müller O'Neil"],
    ["filter[company][contains]=50%25", "Đặng"],
    ["filter[company][contains]=0_", ""],
    ["filter[company][starts_with]=50", "Đặng O'Neil"],
    ["filter[company][starts_with]=muller %26", "Müller"],
    ["filter[company][is_null]=true", "Élodie"],
    ["filter[company][is_null]=false", "Bjørn Đặng Müller O'Neil Stanisław"],
    ["filter[position]=head of sales", "Bjørn"],
    ["filter[position]=sales", ""],
    ["filter[position][starts_with]=HEAD OF S", "Bjørn"],
    ["filter[position][starts_with]=sales", ""],
    ["filter[address][contains]=re gate 12, b", "Müller"],
    ["filter[address][contains]=gate bergen", ""],
    ["filter[address][contains]=bergen&status=active", ""],
    ["filter[company][contains]=gate", ""],
    ["filter[external_id]=ext_1", "O'Neil"],
    ["filter[email]=elodie@EXAMPLE.fr", "Élodie"],
    ["filter[email][contains]=@example", "Đặng Élodie Stanisław"],
    ["filter[email][gte]=a", "Đặng Élodie Stanisław"],
    ["filter[phone]=%2B48221234567", "Stanisław"],
    ["filter[phone]=090 123 4567", "Bjørn"],
    ["filter[phone][contains]=12 345", "Bjørn Stanisław"],
    ["filter[phone][starts_with]=+84", "Bjørn"],
    ["filter[phone]=ASK BJORN", "Élodie"],
    ["filter[phone][is_null]=true", "Đặng Müller O'Neil"],
    ["status=customer", "Stanisław"],
    ["filter[status][ne]=prospect", "Bjørn Müller Stanisław"],
    ["filter[status][in]=active,inactive", "Bjørn Müller"],
    ["filter[status][nin]=active,inactive", "Đặng Élodie O'Neil Stanisław"],
    [`assignee=${users.minh}`, "Bjørn"],
    [`filter[assigned_to][ne]=${users.minh}`, "Đặng Élodie Müller O'Neil Stanisław"],
    [`filter[assigned_to][in]=${users.minh},${users.lan.toUpperCase()}`, "Bjørn Stanisław"],
    [`filter[assigned_to][nin]=${users.minh}`, "Đặng Élodie Müller O'Neil Stanisław"],
    ["filter[assigned_to][is_null]=false", "Bjørn Stanisław"],
    [`filter[created_by]=${users.minh}`, ""],
    ["filter[version]=3", "Stanisław"],
    ["filter[version][in]=2,3", "Bjørn Stanisław"],
    ["filter[version][nin]=2,3", "Đặng Élodie Müller O'Neil"],
    ["filter[version][between]=2,2", "Bjørn"],
    ["filter[version][gt]=-1", everybody],
    ["filter[created_at]=2026-03-01T07:00:00+07:00", "Stanisław"],
    ["filter[created_at][in]=now,now-1h", "Bjørn Stanisław"],
    ["filter[created_at][gte]=now-1d", "Bjørn Đặng Stanisław"],
    ["filter[created_at][between]=now-2h,now-1h", "Bjørn Đặng"],
    ["filter[created_at][lt]=now-1d", "Élodie Müller O'Neil"],
    ["filter[deleted_at][is_null]=true", everybody],
    ["filter[deleted_at][is_null]=false&deleted=with", "Gone"],
    ["filter[tags]=Vip", "Bjørn Đặng Stanisław"],
    ["filter[tags][ne]=vip", "Élodie Müller O'Neil"],
    ["filter[tags][in]=ha noi,KRAKOW", "Đặng Stanisław"],
    ["filter[tags][all]=vip,kraków,VIP", "Đặng Stanisław"],
    ["filter[tags][all]=vip,kraków,hà nội", "Đặng"],
    ["filter[tags][nin]=kraków,hà nội", "Bjørn Élodie Müller O'Neil"],
    ["filter[tags][is_null]=true", "Élodie Müller O'Neil"],
    ["filter[tags][is_null]=false", "Bjørn Đặng Stanisław"],
    ["filter[tags]=vip&filter[tags][ne]=kraków", "Bjørn"],
    ["filter[name][gte]=b&filter[name][lt]=f&filter[company][is_null]=false", "Bjørn Đặng"],
    ["deleted=only", "Gone"],
    ["deleted=with&status=active", "Bjørn Gone"],
  ])("%s", async (query, expected) => {
    expect(await names(query)).toBe(expected);
  });
});

describe("order, with nulls last in both directions", () => {
  test.each<[sort: string, initials: string]>([
    ["name", "BĐÉMOS"],
    ["-name", "SOMÉĐB"],
    ["company", "OĐBMSÉ"],
    ["-company", "SMBĐOÉ"],
    ["-email,name", "SÉĐBMO"],
    ["email,-name", "ĐÉSOMB"],
    ["status,-email", "BSMÉĐO"],
    ["-created_at", "SBĐÉMO"],
  ])("%s", async (sort, initials) => {
    for (const store of both.stores) {
      const { rows } = await list(store, `sort=${sort}`);
      expect(rows.map(({ name }) => name[0]).join("")).toBe(initials);
    }
  });
});

describe("pages", () => {
  const paged = async (store: Store, query: string) => pageOf(await list(store, query), parse(query));

  test("say where they are and how much there is", async () => {
    for (const store of both.stores) {
      const first = await paged(store, "limit=4");
      expect(first).toEqual({
        page: 1,
        limit: 4,
        total: 6,
        total_pages: 2,
        total_capped: false,
        next_cursor: expect.any(String),
      });
      const rest = { limit: 4, total: 6, total_pages: 2, total_capped: false, next_cursor: null };
      expect(await paged(store, "limit=4&page=2")).toEqual({ page: 2, ...rest });
      expect(await paged(store, `limit=4&cursor=${first.next_cursor}`)).toEqual({ page: null, ...rest });
      expect(await paged(store, "limit=4&page=3")).toEqual({ page: 3, ...rest });
      expect(await paged(store, "limit=6&count=exact")).toMatchObject({ total: 6, next_cursor: null });
      expect(await paged(store, "count=none")).toMatchObject({
        total: null,
        total_pages: null,
        total_capped: false,
      });
      expect(await paged(store, "filter[name]=nobody")).toMatchObject({ total: 0, total_pages: 0, page: 1 });
    }
  });

  test("have the public columns and no others, whatever they are sorted by", async () => {
    const expected = [...people]
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .find(({ name }) => name === "Bjørn")!;
    for (const store of both.stores) {
      const { rows } = await list(store, "sort=name,company,-email&limit=1");
      expect(rows).toEqual([expected]);
      expect(Object.keys(rows[0]!)).toEqual(Object.keys(clients.columns(store.read.t)));
    }
  });
});

test("a scope narrows rows and counts alike", async () => {
  const lans: ListScope = {
    shape: "assigned",
    where: ({ t: { clients } }, p) =>
      or(and(isNull(clients.deleted_at), eq(clients.assigned_to, p.me!)), isNotNull(clients.deleted_at)),
    args: { me: users.lan },
    caller: "lan",
  };
  for (const store of both.stores) {
    const request = parse("deleted=with&sort=name&limit=1");
    const { rows, total } = await listPage<ClientRow>(store, clients, request, [lans]);
    expect(rows.map(({ name }) => name)).toEqual(["Gone"]);
    expect(total).toBe(2);
  }
});
