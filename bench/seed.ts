import { Database } from "bun:sqlite";
import { join } from "node:path";
import { now } from "../src/clock";
import { newId } from "../src/ids";
import { fold } from "../src/text";

const firstNames = [
  "Luís",
  "Leonie",
  "François",
  "Bjørn",
  "Daan",
  "Kara",
  "Jack",
  "Hannah",
  "Stanisław",
  "Terhi",
];
const lastNames = [
  "Gonçalves",
  "Köhler",
  "Tremblay",
  "Hansen",
  "Peeters",
  "Nielsen",
  "Smith",
  "Wójcik",
  "Müller",
  "Đặng",
];
const statuses = ["prospect", "active", "inactive", "customer"];

/**
 * Fills a migrated database with believable clients of one owner, and gives their ids. Straight into the file: through
 * the API it would take minutes and measure nothing.
 */
export function seedClients(dataDir: string, howMany: number): string[] {
  const db = new Database(join(dataDir, "neocrm.db"));
  const { id: owner } = db.query("SELECT id FROM users LIMIT 1").get() as { id: string };
  const columns =
    "id, external_id, external_id_key, name, name_key, email, email_key, email_normal, phone, phone_key, company, " +
    "company_key, status, tags, notes, created_by, created_at, updated_at, version";
  const insert = db.prepare(`INSERT INTO clients (${columns}) VALUES (${columns.replaceAll(/\w+/g, "?")})`);
  const start = now() - howMany * 60_000;
  const ids = Array.from({ length: howMany }, () => newId());
  db.transaction(() => {
    ids.forEach((id, i) => {
      const name = `${firstNames[i % 10]} ${lastNames[Math.floor(i / 10) % 10]} ${i}`;
      const email = `client${i}@example.com`;
      const phone = `+47${String(20_000_000 + i)}`;
      const company = i % 3 === 0 ? null : `Company ${i % 5_000}`;
      const at = start + i * 60_000;
      insert.run(
        ...[id, `ext-${i}`, `ext-${i}`, name, fold(name), email, email, email, phone, phone, company],
        ...[
          company && fold(company),
          statuses[i % 4]!,
          '["vip","north"]',
          "Prefers to be called in the morning.",
        ],
        ...[owner, at, at, 1],
      );
    });
  })();
  db.run("ANALYZE");
  db.close();
  return ids;
}
