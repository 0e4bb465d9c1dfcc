import { Type, type Static } from "@sinclair/typebox";
import { isoTime } from "../../clock";
import { Body, Email, Instant, Nullable, Text, Url } from "../../http/schema";
import type { Grants } from "../../policy";
import type { Role, UserRow } from "./store";

/** A user as the API shows it: no hash, no secret. */
export const UserView = Type.Object(
  {
    id: Type.String(),
    email: Type.String(),
    full_name: Type.String(),
    role: Type.String(),
    avatar_url: Nullable(Type.String()),
    is_active: Type.Boolean(),
    time_zone: Type.String(),
    locale: Type.String(),
    created_at: Instant,
    updated_at: Instant,
    version: Type.Integer(),
  },
  { title: "User" },
);
export type UserView = Static<typeof UserView>;

/** What everybody sees of others; `email` is there for managers and admins only. */
export const UserRef = Type.Object(
  {
    id: Type.String(),
    full_name: Type.String(),
    avatar_url: Nullable(Type.String()),
    email: Type.Optional(Type.String()),
  },
  { title: "UserRef" },
);
export type UserRef = Static<typeof UserRef>;

/** One person: whole to themselves and to admins, a reference to others. */
export const UserOrRef = Type.Union([UserView, UserRef], { title: "UserOrRef" });

const profile = {
  full_name: Text(200),
  time_zone: Type.String({ maxLength: 64, description: "an IANA time zone, such as Asia/Ho_Chi_Minh" }),
  locale: Type.String({ maxLength: 35, description: "a BCP 47 language tag, such as vi-VN" }),
};

/** What people change about themselves. */
export const ProfilePatch = Type.Partial(Body(profile), {
  title: "ProfilePatch",
  additionalProperties: false,
});
export type ProfilePatch = Static<typeof ProfilePatch>;

/** Length is checked with the other rules for passwords, which say more. */
export const Password = Type.String({ maxLength: 1_024 });

/** A role's slug: which ones there are is for the tables to say. */
export const RoleSlug = Type.String({ maxLength: 64 });

/** What an admin makes an account from. Without a password, its owner chooses one by mail. */
export const AccountInput = Type.Composite(
  [
    Body({ email: Email, full_name: Text(200), role: RoleSlug }),
    Type.Partial(Body({ password: Password, time_zone: profile.time_zone, locale: profile.locale })),
  ],
  { title: "AccountInput", additionalProperties: false },
);
export type AccountInput = Static<typeof AccountInput>;

/** What an admin changes about an account; its role has its own endpoint. */
export const AccountPatch = Type.Partial(
  Body({ ...profile, email: Email, avatar_url: Nullable(Url), is_active: Type.Boolean() }),
  { title: "AccountPatch", additionalProperties: false },
);
export type AccountPatch = Static<typeof AccountPatch>;

/** Another role. */
export const RoleChange = Body({ role: RoleSlug }, { title: "RoleChange" });

/** A role as the API shows it. */
export const RoleView = Type.Object(
  { id: Type.String(), slug: Type.String(), description: Type.String() },
  { title: "Role" },
);

/** What somebody may do, and how far each permission reaches. */
export const GrantsView = Type.Record(Type.String(), Type.Union([Type.Literal("own"), Type.Literal("all")]));

/** A role with what it allows. */
export const RoleWithGrants = Type.Object(
  { ...RoleView.properties, grants: GrantsView },
  { title: "RoleWithGrants" },
);
export type RoleWithGrants = Static<typeof RoleWithGrants>;

/** The row as the API shows it. */
export const presentUser = (row: UserRow): UserView => ({
  id: row.id,
  email: row.email,
  full_name: row.full_name,
  role: row.role,
  avatar_url: row.avatar_url,
  is_active: row.is_active,
  time_zone: row.time_zone,
  locale: row.locale,
  created_at: isoTime(row.created_at),
  updated_at: isoTime(row.updated_at),
  version: row.version,
});

/** The row as it is shown to others. */
export const presentRef = ({ id, full_name, avatar_url, email }: UserRow, withEmail: boolean): UserRef => ({
  ...{ id, full_name, avatar_url },
  ...(withEmail && { email }),
});

/** The row as the API shows it. */
export const presentRole = ({ id, slug, description }: Role) => ({ id, slug, description });

/** The row as the API shows it, with what the role allows. */
export const presentRoleWithGrants = (role: Role, grants: Grants): RoleWithGrants => ({
  ...presentRole(role),
  grants,
});
