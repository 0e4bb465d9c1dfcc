import { day, minute, now } from "../src/clock";
import { withDerived, type RowOf, type TableName } from "../src/db/rows";
import { wholeTask } from "../src/features/tasks/store";
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

/** Believable records, the same for every contender: two tasks for each client. */
export function seedRows(clientCount: number, account: Account): Seed {
  const users = Array.from({ length: userCount }, (_, i) => userRow(i, account));
  const start = now() - clientCount * minute;
  const clients = Array.from({ length: clientCount }, (_, i) =>
    clientRow(i, users[i % userCount]!.id, start + i * minute),
  );
  const client_tags = clients.flatMap(({ id, tags }) =>
    tags.map((tag) => ({ client_id: id, tag_key: fold(tag) })),
  );
  const tasks = clients.flatMap((client, i) => [taskRow(2 * i, client), taskRow(2 * i + 1, client)]);
  return { users, clients, client_tags, tasks };
}

export function userRow(i: number, account: Account): RowOf<"users"> {
  const email = emailOf(i);
  const user = {
    ...{ id: newId(), email, full_name: `User ${i}`, ...account },
    ...{ avatar_url: null, is_active: true, time_zone: "UTC", locale: "en", auth_version: 1 },
    ...{ created_at: now(), updated_at: now(), version: 1 },
  };
  return withDerived("users", user, { email_normal: email });
}

const firstNames = "Luís Leonie François Bjørn Daan Kara Jack Hannah Stanisław Terhi".split(" ");
const lastNames = "Gonçalves Köhler Tremblay Hansen Peeters Nielsen Smith Wójcik Müller Đặng".split(" ");
const industries = ["Shipping", "Retail", "Energy", "Health", null];
const statuses = ["prospect", "active", "inactive", "customer"] as const;

function clientRow(i: number, owner: string, at: number): RowOf<"clients"> {
  const email = `client${i}@example.com`;
  const phone = `+47${20_000_000 + i}`;
  const client = {
    ...{ id: newId(), external_id: `ext-${i}`, email, phone },
    name: `${firstNames[i % 10]} ${lastNames[Math.floor(i / 10) % 10]} ${i}`,
    ...{ company: i % 3 === 0 ? null : `Company ${i % 5_000}`, position: null, address: null },
    ...{ industry: industries[i % 5]!, status: statuses[i % 4]!, assigned_to: i % 2 === 0 ? owner : null },
    ...{ tags: ["vip", "north"], notes: "Prefers to be called in the morning.", avatar_url: null },
    ...{ created_by: owner, created_at: at, updated_at: at, deleted_at: null, version: 1 },
  };
  return withDerived("clients", client, { email_normal: email, phone_key: phone });
}

const taskStates = ["todo", "in_progress", "done", "cancelled"] as const;
const priorities = ["low", "medium", "high", "urgent"] as const;

function taskRow(i: number, { id, created_by, created_at }: RowOf<"clients">): RowOf<"tasks"> {
  const status = taskStates[i % 4]!;
  return wholeTask({
    ...{ id: newId(), external_id: null, title: `Call back about offer ${i}`, description: null },
    ...{ status, priority: priorities[Math.floor(i / 4) % 4]!, assigned_to: created_by, client_id: id },
    ...{ due_date: created_at + 7 * day, remind_at: null, recurrence: null },
    ...{ completed_at: status === "done" ? created_at + day : null },
    ...{ created_by, created_at, updated_at: created_at, deleted_at: null, version: 1 },
  });
}
