import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The name that a release has this machine's executable under. */
export const archive = `neocrm-linux-${process.arch}.gz`;

/** Lays out a release in a folder, as it is published. @param unit what systemd is told of it */
export function publish(place: string, program: Uint8Array<ArrayBuffer>, unit: string): void {
  mkdirSync(place, { recursive: true });
  const files = { "neocrm.service": Buffer.from(unit), [archive]: Bun.gzipSync(program, { level: 1 }) };
  const sums = Object.entries(files).map(([name, bytes]) => {
    writeFileSync(join(place, name), bytes);
    return `${new Bun.CryptoHasher("sha256").update(bytes).digest("hex")}  ${name}\n`;
  });
  writeFileSync(join(place, "SHA256SUMS"), sums.join(""));
}
