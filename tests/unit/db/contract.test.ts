/** What every store promises. The same tests run on both engines. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { and, asc, desc, eq, sql } from "drizzle-orm";
import { hot, hotByShape, value, type Params } from "../../../src/db/hot";
import type { Session, Store } from "../../../src/db/store";
import { newId } from "../../../src/ids";
import {
  clientById,
  engines,
  failure,
  insertClient,
  insertUser,
  renameIfUnchanged,
  temporaryFolder,
  userRole,
  type Client,
} from "./fixtures";

setDefaultTimeout(60_000);

const folder = temporaryFolder();
afterAll(folder.remove);

const pages = hotByShape<Client>();

/** A page of seven clients in Oslo, by name. */
function page(session: Session, direction: "asc" | "desc", after: { key: string; id: string } | undefined) {
  const [order, isAfter] = direction === "asc" ? [asc, sql`>`] : [desc, sql`<`];
  return pages.all(
    session,
    `${direction} ${after !== undefined}`,
    ({ t: { clients }, q }, p) => {
      const afterLast = sql`(${clients.name_key}, ${clients.id}) ${isAfter} (${p.key}, ${p.id})`;
      return q
        .select()
        .from(clients)
        .where(and(eq(clients.company, p.company!), after ? afterLast : undefined))
        .orderBy(order(clients.name_key), order(clients.id))
        .limit(p.limit!);
    },
    { company: "Oslo", limit: 7, ...after },
  );
}

async function allPages(session: Session, direction: "asc" | "desc") {
  const seen: Client[] = [];
  for (;;) {
    const last = seen.at(-1);
    const after = last && { key: last.name_key, id: last.id };
    const rows = await page(session, direction, after);
    if (rows.length === 0) return seen;
    seen.push(...rows);
  }
}

for (const [engine, open] of Object.entries(engines)) {
  describe(engine, () => {
    let store: Store;
    const ann = newId();
    const emails = async () => {
      const { t, q } = store.read;
      return (await q.select().from(t.users)).map((user) => user.email);
    };
    const createUser = (email: string) => store.tx((session) => insertUser(session, email));
    const createClient = (values: Parameters<typeof insertClient>[2]) =>
      store.tx((session) => insertClient(session, ann, values));

    beforeAll(async () => {
      store = await open(folder.path);
      await store.tx((session) => insertUser(session, "ann", ann));
    });
    afterAll(() => store.close());

    test("it tells its engine and answers a ping", async () => {
      expect(store.engine).toBe(engine as Store["engine"]);
      expect(store.read.dialect.engine).toBe(store.engine);
      await store.ping();
      expect(store.waiting).toBe(0);
    });

    test("a migrated database has the three roles with their grants", async () => {
      const { t, q } = store.read;
      const grants = await q
        .select({ slug: t.roles.slug, permission: t.grants.permission, scope: t.grants.scope })
        .from(t.grants)
        .innerJoin(t.roles, eq(t.roles.id, t.grants.role_id));
      const of = (slug: string) =>
        grants
          .filter((grant) => grant.slug === slug)
          .map(({ permission, scope }) => `${permission} ${scope}`)
          .toSorted();
      const all = (resource: string) =>
        ["create", "delete", "read", "update"].map((action) => `${resource}.${action} all`);
      const reading = (scope: string) => ["activities.create all", `activities.read ${scope}`];
      expect(of("user")).toEqual(
        [
          ...[...reading("own"), "jobs.read own"],
          ...["clients.create all", "clients.delete own", "clients.read all", "clients.update own"],
          ...["tasks.create all", "tasks.delete own", "tasks.read own", "tasks.update own"],
          ...["files.create all", "files.delete own", "files.read own", "files.update own"],
          ...["folders.create all", "folders.delete own", "folders.read all", "folders.update own"],
          "users.read all",
        ].toSorted(),
      );
      const both = [
        ...reading("all"),
        ...all("clients"),
        ...all("tasks"),
        ...all("files"),
        ...all("folders"),
        "users.email all",
        "users.read all",
      ];
      expect(of("manager")).toEqual([...both, "jobs.read own"].toSorted());
      const more = [
        "backups.manage all",
        "monitoring.read all",
        "roles.read all",
        "settings.manage all",
        "users.manage all",
      ];
      const own = ["jobs.manage all", "jobs.read all", "sign_ins.read all"];
      expect(of("admin")).toEqual([...both, ...more, ...own].toSorted());
      expect((await q.select().from(t.roles).where(eq(t.roles.id, userRole)))[0]?.slug).toBe("user");
    });

    test("rows come back with the column's types, from hot queries as from Drizzle", async () => {
      const created = await createClient({ name: "Élan" });
      const { t, q } = store.read;
      const [fromDrizzle] = await q.select().from(t.clients).where(eq(t.clients.id, created.id));
      expect(created).toEqual(fromDrizzle!);
      expect(await clientById(store.read, created.id)).toEqual(fromDrizzle!);
      expect(created).toMatchObject({
        name_key: "elan",
        tags: ["Élan"],
        email: null,
        deleted_at: null,
        created_at: 1_700_000_000_000,
        version: 1,
      });
      const user = hot(({ t, q }, p: Params<{ id: string }>) =>
        q.select().from(t.users).where(eq(t.users.id, p.id)),
      );
      expect(await user.first(store.read, { id: ann })).toMatchObject({ is_active: true, avatar_url: null });
      expect(await clientById(store.read, newId())).toBeUndefined();
    });

    test("JSON comes back as it went in", async () => {
      const insertEvent = hot(
        ({ t, q }, p: Params<{ id: string; changes: Record<string, [unknown, unknown]> }>) =>
          q
            .insert(t.events)
            .values({
              id: p.id,
              type: "client.updated",
              entity_type: "client",
              entity_id: p.id,
              version: 1,
              actor_kind: "system",
              request_id: "r",
              changes: p.changes,
              created_at: 1,
            })
            .returning(),
      );
      for (const changes of [
        {},
        { name: ["a", 'quote " and \\ and 🦊'] },
        { tags: [["x"], []], notes: [null, "null"], n: [1.5, true] },
        { deep: [{ a: [{ b: null }] }, ""] },
      ] as Record<string, [unknown, unknown]>[]) {
        const id = newId();
        const row = await store.tx(async (session) => insertEvent.first(session, { id, changes }));
        expect(row?.changes).toEqual(changes);
        const { t, q } = store.read;
        expect((await q.select().from(t.events).where(eq(t.events.id, id)))[0]?.changes).toEqual(changes);
      }
    });

    test("hot queries select expressions under their own name", async () => {
      const count = hot(({ t, q }, p: Params<{ company: string }>) =>
        q
          .select({
            howMany: sql<number>`count(*)`.mapWith(Number),
            newest: sql<number>`max(${t.clients.created_at})`.mapWith(t.clients.created_at).as("n"),
          })
          .from(t.clients)
          .where(eq(t.clients.company, p.company)),
      );
      await createClient({ company: "Bergen" });
      expect(await count.all(store.read, { company: "Bergen" })).toEqual([
        { howMany: 1, newest: 1_700_000_000_000 },
      ]);
      expect(await failure(count.all(store.read, {} as never))).toBe('This query needs "company".');
    });

    test("hot queries refuse a selection of whole tables", async () => {
      const joined = hot<{}, unknown>(({ t, q }) =>
        q.select().from(t.clients).innerJoin(t.users, eq(t.users.id, t.clients.created_by)),
      );
      expect(await failure(joined.all(store.read, {}))).toContain("name the columns");
    });

    test("a query by shape is built once a shape, for each engine its own", async () => {
      const byShape = hotByShape<{ name: string }>(2);
      await createClient({ name: "Shaped", company: "Kiel" });
      let built = 0;
      const run = (shape: "name" | "company", value: string, session: Session = store.read) =>
        byShape.all(
          session,
          shape,
          ({ t, q }, p) => {
            built++;
            const is = eq(t.clients[shape], p.value!);
            return q.select({ name: t.clients.name }).from(t.clients).where(is);
          },
          { value },
        );
      for (let i = 0; i < 3; i++) {
        expect(await run("name", "Shaped")).toEqual([{ name: "Shaped" }]);
        expect(await run("company", "Kiel")).toEqual([{ name: "Shaped" }]);
        expect(await run("company", "Nowhere")).toEqual([]);
      }
      expect(built).toBe(2);
      expect(await store.tx((session) => run("name", "Shaped", session))).toEqual([{ name: "Shaped" }]);
      expect(await failure(run("name", undefined as never))).toBe('This query needs "value".');
    });

    test("the engines' own expressions mean the same", async () => {
      await createClient({ name: "100% Übung_", company: "Dialect" });
      await createClient({ name: "plain", company: null });
      const names = (where: "contains" | "isDistinct", part: string | null) =>
        hot(({ t, q, dialect }, p: Params<{ part: string | null }>) =>
          q
            .select({ name: t.clients.name })
            .from(t.clients)
            .where(dialect[where](where === "contains" ? t.clients.name : t.clients.company, p.part)),
        )
          .all(store.read, { part })
          .then((rows) => rows.map((row) => row.name));
      expect(await names("contains", "% Üb")).toEqual(["100% Übung_"]);
      expect(await names("contains", "100_")).toEqual([]);
      expect(await names("isDistinct", "Dialect")).toContain("plain");
      expect(await names("isDistinct", "Dialect")).not.toContain("100% Übung_");
      expect(await names("isDistinct", null)).toContain("100% Übung_");
      expect(await names("isDistinct", null)).not.toContain("plain");

      const active = hot(({ t, q, dialect }, p: Params<{ active: boolean }>) =>
        q.select({ id: t.users.id }).from(t.users).where(dialect.isDistinct(t.users.is_active, p.active)),
      );
      expect(await active.all(store.read, { active: true })).toEqual([]);
      expect(await active.all(store.read, { active: false })).toContainEqual({ id: ann });

      const among = hot(({ t, q, dialect }, p: Params<{ ids: string }>) =>
        q.select({ id: t.users.id }).from(t.users).where(dialect.isAmong(t.users.id, p.ids)),
      );
      expect(await among.all(store.read, { ids: JSON.stringify([ann, newId()]) })).toEqual([{ id: ann }]);
      expect(await among.all(store.read, { ids: "[]" })).toEqual([]);
    });

    test("a value can be set to null where the column allows it, and nowhere else", async () => {
      type Change = Pick<Client, "id" | "company" | "tags">;
      const change = hot(({ t, q }, p: Params<Change>) =>
        q
          .update(t.clients)
          .set({ company: value(t.clients.company, p.company), tags: value(t.clients.tags, p.tags) })
          .where(eq(t.clients.id, p.id))
          .returning(),
      );
      const { id } = await createClient({ company: "Acme" });
      const apply = (values: Omit<Change, "id">) =>
        store.tx((session) => change.first(session, { id, ...values }));
      expect(await apply({ company: null, tags: ["a", "b"] })).toMatchObject({
        company: null,
        tags: ["a", "b"],
      });
      expect(await apply({ company: "Back", tags: [] })).toMatchObject({ company: "Back", tags: [] });
      hot(({ t, q }, p: Params<{ name: string | null }>) => {
        // @ts-expect-error The column takes no null.
        const name = value(t.clients.name, p.name);
        return q.update(t.clients).set({ name }).returning();
      });
    });

    test("pages follow each other in byte order, both ways", async () => {
      await store.tx(async (session) => {
        for (const name of ["Zeta", "ábc", "abc e", "_x", "Ökonom"])
          for (let i = 0; i < 15; i++)
            await insertClient(session, ann, { name: `${name} ${i % 7}`, company: "Oslo" });
      });
      for (const direction of ["asc", "desc"] as const) {
        const seen = (await allPages(store.read, direction)).map((client) => client.name_key + client.id);
        const sorted = seen.toSorted((a, b) => (a < b ? -1 : 1));
        expect(seen).toEqual(direction === "asc" ? sorted : sorted.reverse());
        expect(new Set(seen).size).toBe(75);
      }
    });

    test("errors are the same on both engines", async () => {
      const insertWith = (values: object) =>
        store.tx(async ({ q, t }) => {
          const required = { name: "n", name_key: "n", status: "active" as const, tags: [], created_by: ann };
          await q
            .insert(t.clients)
            .values({ id: newId(), ...required, created_at: 1, updated_at: 1, ...values });
        });
      const { id } = await createClient({});
      expect(await failure(createUser("Ann"))).toBe("unique users.email_normal");
      expect(await failure(insertWith({ id }))).toBe("unique clients.id");
      expect(await failure(insertWith({ name: null }))).toBe("not_null clients.name");
      expect(await failure(insertWith({ created_by: newId() }))).toStartWith("foreign_key ");
      const grant = { id: newId(), role_id: userRole, permission: "clients.read", scope: "all" as const };
      const again = store.tx(async ({ q, t }) => void (await q.insert(t.grants).values(grant)));
      expect(await failure(again)).toBe("unique grants.role_id, grants.permission");
    });

    test("a value is unique among what is not deleted", async () => {
      const first = await createClient({ email_normal: "a@x.org" });
      expect(await failure(createClient({ email_normal: "a@x.org" }))).toBe("unique clients.email_normal");
      await store.tx(async ({ q, t }) => {
        await q.update(t.clients).set({ deleted_at: 1 }).where(eq(t.clients.id, first.id));
      });
      await createClient({ email_normal: "a@x.org" });
      const restore = store.tx(async ({ q, t }) => {
        await q.update(t.clients).set({ deleted_at: null }).where(eq(t.clients.id, first.id));
      });
      expect(await failure(restore)).toBe("unique clients.email_normal");
    });

    test("hot queries throw the same errors inside a transaction as the transaction itself", async () => {
      await createClient({ email_normal: "inside@x.org" });
      let inside = "";
      const outside = await failure(
        store.tx(async (session) => {
          const attempt = insertClient(session, ann, { email_normal: "inside@x.org" });
          inside = await failure(attempt);
          await attempt;
        }),
      );
      expect([inside, outside]).toEqual(Array(2).fill("unique clients.email_normal"));
    });

    test("of two changes to one version, one wins", async () => {
      const { id } = await createClient({ name: "race" });
      const rename = (name: string) =>
        store.tx((session) => renameIfUnchanged.first(session, { id, name, version: 1 }));
      const renamed = await Promise.all([rename("a"), rename("b")]);
      expect(renamed.filter((client) => client === undefined)).toHaveLength(1);
      expect(await clientById(store.read, id)).toMatchObject({ version: 2 });
    });

    test("read, compute, write keeps every update, and readers see no half of it", async () => {
      const a = (await createClient({ name: "a" })).id;
      const b = (await createClient({ name: "b" })).id;
      const setVersion = async ({ q, t }: Session, id: string, version: number) =>
        void (await q.update(t.clients).set({ version }).where(eq(t.clients.id, id)));
      const bothVersions = async ({ q, t }: Session) => {
        const isOne = sql`${t.clients.id} in (${a}, ${b})`;
        return (await q.select({ version: t.clients.version }).from(t.clients).where(isOne)).map(
          (row) => row.version,
        );
      };
      let done = false;
      let torn = 0;
      const reader = (async () => {
        while (!done) {
          const [first, second] = await bothVersions(store.read);
          if (first !== second) torn++;
          await Bun.sleep(0);
        }
      })();
      const writers = engine === "sqlite" ? 300 : 40;
      const results = await Promise.allSettled(
        Array.from({ length: writers }, (_, i) =>
          store.tx(async (session) => {
            const before = (await clientById(session, a))!.version;
            if (i % 11 === 0) await Bun.sleep(0);
            await setVersion(session, a, before + 1);
            if (i % 5 === 0) throw new Error("changed my mind");
            await setVersion(session, b, before + 1);
          }),
        ),
      );
      done = true;
      await reader;
      const committed = results.filter((result) => result.status === "fulfilled").length;
      const reasons = results.flatMap((result) =>
        result.status === "rejected" ? [result.reason.message] : [],
      );
      expect(new Set(reasons)).toEqual(new Set(["changed my mind"]));
      expect(committed).toBe(writers - Math.ceil(writers / 5));
      expect(await bothVersions(store.read)).toEqual([committed + 1, committed + 1]);
      expect(torn).toBe(0);
    });

    test("a transaction that throws leaves nothing", async () => {
      const work = async (session: Session) => {
        await insertUser(session, "gone");
        await Bun.sleep(1);
        throw new Error("no");
      };
      expect(await failure(store.tx(work))).toBe("no");
      expect(await emails()).not.toContain("gone");
    });

    test("transactions do not nest, but what they start may follow them", async () => {
      expect(await failure(store.tx(() => store.tx(async () => 1)))).toContain("do not nest");
      let later: Promise<unknown> | undefined;
      await store.tx(async () => {
        later = Bun.sleep(20).then(() => createUser("later"));
      });
      await later;
      expect(await emails()).toContain("later");
    });

    test("a session is dead after its transaction, also for queries prepared before", async () => {
      let leaked: Session | undefined;
      let prepared: { execute(): Promise<unknown> } | undefined;
      await store.tx(async (session) => {
        leaked = session;
        prepared = session.q.delete(session.t.events).prepare("late");
      });
      // Drizzle on PostgreSQL wraps the error, so look at the cause too.
      const message = (promise: Promise<unknown>) =>
        promise.then(
          () => "",
          (e) => `${e.message} ${e.cause?.message}`,
        );
      const [first, second, third] = await Promise.all([
        message(insertUser(leaked!, "late")),
        message((async () => prepared!.execute())()),
        message(clientById(leaked!, newId())),
        createUser("other"),
      ]);
      for (const text of [first, second, third]) expect(text).toContain("has ended");
      expect(await emails()).not.toContain("late");
    });

    test("a hung transaction is rolled back alone", async () => {
      const impatient = await open(folder.path, { deadlineMs: 1_000 });
      const hung = impatient.tx(async (session) => {
        await insertUser(session, "hung");
        await new Promise(() => {});
      });
      const others = ["before", "after"].map((email) =>
        impatient.tx((session) => insertUser(session, email)),
      );
      expect(await failure(hung)).toBe("deadline undefined");
      await Promise.all(others);
      const { t, q } = impatient.read;
      const all = (await q.select().from(t.users)).map(({ email }) => email);
      await impatient.close();
      expect(all).toContain("before");
      expect(all).not.toContain("hung");
    });

    test("what is answered can be read at once", async () => {
      await Promise.all(
        Array.from({ length: 100 }, async (_, i) => {
          const { id } = await createClient({ name: `mine ${i}` });
          expect(await clientById(store.read, id)).toMatchObject({ name: `mine ${i}` });
        }),
      );
    });
  });
}
