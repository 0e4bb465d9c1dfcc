import { expect } from "bun:test";
import { sql } from "drizzle-orm";
import { addPerson, letIn, type Person } from "./people";
import type { Answer, EventRow, World } from "./scenario";

let people = 0;

/**
 * Somebody new who is signed in: for scenarios that use people up. In paths and bodies, `$name`, `$name_mail`,
 * `$name_token` and `$name_refresh` stand for what they have.
 */
export async function newPerson(world: World, name: string, role = "user"): Promise<Person> {
  const email = `${name}-${++people}@new.example`;
  await addPerson(world.server, email, role);
  return signInAs(world, name, email);
}

/** Signs somebody in on one more device, under another name. */
export async function signInAs(world: World, name: string, email: string, headers = {}): Promise<Person> {
  const person = await letIn(world.server, email, headers);
  const { id, token, refreshToken } = person;
  Object.assign(world.ids, {
    [name]: id,
    [`${name}_mail`]: email,
    [`${name}_token`]: token,
    [`${name}_refresh`]: refreshToken,
  });
  return person;
}

/** The hash of a user's password, as it is stored. */
export async function storedHash({ server }: World, userId: string): Promise<string> {
  const { q, t } = server.parts.store.read;
  const rows = await q
    .select({ hash: t.users.password_hash })
    .from(t.users)
    .where(sql`${t.users.id} = ${userId}`);
  return rows[0]!.hash;
}

/** The status that an access token gets. */
export const statusOfToken = async (world: World, token: string) =>
  (await world.send({ token }, "GET", "/api/users/me")).status;

/** The status that a refresh token gets; it is used up by that. */
export const statusOfRefresh = async (world: World, refresh_token: string) =>
  (await world.send("nobody", "POST", "/api/auth/refresh", { body: { refresh_token } })).status;

/** The statuses of answers that came at once, in numerical order. */
export const statusesOf = (answers: { status: number }[]) =>
  answers.map(({ status }) => status).toSorted((a, b) => a - b);

/** The events that one request left, in order. */
export async function eventsOf(world: World, answer: Answer): Promise<EventRow[]> {
  const requestId = answer.headers.get("x-request-id");
  return (await world.events()).filter(({ request_id }) => request_id === requestId);
}

/** What a creation recorded, put together again: every field had no value before. */
export function rebuilt({ changes }: EventRow): Record<string, unknown> {
  for (const [before] of Object.values(changes)) expect(before).toBeNull();
  return Object.fromEntries(Object.entries(changes).map(([field, [, after]]) => [field, after]));
}

/** No event ever tells a password, a hash or a token. */
export function expectNoSecrets(events: EventRow[], ...secrets: string[]): void {
  const text = JSON.stringify(events);
  expect(text).not.toMatch(/argon2|password_hash|auth_version|eyJ|refresh_token|"hash"/);
  for (const secret of secrets) expect(text).not.toContain(secret);
}
