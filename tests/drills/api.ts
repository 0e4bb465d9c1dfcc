/** A small client of the API, as drills need it: it knows who it is and what was acknowledged. */

export const adminEmail = "admin@drill.example";
export const adminPassword = "a phrase for drills only";

/** Settings under which nothing but the server's own speed limits a drill. */
export const drillEnv = {
  NEOCRM_ADMIN_EMAIL: adminEmail,
  NEOCRM_ADMIN_PASSWORD: adminPassword,
  RATE_LIMIT_IP: "0",
  RATE_LIMIT_AUTH: "0",
  RATE_LIMIT_USER: "0",
  LOG_LEVEL: "info",
};

export interface Client {
  id: string;
  name: string;
  version: number;
  [field: string]: unknown;
}

export interface Page {
  data: Client[];
  pagination: { next_cursor: string | null; total: number | null };
}

/** Signs the admin in and gives the headers of every further request. */
export const signIn = (url: string): Promise<Record<string, string>> =>
  signInAs(url, { email: adminEmail, password: adminPassword });

/** The same of anybody. */
export async function signInAs(
  url: string,
  { email, password }: { email: string; password: string },
): Promise<Record<string, string>> {
  const response = await fetch(`${url}/api/auth/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ email, password }),
  });
  if (response.status !== 200) throw new Error(`Sign-in failed: ${response.status} ${await response.text()}`);
  const { access_token } = (await response.json()) as { access_token: string };
  return { authorization: `Bearer ${access_token}`, "content-type": "application/json" };
}

/** Every client there is, walked by cursor. */
export async function walk(url: string, headers: Record<string, string>, query = ""): Promise<Client[]> {
  const found: Client[] = [];
  let cursor: string | null = null;
  do {
    const next: string = cursor === null ? "" : `&cursor=${cursor}`;
    const response = await fetch(`${url}/api/clients?count=none&limit=200${query}${next}`, { headers });
    if (response.status !== 200) throw new Error(`List failed: ${response.status} ${await response.text()}`);
    const { data, pagination } = (await response.json()) as Page;
    found.push(...data);
    cursor = pagination.next_cursor;
  } while (cursor !== null);
  return found;
}
