import { Elysia } from "elysia";
import { accountCreated, noContent, plain, secret, unrepeatable } from "../../http/answer";
import { callOf } from "../../http/call";
import type { HttpKit } from "../../http/kit";
import { IdParams, NoBody, PageOf } from "../../http/schema";
import { normalEmail } from "../../text";
import { count, countAttempt, newcomer, originOf, type AttemptLimits } from "./attempts";
import { sessionFields } from "./fields";
import {
  Credentials,
  LogoutBody,
  PasswordChange,
  RefreshBody,
  Registration,
  SessionView,
  Setup,
  TokensView,
} from "./schema";
import type { PasswordService } from "./password-service";
import type { AuthService } from "./service";
import type { SessionService } from "./session-service";

/** What whoever signs in keeps of the answer. */
const tokens = {
  access_token: "answer.access_token",
  refresh_token: "answer.refresh_token",
  users_id: "answer.user.id",
};

/** Signing in, staying in, leaving. */
export const authRoutes = (
  kit: HttpKit,
  auth: AuthService,
  sessions: SessionService,
  limits: AttemptLimits,
) =>
  new Elysia({ prefix: "/api/auth", tags: ["Authentication"] })
    .use(kit)
    .post(
      "/setup",
      async ({ request, set, body }) => {
        await countAttempt(limits, request, set, "setup");
        return auth.setup(newcomer(request), body, originOf(request));
      },
      {
        permission: "public",
        body: Setup,
        answer: unrepeatable(accountCreated),
        returns: TokensView,
        problems: ["already_set_up", "email_taken", "setup_disabled", "wrong_setup_code"],
        example: {
          code: "{{setup_code}}",
          email: "{{email}}",
          password: "{{password}}",
          full_name: "Ada Lovelace",
        },
        walk: { keeps: tokens, needs: ["setup_code"] },
        detail: { summary: "Make the first admin with the code that the server printed" },
      },
    )
    .post(
      "/register",
      async ({ request, set, body }) => {
        await countAttempt(limits, request, set, normalEmail(body.email));
        return auth.register(newcomer(request), body, originOf(request));
      },
      {
        permission: "public",
        body: Registration,
        answer: unrepeatable(accountCreated),
        returns: TokensView,
        problems: ["email_taken", "registration_closed"],
        example: {
          email: "grace@example.com",
          password: "a phrase of her own",
          full_name: "Grace Hopper",
        },
        walk: { needs: ["registration"] },
        detail: { summary: "Register, where registration is open" },
      },
    )
    .post(
      "/login",
      async ({ request, set, body }) => {
        await countAttempt(limits, request, set, normalEmail(body.email));
        return auth.login(newcomer(request), body, originOf(request));
      },
      {
        permission: "public",
        body: Credentials,
        answer: unrepeatable(plain),
        returns: TokensView,
        problems: ["wrong_credentials", "account_inactive", "too_many_failures"],
        example: { email: "{{email}}", password: "{{password}}" },
        walk: { keeps: tokens },
        detail: { summary: "Sign in" },
      },
    )
    .post(
      "/refresh",
      async ({ request, set, body }) => {
        const sessionId = await sessions.idOf(body.refresh_token);
        if (sessionId !== undefined) await count(limits, set, `refresh ${sessionId}`);
        return auth.refresh(newcomer(request), body.refresh_token, originOf(request));
      },
      {
        permission: "public",
        body: RefreshBody,
        answer: unrepeatable(plain),
        returns: TokensView,
        problems: ["invalid_refresh_token"],
        example: { refresh_token: "{{refresh_token}}" },
        walk: { keeps: tokens },
        detail: { summary: "Exchange a refresh token for the next pair of tokens" },
      },
    )
    .post(
      "/logout",
      ({ request, body }) => sessions.logout(callOf(request).actor ?? newcomer(request), body?.refresh_token),
      {
        permission: "public",
        body: LogoutBody,
        answer: unrepeatable(noContent),
        problems: ["unauthenticated"],
        example: { refresh_token: "{{refresh_token}}" },
        walk: { last: true, endsSession: true },
        detail: { summary: "End this session", security: [{}, { bearer: [] }] },
      },
    )
    .post("/logout-all", ({ actor }) => sessions.logoutAll(actor), {
      permission: "signed-in",
      body: NoBody,
      answer: unrepeatable(noContent),
      example: {},
      walk: { last: true, endsSession: true },
      detail: { summary: "End all of your sessions" },
    })
    .get("/sessions", ({ actor, list }) => sessions.list(actor, list), {
      permission: "signed-in",
      list: sessionFields,
      returns: PageOf(SessionView),
      walk: { keeps: { sessions_id: "answer.data.0.id" }, last: true },
      detail: { summary: "List your sessions" },
    })
    .delete("/sessions/:id", ({ actor, params }) => sessions.end(actor, params.id), {
      permission: "signed-in",
      params: IdParams,
      body: NoBody,
      answer: noContent,
      example: {},
      walk: { last: true, endsSession: true },
      detail: { summary: "End one of your sessions" },
    });

/** The password is changed among the users' routes and decided here. */
export const passwordRoutes = (kit: HttpKit, passwords: PasswordService, limits: AttemptLimits) =>
  new Elysia({ prefix: "/api/users", tags: ["Users"] }).use(kit).post(
    "/password",
    async ({ actor, request, set, body }) => {
      await count(limits, set, `password ${actor.userId}`);
      return passwords.change(actor, body, originOf(request));
    },
    {
      permission: "signed-in",
      body: PasswordChange,
      answer: secret(plain),
      returns: TokensView,
      problems: ["not_found", "too_many_failures"],
      example: { current_password: "{{password}}", new_password: "another long enough phrase" },
      walk: { last: true, keeps: { ...tokens, password: "request.new_password" } },
      detail: { summary: "Change your password; every other session ends" },
    },
  );
