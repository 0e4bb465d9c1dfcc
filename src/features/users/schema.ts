import { Type, type Static } from "@sinclair/typebox";
import { isoTime } from "../../clock";
import { Body, Instant, Nullable, Text } from "../../http/schema";
import type { UserRow } from "./store";

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

/** What people change about themselves. */
export const ProfilePatch = Type.Partial(
  Body({
    full_name: Text(200),
    time_zone: Type.String({ maxLength: 64, description: "an IANA time zone, such as Asia/Ho_Chi_Minh" }),
    locale: Type.String({ maxLength: 35, description: "a BCP 47 language tag, such as vi-VN" }),
  }),
  { title: "ProfilePatch", additionalProperties: false },
);
export type ProfilePatch = Static<typeof ProfilePatch>;

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
