import { Elysia } from "elysia";
import { noContent, unrepeatable } from "../../http/answer";
import type { HttpKit } from "../../http/kit";
import { normalEmail } from "../../text";
import { countAttempt, newcomer, type AttemptLimits } from "./attempts";
import type { ResetService } from "./reset-service";
import { PasswordForgotten, PasswordReset } from "./schema";

/** Choosing a new password by mail. */
export const resetRoutes = (kit: HttpKit, resets: ResetService, limits: AttemptLimits) =>
  new Elysia({ prefix: "/api/auth/password", tags: ["Authentication"] })
    .use(kit)
    .post(
      "/forgot",
      async ({ request, set, body }) => {
        await countAttempt(limits, request, set, normalEmail(body.email));
        resets.forgot(body.email);
      },
      {
        permission: "public",
        body: PasswordForgotten,
        answer: unrepeatable(noContent),
        example: { email: "{{email}}" },
        detail: { summary: "Send a link to choose a new password, if there is such an account" },
      },
    )
    .post(
      "/reset",
      async ({ request, set, body }) => {
        // Whoever guesses has no account: all of an address's guesses count together.
        await countAttempt(limits, request, set, (await resets.ownerOf(body.token)) ?? "reset");
        await resets.reset(newcomer(request), body);
      },
      {
        permission: "public",
        body: PasswordReset,
        answer: unrepeatable(noContent),
        problems: ["invalid_reset_token"],
        walk: { last: true, needs: ["reset_token"], endsSession: true },
        example: { token: "{{reset_token}}", password: "{{password}}" },
        detail: { summary: "Choose a new password with the token from the mail" },
      },
    );
