import { Type, type Static } from "@sinclair/typebox";
import { isoTime, isoTimeOrNull, now } from "../../clock";
import { Body, Id, Instant, InstantInput, Nullable } from "../../http/schema";
import type { ShareRow } from "./store";

/** How a link is to be. */
export const ShareInput = Type.Partial(
  Body({
    expires_at: Nullable(InstantInput),
    password: Nullable(Type.String({ maxLength: 1_024 })),
    max_downloads: Nullable(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
    view_only: Type.Boolean(),
  }),
  { title: "ShareInput", additionalProperties: false },
);
export type ShareInput = Static<typeof ShareInput>;

const states = ["open", "expired", "revoked", "used_up"] as const;

/** A link as those who may share its file see it. Where it leads is not among it: only who made it knows. */
export const ShareView = Type.Object(
  {
    id: Type.String(),
    file_id: Type.String(),
    created_by: Type.String(),
    state: Type.Union(
      states.map((state) => Type.Literal(state)),
      { description: "It also leads nowhere while who made it may not share the file." },
    ),
    expires_at: Nullable(Instant),
    has_password: Type.Boolean(),
    view_only: Type.Boolean({ description: "The file is shown, and cannot be downloaded." }),
    max_downloads: Nullable(Type.Integer()),
    downloads: Type.Integer(),
    created_at: Instant,
    revoked_at: Nullable(Instant),
  },
  { title: "Share" },
);
export type ShareView = Static<typeof ShareView>;

/** A new link, with where it leads: shown this once, and kept nowhere. */
export const NewShareView = Type.Object(
  {
    ...ShareView.properties,
    token: Type.String({ description: "What opens it; shown this once." }),
    url: Type.String({ description: "Where it leads; shown this once." }),
  },
  { title: "NewShare" },
);
export type NewShareView = Static<typeof NewShareView>;

/** Where a link of a file is. */
export const ShareParams = Type.Object({ id: Id, share_id: Id });

/** What opens a link: 128 random bits in base64url. Anything else opens nothing. */
export const TokenParams = Type.Object({ token: Type.String({ pattern: "^[A-Za-z0-9_-]{22}$" }) });

/** The password of a link, from its form or as JSON. */
export const SharePassword = Body(
  { password: Type.String({ maxLength: 1_024 }) },
  { title: "SharePassword" },
);

/** What became of a link by itself. */
export function stateOf(row: ShareRow): ShareView["state"] {
  if (row.revoked_at !== null) return "revoked";
  if (row.expires_at !== null && row.expires_at <= now()) return "expired";
  return row.max_downloads !== null && row.downloads >= row.max_downloads ? "used_up" : "open";
}

/** The row as the API shows it. */
export const presentShare = (row: ShareRow): ShareView => ({
  ...{ id: row.id, file_id: row.file_id, created_by: row.created_by, state: stateOf(row) },
  expires_at: isoTimeOrNull(row.expires_at),
  has_password: row.password_hash !== null,
  ...{ view_only: row.view_only, max_downloads: row.max_downloads, downloads: row.downloads },
  created_at: isoTime(row.created_at),
  revoked_at: isoTimeOrNull(row.revoked_at),
});
