import { Elysia } from "elysia";
import { shown, shownPage } from "../../http/answer";
import type { HttpKit } from "../../http/kit";
import { asOf, recordRoutes } from "../../http/record-routes";
import { searchOf } from "../../list";
import { clientFields } from "./fields";
import { ClientInput, ClientPatch, ClientView } from "./schema";
import type { ClientService } from "./service";

/** Clients over HTTP. */
export function clientRoutes(kit: HttpKit, clients: ClientService) {
  const routes = recordRoutes("clients", {
    noun: "client",
    view: ClientView,
    unique: ["email", "external_id"],
  });
  return new Elysia({ prefix: "/api/clients", tags: ["Clients"] })
    .use(kit)
    .get("", ({ actor, list }) => shownPage(clients.written.list(actor, list)), {
      ...routes.list,
      list: clientFields,
    })
    .post("", ({ actor, body }) => clients.create(actor, body), {
      ...routes.create,
      body: ClientInput,
      example: {
        name: "Bjørn Hansen",
        email: "bjorn.hansen@example.no",
        phone: "+47 22 44 22 22",
        company: "Hansen & Sønner",
        status: "prospect",
        tags: ["vip"],
      },
    })
    .get("/search", ({ actor, list }) => shownPage(clients.written.list(actor, list)), {
      ...routes.list,
      list: searchOf(clientFields),
      detail: { summary: "Search the clients you may see" },
      walk: { query: "q=bjorn" },
    })
    .get("/advanced", ({ actor, list }) => shownPage(clients.written.list(actor, list)), {
      ...routes.list,
      list: clientFields,
      detail: { summary: "List the clients you may see, by groups of filters" },
    })
    .get(
      "/:id",
      ({ actor, params, parameters }) =>
        shown(clients.written.get(actor, params.id, asOf(parameters, actor))),
      routes.read,
    )
    .patch("/:id", ({ actor, params, body, ifMatch }) => clients.change(actor, params.id, body, ifMatch), {
      ...routes.change,
      body: ClientPatch,
      example: { status: "customer", notes: null },
    })
    .delete("/:id", ({ actor, params, ifMatch }) => clients.delete(actor, params.id, ifMatch), routes.delete)
    .post(
      "/:id/restore",
      ({ actor, params, ifMatch }) => clients.restore(actor, params.id, ifMatch),
      routes.restore,
    );
}
