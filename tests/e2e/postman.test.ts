import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { folder, postmanFiles } from "../../scripts/postman";
import { describedRoutes } from "../../src/described";
import { setupCode } from "../../src/features/auth/setup-code";
import { declaredRoutes } from "../../src/http/declared";
import { mailedTokens, messagesIn, newestToken } from "../support/mail";
import { startBinary, type RunningBinary } from "../support/binary";

const root = resolve(import.meta.dir, "../..");
const secret = "a secret of the tests that is long enough";

test.each(Object.entries(await postmanFiles()))(
  "docs/postman/%s is what the routes declare",
  (name, text) => {
    const kept = readFileSync(join(folder, name), "utf8");
    expect(kept === text || "outdated: bun run postman").toBe(true);
  },
);

const backups = mkdtempSync(join(tmpdir(), "neocrm-postman-"));
let server: RunningBinary;
beforeAll(async () => {
  const env = { JWT_SECRET: secret, NEOCRM_AUTH_REGISTRATION: "open", NEOCRM_BACKUP_DIR: backups };
  server = await startBinary({ env });
});
afterAll(async () => {
  await server?.stop();
  rmSync(backups, { recursive: true, force: true });
});

test("the collection succeeds on an empty system, from the first request to the last", async () => {
  const all = declaredRoutes(describedRoutes()).filter(({ detail }) => !detail.hide);
  // A mail can be read when it has come.
  const isMailed = (name: string) => name in mailedTokens;
  const mailed = all.filter(({ walk }) => walk?.needs?.some(isMailed));
  // Who is alone in an empty system is told nothing, no job of theirs has failed, and no file is an image.
  const absent = ["notifications_id", "jobs_id", "image_token", "preview_id", "avatars_id"];
  // A stream has no end that could be waited for.
  const unsent = all.filter(
    ({ walk }) => walk?.endless || walk?.needs?.some((name) => absent.includes(name)),
  );
  const sent = all.length - mailed.length - unsent.length;
  expect(await statusesChecked([], { setup_code: setupCode(secret), backup_dir: backups })).toBe(sent);

  expect(mailed.length).toBe(Object.keys(mailedTokens).length);
  const folders = mailed.flatMap(({ detail }) => ["--folder", detail.summary!]);
  expect(await statusesChecked(folders, await tokensByMail())).toBe(mailed.length);
}, 120_000);

/** Asks for a new password, and waits until every mail has come. */
async function tokensByMail(): Promise<Record<string, string>> {
  const old = newestToken(await messagesIn(server.dataDir), mailedTokens.reset_token!);
  await fetch(`${server.url}/api/auth/password/forgot`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ email: "ada@example.com" }),
  });
  for (let tries = 0; tries < 200; tries++) {
    const messages = await messagesIn(server.dataDir);
    const tokens = Object.entries(mailedTokens).map(([name, mail]) => [name, newestToken(messages, mail)]);
    const haveCome = tokens.every(([, token]) => token !== undefined && token !== old);
    if (haveCome) return Object.fromEntries(tokens);
    await Bun.sleep(50);
  }
  throw new Error("Not every mail came.");
}

/** Runs the collection, or a part of it, which has to succeed; gives how many requests had the right status. */
async function statusesChecked(part: string[], known: Record<string, string>): Promise<number> {
  const values = Object.entries({ base_url: server.url, ...known });
  const newman = Bun.spawn(
    [
      ...[process.execPath, join(root, "node_modules/newman/bin/newman.js"), "run"],
      ...[join(folder, "neocrm.postman_collection.json"), "--color", "off", ...part],
      ...["--working-dir", folder],
      ...["--environment", join(folder, "local.postman_environment.json")],
      ...values.flatMap(([name, value]) => ["--env-var", `${name}=${value}`]),
    ],
    { cwd: root, stdio: ["ignore", "pipe", "pipe"] },
  );
  const [out, code] = [await new Response(newman.stdout).text(), await newman.exited];
  if (code !== 0) throw new Error(out);
  return out.match(/✓ +status [23]/g)?.length ?? 0;
}
