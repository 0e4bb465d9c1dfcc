import { Elysia } from "elysia";
import { created, noContent, versioned } from "../../http/answer";
import type { HttpKit } from "../../http/kit";
import { IdParams, NoBody } from "../../http/schema";
import { clientFields } from "./fields";
import { ClientInput, ClientPatch } from "./schema";
import type { ClientService } from "./service";

/** Clients over HTTP. */
export const clientRoutes = (kit: HttpKit, clients: ClientService) =>
  new Elysia({ prefix: "/api/clients", tags: ["Clients"] })
    .use(kit)
    .get("", ({ actor, list }) => clients.list(actor, list), {
      permission: "clients.read",
      list: clientFields,
      detail: { summary: "List the clients you may see" },
    })
    .post("", ({ actor, body }) => clients.create(actor, body), {
      permission: "clients.create",
      body: ClientInput,
      answer: created("/api/clients"),
      detail: { summary: "Add a client" },
    })
    .get("/:id", ({ actor, params }) => clients.get(actor, params.id), {
      permission: "clients.read",
      params: IdParams,
      answer: versioned,
      detail: { summary: "One client" },
    })
    .patch("/:id", ({ actor, params, body, ifMatch }) => clients.change(actor, params.id, body, ifMatch), {
      permission: "clients.update",
      params: IdParams,
      body: ClientPatch,
      conditional: true,
      answer: versioned,
      detail: { summary: "Change a client" },
    })
    .delete("/:id", ({ actor, params, ifMatch }) => clients.delete(actor, params.id, ifMatch), {
      permission: "clients.delete",
      params: IdParams,
      conditional: true,
      answer: noContent,
      detail: { summary: "Delete a client; it can be restored" },
    })
    .post("/:id/restore", ({ actor, params, ifMatch }) => clients.restore(actor, params.id, ifMatch), {
      permission: "clients.delete",
      params: IdParams,
      body: NoBody,
      conditional: true,
      answer: versioned,
      detail: { summary: "Bring a deleted client back" },
    });
