import { Elysia } from "elysia";
import { accountCreated, created, noContent, unrepeatable, versioned } from "../../http/answer";
import { IdParams } from "../../http/schema";
import type { HttpKit } from "../../http/kit";
import { count, countAttempt, newcomer, originOf, type AttemptLimits } from "./attempts";
import type { InvitationService } from "./invitation-service";
import {
  EmailVerification,
  InvitationAcceptance,
  InvitationInput,
  InvitationView,
  TokensView,
} from "./schema";
import type { VerificationService } from "./verification-service";

/** Inviting people, and what they do with the links they get. */
export const invitationRoutes = (
  kit: HttpKit,
  invitations: InvitationService,
  verifications: VerificationService,
  limits: AttemptLimits,
) =>
  new Elysia()
    .use(kit)
    .post(
      "/api/admin/invitations",
      async ({ actor, set, body }) => {
        await count(limits, set, `invitations ${actor.userId}`);
        return invitations.invite(actor, body);
      },
      {
        permission: "users.manage",
        body: InvitationInput,
        answer: created("/api/admin/invitations"),
        returns: InvitationView,
        problems: ["email_taken", "exceeds_own_role"],
        example: { email: "hedy@example.com", role: "user", full_name: "Hedy Lamarr" },
        detail: { summary: "Invite somebody by mail to make their account", tags: ["Administration"] },
      },
    )
    .get("/api/admin/invitations/:id", ({ params }) => invitations.get(params.id), {
      permission: "users.manage",
      params: IdParams,
      answer: versioned,
      returns: InvitationView,
      problems: ["not_found"],
      detail: { summary: "One invitation", tags: ["Administration"] },
    })
    .post(
      "/api/auth/accept",
      async ({ request, set, body }) => {
        // Whoever guesses has no invitation: all of an address's guesses count together.
        await countAttempt(limits, request, set, (await invitations.idOf(body.token)) ?? "accept");
        return invitations.accept(newcomer(request), body, originOf(request));
      },
      {
        permission: "public",
        body: InvitationAcceptance,
        answer: unrepeatable(accountCreated),
        returns: TokensView,
        problems: ["email_taken", "invalid_invitation"],
        walk: { last: true, needs: ["invitation_token"] },
        example: { token: "{{invitation_token}}", password: "a phrase of her own" },
        detail: { summary: "Accept an invitation: make the account and sign in", tags: ["Authentication"] },
      },
    )
    .post(
      "/api/auth/verify-email",
      async ({ request, set, body }) => {
        await countAttempt(limits, request, set, "verify");
        await verifications.verify(newcomer(request), body);
      },
      {
        permission: "public",
        body: EmailVerification,
        answer: unrepeatable(noContent),
        problems: ["invalid_verification_token"],
        walk: { last: true, needs: ["verification_token"] },
        example: { token: "{{verification_token}}" },
        detail: { summary: "Prove an address with the token from the mail", tags: ["Authentication"] },
      },
    );
