import { Elysia } from "elysia";
import type { HttpKit } from "../../http/kit";
import { recordRoutes } from "../../http/record-routes";
import { clientFields } from "./fields";
import { ClientInput, ClientPatch } from "./schema";
import type { ClientService } from "./service";

const routes = recordRoutes("clients", "client");

/** Clients over HTTP. */
export const clientRoutes = (kit: HttpKit, clients: ClientService) =>
  new Elysia({ prefix: "/api/clients", tags: ["Clients"] })
    .use(kit)
    .get("", ({ actor, list }) => clients.list(actor, list), { ...routes.list, list: clientFields })
    .post("", ({ actor, body }) => clients.create(actor, body), { ...routes.create, body: ClientInput })
    .get("/:id", ({ actor, params }) => clients.get(actor, params.id), routes.read)
    .patch("/:id", ({ actor, params, body, ifMatch }) => clients.change(actor, params.id, body, ifMatch), {
      ...routes.change,
      body: ClientPatch,
    })
    .delete("/:id", ({ actor, params, ifMatch }) => clients.delete(actor, params.id, ifMatch), routes.delete)
    .post(
      "/:id/restore",
      ({ actor, params, ifMatch }) => clients.restore(actor, params.id, ifMatch),
      routes.restore,
    );
