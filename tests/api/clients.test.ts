import { scenarios } from "../support/scenario";

scenarios(
  "changing a client",
  { clients: { acme: { assigned_to: "$minh", notes: "first", email: "info@acme.example" } } },
  [
    {
      by: "lan",
      patch: "/api/clients/$acme",
      body: { status: "customer" },
      status: 200,
      has: { status: "customer", version: 2 },
      hasHeaders: { etag: '"v2"' },
      events: ["client.updated"],
    },
    { by: "minh", patch: "/api/clients/$acme", body: { notes: null }, status: 200, has: { notes: null } },
    {
      by: "lan",
      patch: "/api/clients/$acme",
      body: { status: "gold" },
      status: 422,
      problem: { field: "status", fieldCode: "invalid_choice" },
      events: [],
    },
    {
      by: "lan",
      patch: "/api/clients/$acme",
      body: { owner: "lan" },
      status: 422,
      problem: { field: "owner", fieldCode: "unknown_field" },
    },
    {
      by: "stranger",
      patch: "/api/clients/$acme",
      body: { notes: "x" },
      status: 403,
      never: ["info@"],
      events: [],
    },
    { by: "nobody", patch: "/api/clients/$acme", body: { notes: "x" }, status: 401 },
    { by: "off", patch: "/api/clients/$acme", body: { notes: "x" }, status: 401 },
    { by: "gone", patch: "/api/clients/$acme", body: { notes: "x" }, status: 401 },
  ],
);
