import { insertManyInto, type RowOf } from "../../src/db/rows";
import type { TestServer } from "./servers";
import { systemActor } from "../../src/policy";

/** Everybody's password: hashed once, because argon2 is slow on purpose. */
export const password = "a long enough phrase";
let hash: Promise<string> | undefined;

/** Somebody who acts in scenarios. */
export interface Person {
  id: string;
  email: string;
  token: string;
  refreshToken: string;
}

/**
 * The cast. `lan` and `minh` are users like most; `stranger` is one who has nothing to do with anything;
 * `off` was signed in when the account was closed, `gone` has signed out.
 */
export const cast = {
  admin: "admin",
  manager: "manager",
  lan: "user",
  minh: "user",
  stranger: "user",
  off: "user",
  gone: "user",
} as const;
export type Name = keyof typeof cast;
export type People = Record<Name, Person>;

/** Adds an account without going through HTTP. */
export async function addPerson(server: TestServer, email: string, role: string): Promise<string> {
  hash ??= server.parts.hasher.hash(password);
  const person = { email, full_name: `Test ${email.split("@")[0]}`, role, password_hash: await hash };
  return (await server.parts.users.create(systemActor("test-setup"), person)).id;
}

/** Signs somebody in over HTTP. */
export async function signIn(
  server: TestServer,
  email: string,
  secret = password,
  headers = {},
): Promise<Person> {
  const response = await fetch(`${server.url}/api/auth/login`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ email, password: secret }),
  });
  const answer = (await response.json()) as {
    user: { id: string };
    access_token: string;
    refresh_token: string;
  };
  if (response.status !== 200)
    throw new Error(`sign-in of ${email}: ${response.status} ${JSON.stringify(answer)}`);
  return { id: answer.user.id, email, token: answer.access_token, refreshToken: answer.refresh_token };
}

/**
 * Signs somebody in whose password is known to be right: comparing it would take most of the time of a test. One
 * at a time, and while nobody else signs in.
 */
export async function letIn(server: TestServer, email: string, headers = {}): Promise<Person> {
  const { hasher } = server.parts;
  const { verify } = hasher;
  hasher.verify = async () => ({ ok: true, outdated: false });
  try {
    return await signIn(server, email, password, headers);
  } finally {
    hasher.verify = verify;
  }
}

/**
 * Has a server compare passwords as they are: for tests that sign in again and again, and are not about hashes. They are
 * compared by argon2 in the tests of sign-ins and of the hasher.
 */
export function compareAtOnce({ parts: { hasher } }: TestServer): void {
  hasher.verify = async (secret, hash) => ({ ok: hash !== null && secret === password, outdated: false });
}

/** Brings the whole cast in. It signs in once in a test process; every later server is given its rows, and signs its tokens. */
export async function bringPeople(server: TestServer): Promise<People> {
  if (brought) return bringAgain(server, brought);
  const people = await bringOverHttp(server);
  const { read } = server.parts.store;
  const [users, sessions, refresh_tokens] = await Promise.all([
    read.q.select().from(read.t.users),
    read.q.select().from(read.t.sessions),
    read.q.select().from(read.t.refresh_tokens),
  ]);
  brought = { people, users, sessions, refresh_tokens };
  return people;
}

/** What the first server knew of the cast. */
interface Brought {
  people: People;
  users: RowOf<"users">[];
  sessions: RowOf<"sessions">[];
  refresh_tokens: RowOf<"refresh_tokens">[];
}

let brought: Brought | undefined;

const insertUsers = insertManyInto("users");
const insertSessions = insertManyInto("sessions");
const insertRefreshTokens = insertManyInto("refresh_tokens");

async function bringAgain({ parts, tokens }: TestServer, { people, ...rows }: Brought): Promise<People> {
  await parts.store.tx(async (session) => {
    await insertUsers(session, rows.users);
    await insertSessions(session, rows.sessions);
    await insertRefreshTokens(session, rows.refresh_tokens);
  });
  const entries = Object.entries(people).map(async ([name, person]) => {
    const { id: sessionId } = rows.sessions.find(({ user_id }) => user_id === person.id)!;
    const token = await tokens.sign({ userId: person.id, sessionId, authVersion: 1 });
    return [name, { ...person, token }] as const;
  });
  return Object.fromEntries(await Promise.all(entries)) as People;
}

async function bringOverHttp(server: TestServer): Promise<People> {
  const entries: [Name, Person][] = [];
  for (const [name, role] of Object.entries(cast) as [Name, string][]) {
    const email = `${name}@cast.example`;
    await addPerson(server, email, role);
    entries.push([name, await letIn(server, email)]);
  }
  const people = Object.fromEntries(entries) as People;
  await closeAccount(server, people.off.id);
  const bye = { authorization: `Bearer ${people.gone.token}` };
  await fetch(`${server.url}/api/auth/logout`, { method: "POST", headers: bye });
  return people;
}

/** Closes an account, as `neocrm user deactivate` does. */
export async function closeAccount(server: TestServer, id: string): Promise<void> {
  await server.parts.accounts.deactivate(systemActor("test-setup"), id);
}
