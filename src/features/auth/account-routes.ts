import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import { created, noContent, versioned } from "../../http/answer";
import type { HttpKit } from "../../http/kit";
import { Id, IdParams, NoBody, PageOf } from "../../http/schema";
import { onePage } from "../../list";
import { userFields } from "../users/fields";
import { AccountInput, AccountPatch, RoleChange, RoleWithGrants, UserView } from "../users/schema";
import type { UserService } from "../users/service";
import type { AccountService } from "./account-service";

const successor = Type.String({ ...Id, description: "must be the id (UUID) of who gets their work" });

/** Accounts and roles, for those who look after them. */
export const accountRoutes = (kit: HttpKit, accounts: AccountService, users: UserService) =>
  new Elysia({ prefix: "/api/admin", tags: ["Administration"] })
    .use(kit)
    .get("/users", ({ actor, list }) => users.listAccounts(actor, list), {
      permission: "users.manage",
      list: userFields,
      returns: PageOf(UserView),
      detail: { summary: "List the accounts" },
    })
    .post("/users", ({ actor, body }) => accounts.create(actor, body), {
      permission: "users.manage",
      body: AccountInput,
      answer: created("/api/admin/users"),
      returns: UserView,
      problems: ["email_taken", "exceeds_own_role"],
      example: { email: "minh@example.com", full_name: "Minh", role: "user" },
      detail: { summary: "Add an account; without a password, its owner chooses one by mail" },
    })
    .get("/users/:id", ({ params }) => users.account(params.id), {
      permission: "users.manage",
      params: IdParams,
      answer: versioned,
      returns: UserView,
      detail: { summary: "One account" },
    })
    .patch(
      "/users/:id",
      ({ actor, params, body, ifMatch }) => accounts.change(actor, params.id, body, ifMatch),
      {
        permission: "users.manage",
        params: IdParams,
        body: AccountPatch,
        conditional: true,
        answer: versioned,
        returns: UserView,
        problems: ["email_taken", "exceeds_own_role", "own_account", "last_admin"],
        example: { full_name: "Minh Trần", is_active: true },
        detail: { summary: "Change an account, close it or open it again" },
      },
    )
    .delete(
      "/users/:id",
      async ({ actor, params, parameters, ifMatch }) => {
        await accounts.deactivate(actor, params.id, { reassignTo: parameters.reassign_to, ifMatch });
      },
      {
        permission: "users.manage",
        params: IdParams,
        body: NoBody,
        parameters: Type.Object({ reassign_to: successor }),
        conditional: true,
        answer: noContent,
        example: {},
        problems: ["exceeds_own_role", "own_account", "last_admin", "too_many_to_hand_over", "unknown_user"],
        detail: { summary: "Close an account, and hand over what is assigned to it" },
      },
    )
    .put(
      "/users/:id/role",
      ({ actor, params, body, ifMatch }) => users.setRole(actor, params.id, body.role, ifMatch),
      {
        permission: "users.manage",
        params: IdParams,
        body: RoleChange,
        conditional: true,
        answer: versioned,
        returns: UserView,
        problems: ["exceeds_own_role", "last_admin"],
        example: { role: "manager" },
        detail: { summary: "Give somebody another role" },
      },
    )
    .get("/roles", async () => onePage(await users.roles()), {
      permission: "roles.read",
      returns: PageOf(RoleWithGrants),
      detail: { summary: "List the roles and what they allow" },
    });
