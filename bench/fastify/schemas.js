/** JSON schemas: Fastify checks what comes in by them and writes what goes out. */

const text = { type: "string" };
const missing = { type: ["string", "null"] };
const status = { type: "string", enum: ["prospect", "active", "inactive", "customer"] };

/** A client as the API shows it. */
export const ClientView = {
  type: "object",
  properties: {
    id: text,
    external_id: missing,
    name: text,
    email: missing,
    phone: missing,
    company: missing,
    position: missing,
    industry: missing,
    address: missing,
    status: text,
    assigned_to: missing,
    tags: { type: "array", items: text },
    notes: missing,
    avatar_url: missing,
    created_by: text,
    created_at: text,
    updated_at: text,
    deleted_at: missing,
    version: { type: "integer" },
  },
};

export const Page = {
  type: "object",
  properties: {
    data: { type: "array", items: ClientView },
    pagination: {
      type: "object",
      properties: {
        page: { type: ["integer", "null"] },
        limit: { type: "integer" },
        total: { type: "null" },
        total_pages: { type: "null" },
        total_capped: { type: "boolean" },
        next_cursor: missing,
      },
    },
  },
};

export const ListQuery = {
  type: "object",
  properties: {
    count: text,
    status,
    cursor: text,
    limit: { type: "integer", minimum: 1, maximum: 200, default: 20 },
  },
  additionalProperties: false,
};

const fields = {
  name: { type: "string", minLength: 1, maxLength: 200 },
  email: { type: "string", format: "email" },
  phone: { type: "string", maxLength: 50 },
  company: { type: "string", maxLength: 200 },
  status,
  tags: { type: "array", maxItems: 50, items: { type: "string", maxLength: 50 } },
  notes: { type: "string", maxLength: 20_000 },
};

export const ClientInput = {
  type: "object",
  properties: fields,
  required: ["name"],
  additionalProperties: false,
};
export const ClientPatch = { type: "object", properties: fields, additionalProperties: false };

export const Credentials = {
  type: "object",
  properties: { email: text, password: text },
  required: ["email", "password"],
  additionalProperties: false,
};
