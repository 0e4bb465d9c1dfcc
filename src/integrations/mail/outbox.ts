import { mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { isoTime, now } from "../../clock";
import { logOf } from "../../ops/logging";
import { written, type Mail, type Message } from "./mail";

const log = logOf("mail");

/**
 * Puts each message into `folder` as an `.eml` file (RFC 5322), for whoever delivers or reads it there. A file that
 * can be seen is whole and on disk, and only the server's own user can read it.
 * @param from the sender's address
 */
export const outboxMail = (folder: string, from: string): Mail => ({
  async send(message) {
    const text = await compose(from, message);
    const file = `${isoTime(now()).replace(/[-:.]/g, "")}-${message.id}.eml`;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await putWhole(folder, file, text);
    log.info("Mail written to the outbox", { file, subject: message.subject });
  },
});

async function compose(from: string, message: Message): Promise<Buffer> {
  // Loaded with the first mail: it takes 20 ms of a start.
  const { default: MailComposer } = await import("nodemailer/lib/mail-composer");
  return new MailComposer({ ...written(from, message), newline: "windows" }).compile().build();
}

/** Written under another name, synced, then renamed; after a power cut the name is still there. */
async function putWhole(folder: string, name: string, text: Buffer): Promise<void> {
  const draft = join(folder, `.${name}.draft`);
  try {
    const file = await open(draft, "wx", 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, join(folder, name));
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  // Windows opens no folders.
  if (process.platform === "win32") return;
  const directory = await open(folder, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
