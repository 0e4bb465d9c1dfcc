import { Elysia } from "elysia";
import { versioned } from "../../http/answer";
import type { HttpKit } from "../../http/kit";
import { IdParams, PageOf } from "../../http/schema";
import type { Actor } from "../../policy";
import { AuthorizationView } from "../auth/schema";
import { userFields } from "./fields";
import { ProfilePatch, UserOrRef, UserRef, UserView } from "./schema";
import type { UserService } from "./service";

/** People, as they see themselves and each other. */
export const userRoutes = (kit: HttpKit, users: UserService) =>
  new Elysia({ prefix: "/api/users", tags: ["Users"] })
    .use(kit)
    .get("", ({ actor, list }) => users.list(actor, list), {
      permission: "users.read",
      list: userFields,
      returns: PageOf(UserRef),
      detail: { summary: "List people to choose from" },
    })
    .get("/me", ({ actor }) => users.get(actor, actor.userId!), {
      permission: "signed-in",
      answer: versioned,
      returns: UserView,
      problems: ["not_found"],
      detail: { summary: "Your profile" },
    })
    .patch("/me", ({ actor, body, ifMatch }) => users.change(actor, actor.userId!, body, ifMatch), {
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
    })
    .get("/:id", ({ actor, params }) => users.get(actor, params.id), {
      permission: "users.read",
      params: IdParams,
      answer: versioned,
      returns: UserOrRef,
      detail: { summary: "One person" },
    })
    .patch("/:id", ({ actor, params, body, ifMatch }) => users.change(actor, params.id, body, ifMatch), {
      permission: "users.read",
      params: IdParams,
      body: ProfilePatch,
      conditional: true,
      answer: versioned,
      returns: UserView,
      problems: ["exceeds_own_role"],
      example: { full_name: "Ada Lovelace", time_zone: "Europe/London" },
      detail: { summary: "Change your profile, or as an admin anybody's" },
    });

async function authorizationOf(users: UserService, actor: Actor) {
  return {
    user_id: actor.userId,
    roles: [await users.roleOf(actor)],
    permissions: Object.keys(actor.grants),
    grants: actor.grants,
  };
}
