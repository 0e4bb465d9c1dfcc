import { now } from "../src/clock";
import type { RowOf, TableName } from "../src/db/rows";
import { newId } from "../src/ids";
import { fold } from "../src/text";

/** Rows by their table, in the order in which they can be inserted. */
export type Seed = { [Name in TableName]?: RowOf<Name>[] };

/** What seeded accounts share: nobody sees it, and hashing takes long. */
export type Account = Pick<RowOf<"users">, "password_hash" | "role_id">;

/** How many users there are: each has limits of its own, so their requests together stay below them. */
export const userCount = 16;

/** The address of a seeded user. */
export const emailOf = (user: number) => `user${user}@bench.example`;

const minuteMs = 60_000;

/** Believable records, the same for every contender. */
export function seedRows(clientCount: number, account: Account): Seed {
  const users = Array.from({ length: userCount }, (_, i) => userRow(i, account));
  const start = now() - clientCount * minuteMs;
  const clients = Array.from({ length: clientCount }, (_, i) =>
    clientRow(i, users[i % userCount]!.id, start + i * minuteMs),
  );
  const client_tags = clients.flatMap(({ id, tags }) =>
    tags.map((tag) => ({ client_id: id, tag_key: fold(tag) })),
  );
  return { users, clients, client_tags };
}

function userRow(i: number, account: Account): RowOf<"users"> {
  const [email, full_name] = [emailOf(i), `User ${i}`];
  return {
    ...{ id: newId(), email, email_normal: email, full_name, full_name_key: fold(full_name), ...account },
    ...{ avatar_url: null, is_active: true, time_zone: "UTC", locale: "en", auth_version: 1 },
    ...{ created_at: now(), updated_at: now(), version: 1 },
  };
}

const firstNames = "Luís Leonie François Bjørn Daan Kara Jack Hannah Stanisław Terhi".split(" ");
const lastNames = "Gonçalves Köhler Tremblay Hansen Peeters Nielsen Smith Wójcik Müller Đặng".split(" ");
const industries = ["Shipping", "Retail", "Energy", "Health", null];
const statuses = ["prospect", "active", "inactive", "customer"] as const;

function clientRow(i: number, owner: string, at: number): RowOf<"clients"> {
  const name = `${firstNames[i % 10]} ${lastNames[Math.floor(i / 10) % 10]} ${i}`;
  const email = `client${i}@example.com`;
  const phone = `+47${20_000_000 + i}`;
  const company = i % 3 === 0 ? null : `Company ${i % 5_000}`;
  const industry = industries[i % 5]!;
  return {
    ...{ id: newId(), external_id: `ext-${i}`, external_id_key: `ext-${i}`, name, name_key: fold(name) },
    ...{ email, email_key: email, email_normal: email, phone, phone_key: phone },
    ...{ company, company_key: company && fold(company), position: null, position_key: null },
    ...{ industry, industry_key: industry && fold(industry), address: null, address_key: null },
    ...{ status: statuses[i % 4]!, assigned_to: i % 2 === 0 ? owner : null, tags: ["vip", "north"] },
    ...{ notes: "Prefers to be called in the morning.", avatar_url: null, created_by: owner },
    ...{ created_at: at, updated_at: at, deleted_at: null, version: 1 },
  };
}
