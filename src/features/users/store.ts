import { and, asc, eq, sql } from "drizzle-orm";
import { hot, value, type Params, type Shape } from "../../db/hot";
import { insertInto, updateIn, type RecordOf, type RowOf } from "../../db/rows";
import type { Grants } from "../../policy";
import type { Session } from "../../db/store";

type Users = RowOf<"users">;

/** A user with the slug of their role; the hash is read apart, by those who check it. */
export type UserRow = Omit<RecordOf<"users">, "password_hash"> & { role: string };

/** A role as the API shows it. */
export type Role = RowOf<"roles">;

const columns = ({ users, roles }: Shape["t"]) => ({
  id: users.id,
  email: users.email,
  full_name: users.full_name,
  role: roles.slug,
  role_id: users.role_id,
  avatar_url: users.avatar_url,
  is_active: users.is_active,
  time_zone: users.time_zone,
  locale: users.locale,
  auth_version: users.auth_version,
  created_at: users.created_at,
  updated_at: users.updated_at,
  version: users.version,
});

/** The columns of a user in lists, each row with its role's slug. */
export const listedColumns = (t: Shape["t"]) => {
  const { users, roles } = t;
  const slug = sql`select ${roles.slug} from ${roles} where ${eq(roles.id, users.role_id)}`;
  return { ...columns(t), role: sql`(${slug})` };
};

/** One user by id. */
export const userById = hot(({ t, q }, p: Params<Pick<Users, "id">>) =>
  q
    .select(columns(t))
    .from(t.users)
    .innerJoin(t.roles, eq(t.roles.id, t.users.role_id))
    .where(eq(t.users.id, p.id))
    .limit(1),
);

/** Those of a JSON array of ids whose account is open. */
export const activeAmong = hot(({ t: { users }, q, dialect }, p: Params<{ ids: string }>) =>
  q
    .select({ id: users.id })
    .from(users)
    .where(and(dialect.isAmong(users.id, p.ids), eq(users.is_active, sql`true`))),
);

/** One user by e-mail address in lower case, with the hash of their password. */
export const userByEmail = hot(({ t, q }, p: Params<Pick<Users, "email_normal">>) =>
  q
    .select({ ...columns(t), password_hash: t.users.password_hash })
    .from(t.users)
    .innerJoin(t.roles, eq(t.roles.id, t.users.role_id))
    .where(eq(t.users.email_normal, p.email_normal))
    .limit(1),
);

/** The hash of a user's password. */
export const passwordHashOf = hot(({ t, q }, p: Params<Pick<Users, "id">>) =>
  q.select({ password_hash: t.users.password_hash }).from(t.users).where(eq(t.users.id, p.id)).limit(1),
);

/** Every user, by name. */
export const allUsers = hot(({ t, q }, _: Params<object>) =>
  q
    .select(columns(t))
    .from(t.users)
    .innerJoin(t.roles, eq(t.roles.id, t.users.role_id))
    .orderBy(asc(t.users.full_name_key), asc(t.users.id)),
);

/** How many people could run the system right now. */
export const countActiveAdmins = hot(({ t, q }, _: Params<object>) =>
  q
    .select({ admins: sql<number>`count(*)`.mapWith(Number) })
    .from(t.users)
    .innerJoin(t.roles, eq(t.roles.id, t.users.role_id))
    .where(and(eq(t.roles.slug, sql`'admin'`), eq(t.users.is_active, sql`true`))),
);

/** Those people. */
export const activeAdmins = hot(({ t, q }, _: Params<object>) =>
  q
    .select({ id: t.users.id })
    .from(t.users)
    .innerJoin(t.roles, eq(t.roles.id, t.users.role_id))
    .where(and(eq(t.roles.slug, sql`'admin'`), eq(t.users.is_active, sql`true`))),
);

/** Adds a user. Fails as `unique users.email_normal` when the address is taken. */
export const insertUser = insertInto("users");

/** Writes what may change about a user, all of it but the password's hash. */
export const updateUser = updateIn("users", ["password_hash", "created_at"]);

/** Replaces the hash of a user's password. */
export const updatePasswordHash = hot(({ t: { users }, q }, p: Params<Pick<Users, "id" | "password_hash">>) =>
  q
    .update(users)
    .set({ password_hash: value(users.password_hash, p.password_hash) })
    .where(eq(users.id, p.id))
    .returning({ id: users.id }),
);

/** One role by its slug. */
export const roleBySlug = hot(({ t, q }, p: Params<Pick<Role, "slug">>) =>
  q.select().from(t.roles).where(eq(t.roles.slug, p.slug)).limit(1),
);

/** One role by its id. */
export const roleById = hot(({ t, q }, p: Params<Pick<Role, "id">>) =>
  q.select().from(t.roles).where(eq(t.roles.id, p.id)).limit(1),
);

/** Every role, by slug. */
export const allRoles = hot(({ t, q }, _: Params<object>) =>
  q.select().from(t.roles).orderBy(asc(t.roles.slug)),
);

const grantRows = hot(({ t: { grants }, q }, p: Params<{ role_id: string }>) =>
  q
    .select({ permission: grants.permission, scope: grants.scope })
    .from(grants)
    .where(eq(grants.role_id, p.role_id))
    .orderBy(asc(grants.permission)),
);

/** What a role allows. */
export async function grantsOf(session: Session, roleId: string): Promise<Grants> {
  const rows = await grantRows.all(session, { role_id: roleId });
  return Object.fromEntries(rows.map(({ permission, scope }) => [permission, scope]));
}
