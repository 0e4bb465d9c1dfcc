/**
 * What one would write instead: Fastify and better-sqlite3, with tokens, security headers, a limit, a log, and answers
 * written by schema. The same tables, the same bytes; commits are not synced (`synchronous = NORMAL`).
 *
 *   node bench/fastify/server.js <database> <port>
 */
import { randomUUID } from "node:crypto";
import helmet from "@fastify/helmet";
import jwt from "@fastify/jwt";
import rateLimit from "@fastify/rate-limit";
import { verify } from "@node-rs/argon2";
import Fastify from "fastify";
import { openClients } from "./clients.js";
import { ClientInput, ClientPatch, ClientView, Credentials, ListQuery, Page } from "./schemas.js";

const [file, port] = process.argv.slice(2);
const clients = openClients(file);

const app = Fastify({ logger: true });
await app.register(helmet);
await app.register(rateLimit, { max: 1_000_000_000, timeWindow: "1 minute" });
await app.register(jwt, { secret: randomUUID(), sign: { expiresIn: "1h" } });

const signedIn = { onRequest: (request) => request.jwtVerify() };

app.get("/health/live", async () => ({ status: "ok" }));

app.post("/api/auth/login", { schema: { body: Credentials } }, async (request, reply) => {
  const { email, password } = request.body;
  const user = clients.userWith(email);
  if (!user || !(await verify(user.password_hash, password))) return reply.code(401).send();
  return { access_token: app.jwt.sign({ sub: user.id }) };
});

app.get(
  "/api/clients",
  { ...signedIn, schema: { querystring: ListQuery, response: { 200: Page } } },
  (request, reply) => reply.send(clients.list(request.query)),
);

app.get(
  "/api/clients/:id",
  { ...signedIn, schema: { response: { 200: ClientView } } },
  async (request, reply) => {
    const client = clients.get(request.params.id);
    return client ?? reply.code(404).send();
  },
);

app.post(
  "/api/clients",
  { ...signedIn, schema: { body: ClientInput, response: { 201: ClientView } } },
  async (request, reply) => {
    const client = clients.create(request.body, request.user.sub, request.id);
    return reply.code(201).header("location", `/api/clients/${client.id}`).send(client);
  },
);

app.patch(
  "/api/clients/:id",
  { ...signedIn, schema: { body: ClientPatch, response: { 200: ClientView } } },
  async (request, reply) => {
    const client = clients.change(request.params.id, request.body, request.user.sub, request.id);
    return client ?? reply.code(404).send();
  },
);

await app.listen({ host: "127.0.0.1", port: Number(port) });
