import { Elysia } from "elysia";
import { plain, unrepeatable } from "../../http/answer";
import type { HttpKit } from "../../http/kit";
import { TicketRequest, TicketView } from "./schema";
import type { TicketService } from "./ticket-service";

/** What stands in a URL in the place of an access token. */
export const ticketRoutes = (kit: HttpKit, tickets: TicketService) =>
  new Elysia({ prefix: "/api/auth", tags: ["Authentication"] })
    .use(kit)
    .post("/tickets", ({ actor, body }) => tickets.issue(actor, body), {
      permission: "signed-in",
      body: TicketRequest,
      answer: unrepeatable(plain),
      returns: TicketView,
      example: { purpose: "sse" },
      detail: { summary: "Get a ticket, for what cannot send an Authorization header" },
    });
