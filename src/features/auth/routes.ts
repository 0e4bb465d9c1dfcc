import { Elysia } from "elysia";
import { accountCreated, noContent, plain, secret, unrepeatable } from "../../http/answer";
import { callOf } from "../../http/call";
import type { HttpKit } from "../../http/kit";
import { onePage } from "../../list";
import { IdParams, NoBody } from "../../http/schema";
import { normalEmail } from "../../text";
import { count, countAttempt, newcomer, originOf, type AttemptLimits } from "./attempts";
import { Credentials, LogoutBody, PasswordChange, RefreshBody, Registration, Setup } from "./schema";
import type { PasswordService } from "./password-service";
import type { AuthService } from "./service";
import type { SessionService } from "./session-service";

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
        detail: { summary: "End this session" },
      },
    )
    .post("/logout-all", ({ actor }) => sessions.logoutAll(actor), {
      permission: "signed-in",
      body: NoBody,
      answer: unrepeatable(noContent),
      detail: { summary: "End all of your sessions" },
    })
    .get("/sessions", async ({ actor }) => onePage(await sessions.list(actor)), {
      permission: "signed-in",
      detail: { summary: "List your sessions" },
    })
    .delete("/sessions/:id", ({ actor, params }) => sessions.end(actor, params.id), {
      permission: "signed-in",
      params: IdParams,
      answer: noContent,
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
      detail: { summary: "Change your password; every other session ends" },
    },
  );
