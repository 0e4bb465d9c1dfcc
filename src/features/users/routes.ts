import { Elysia } from "elysia";
import { versioned } from "../../http/answer";
import type { HttpKit } from "../../http/kit";
import type { Actor } from "../../policy";
import { ProfilePatch } from "./schema";
import type { UserService } from "./service";

/** People, as they see themselves. */
export const userRoutes = (kit: HttpKit, users: UserService) =>
  new Elysia({ prefix: "/api/users", tags: ["Users"] })
    .use(kit)
    .get("/me", ({ actor }) => users.profile(actor), {
      permission: "signed-in",
      answer: versioned,
      detail: { summary: "Your profile" },
    })
    .patch("/me", ({ actor, body, ifMatch }) => users.changeProfile(actor, body, ifMatch), {
      permission: "signed-in",
      body: ProfilePatch,
      conditional: true,
      answer: versioned,
      detail: { summary: "Change your profile" },
    })
    .get("/me/authorization", ({ actor }) => authorizationOf(users, actor), {
      permission: "signed-in",
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
