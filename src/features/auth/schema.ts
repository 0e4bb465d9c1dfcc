import { Type, type Static } from "@sinclair/typebox";
import { isoTime } from "../../clock";
import { Body, Email, Id, Instant, Nullable, Text } from "../../http/schema";
import { GrantsView, Password, RoleSlug, RoleView, UserView } from "../users/schema";
import type { SessionRow } from "./store";

/** What signing in takes. */
export const Credentials = Body({ email: Email, password: Password }, { title: "Credentials" });
export type Credentials = Static<typeof Credentials>;

/** What a new account is made from. */
export const Registration = Body(
  {
    email: Email,
    password: Password,
    full_name: Text(200),
    /** Everybody starts as a user: naming another role is refused instead of ignored. */
    role: Type.Optional(Type.Literal("user")),
  },
  { title: "Registration" },
);
export type Registration = Static<typeof Registration>;

/** What the first admin is made from, with the code that the server printed. */
export const Setup = Body(
  {
    email: Email,
    password: Password,
    full_name: Text(200),
    code: Type.String({ maxLength: 64 }),
  },
  { title: "Setup" },
);
export type Setup = Static<typeof Setup>;

/** A refresh token to exchange. */
export const RefreshBody = Body({ refresh_token: Type.String({ maxLength: 200 }) }, { title: "RefreshBody" });

/** The refresh token whose session ends, where that is not the caller's own. */
export const LogoutBody = Type.Optional(
  Type.Partial(RefreshBody, { title: "LogoutBody", additionalProperties: false }),
);

/** The present password, and the one to come. */
export const PasswordChange = Body(
  { current_password: Password, new_password: Password },
  { title: "PasswordChange" },
);
export type PasswordChange = Static<typeof PasswordChange>;

/** What whoever signed in gets. `token` is what the existing web client reads. */
export const TokensView = Type.Object(
  {
    access_token: Type.String(),
    refresh_token: Type.String(),
    token_type: Type.Literal("Bearer"),
    /** Seconds. */
    expires_in: Type.Integer(),
    token: Type.String(),
    user: UserView,
    roles: Type.Array(RoleView),
    permissions: Type.Array(Type.String()),
  },
  { title: "Tokens" },
);
export type TokensView = Static<typeof TokensView>;

/** What the caller may do: `grants` says how far each permission reaches. */
export const AuthorizationView = Type.Object(
  {
    user_id: Type.String(),
    roles: Type.Array(RoleView),
    permissions: Type.Array(Type.String()),
    grants: GrantsView,
  },
  { title: "Authorization" },
);

/** Who forgot their password. */
export const PasswordForgotten = Body({ email: Email }, { title: "PasswordForgotten" });

/** The token from a mail, and the password to come. */
export const PasswordReset = Body(
  { token: Type.String({ maxLength: 200 }), password: Password },
  { title: "PasswordReset" },
);
export type PasswordReset = Static<typeof PasswordReset>;

/** Whom an admin invites, and as what. */
export const InvitationInput = Type.Composite(
  [Body({ email: Email, role: RoleSlug }), Type.Partial(Body({ full_name: Text(200) }))],
  { title: "InvitationInput", additionalProperties: false },
);
export type InvitationInput = Static<typeof InvitationInput>;

/** An invitation as the API shows it: without its token, which is in the mail alone. */
export const InvitationView = Type.Object(
  {
    id: Type.String(),
    email: Type.String(),
    full_name: Nullable(Type.String()),
    role: Type.String(),
    invited_by: Type.String(),
    created_at: Instant,
    expires_at: Instant,
    version: Type.Integer(),
  },
  { title: "Invitation" },
);
export type InvitationView = Static<typeof InvitationView>;

/** The token from an invitation, and what is missing for an account. The name may stand in the invitation. */
export const InvitationAcceptance = Type.Composite(
  [
    Body({ token: Type.String({ maxLength: 200 }), password: Password }),
    Type.Partial(Body({ full_name: Text(200) })),
  ],
  { title: "InvitationAcceptance", additionalProperties: false },
);
export type InvitationAcceptance = Static<typeof InvitationAcceptance>;

/** The token from the mail that asks for proof of an address. */
export const EmailVerification = Body(
  { token: Type.String({ maxLength: 200 }) },
  { title: "EmailVerification" },
);
export type EmailVerification = Static<typeof EmailVerification>;

/** A session as the API shows it; `current` is the caller's own. */
export const SessionView = Type.Object(
  {
    id: Type.String(),
    ip: Nullable(Type.String()),
    user_agent: Nullable(Type.String()),
    current: Type.Boolean(),
    created_at: Instant,
    last_used_at: Instant,
    expires_at: Instant,
  },
  { title: "Session" },
);
export type SessionView = Static<typeof SessionView>;

/** The row as the API shows it, to whoever asks from the session with `currentId`. */
export const presentSession = (row: SessionRow, currentId: string | null): SessionView => ({
  id: row.id,
  ip: row.ip,
  user_agent: row.user_agent,
  current: row.id === currentId,
  created_at: isoTime(row.created_at),
  last_used_at: isoTime(row.last_used_at),
  expires_at: isoTime(row.expires_at),
});

/** What a ticket is to be good for; those for a file name it, those for exports name nothing. */
export const TicketRequest = Body(
  {
    purpose: Type.Union([
      Type.Literal("ws"),
      Type.Literal("sse"),
      Type.Literal("download"),
      Type.Literal("preview"),
    ]),
    resource_id: Type.Optional(Nullable(Id)),
  },
  { title: "TicketRequest" },
);
export type TicketRequest = Static<typeof TicketRequest>;

/** A ticket, for `?ticket=`. */
export const TicketView = Type.Object(
  {
    ticket: Type.String(),
    expires_in: Type.Integer({ description: "Seconds." }),
  },
  { title: "Ticket" },
);
export type TicketView = Static<typeof TicketView>;
