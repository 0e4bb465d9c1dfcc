import { Elysia } from "elysia";
import { versioned } from "../../http/answer";
import type { HttpKit } from "../../http/kit";
import type { Actor } from "../../policy";
import { AuthorizationView } from "../auth/schema";
import { ProfilePatch, UserView } from "./schema";
import type { UserService } from "./service";

/** People, as they see themselves. */
export const userRoutes = (kit: HttpKit, users: UserService) =>
  new Elysia({ prefix: "/api/users", tags: ["Users"] })
    .use(kit)
    .get("/me", ({ actor }) => users.profile(actor), {
      permission: "signed-in",
      answer: versioned,
      returns: UserView,
      problems: ["not_found"],
      detail: { summary: "Your profile" },
    })
    .patch("/me", ({ actor, body, ifMatch }) => users.changeProfile(actor, body, ifMatch), {
      permission: "signed-in",
      body: ProfilePatch,
      conditional: true,
      answer: versioned,
      returns: UserView,
      problems: ["not_found"],
      example: { full_name: "Ada Lovelace", time_zone: "Europe/London", locale: "en-GB" },
      detail: { summary: "Change your profile" },
    })
    .get("/me/authorization", ({ actor }) => authorizationOf(users, actor), {
      permission: "signed-in",
      returns: AuthorizationView,
      problems: ["not_found"],
      detail: { summary: "Your roles and what they allow" },
    });

async function authorizationOf(users: UserService, actor: Actor) {
  return {
    user_id: actor.userId,
    roles: [await users.roleOf(actor)],
    permissions: Object.keys(actor.grants),
    grants: actor.grants,
  };
}
