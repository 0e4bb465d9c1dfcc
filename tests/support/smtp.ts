import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import PostalMime, { type Email } from "postal-mime";
import {
  SMTPServer,
  type SMTPServerDataStream,
  type SMTPServerOptions,
  type SMTPServerSession,
} from "smtp-server";

/** A certificate for `localhost` that nobody vouches for, with its key. */
export interface Certificate {
  key: string;
  cert: string;
  /** Where the certificate lies, for whoever is to trust it. */
  file: string;
  remove(): void;
}

/** Makes such a certificate with the system's `openssl`. */
export function newCertificate(): Certificate {
  const folder = mkdtempSync(join(tmpdir(), "neocrm-smtp-"));
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const made = Bun.spawnSync([
    ...["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"],
    ...["-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert],
  ]);
  if (!made.success) throw new Error(`openssl: ${made.stderr.toString()}`);
  return {
    ...{ key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8"), file: cert },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** A real mail server, and what it was handed. */
export interface MailServer {
  port: number;
  /** In the order in which they came. */
  taken: { mail: Email; to: string[]; isEncrypted: boolean; user: string | undefined }[];
  /** How many connections it had. */
  connections: number;
  close(): Promise<void>;
}

/** Starts a mail server on 127.0.0.1, on a free port or on this one, which takes every message unless `options` say otherwise. */
export async function startMailServer(options: SMTPServerOptions = {}, port = 0): Promise<MailServer> {
  const taken: MailServer["taken"] = [];
  const result = { port: 0, taken, connections: 0, close: async () => {} };
  const take = async (
    stream: SMTPServerDataStream,
    { envelope, secure, user }: SMTPServerSession,
    answer: () => void,
  ) => {
    const bytes = await wholeOf(stream);
    if (!bytes) return;
    const to = envelope.rcptTo.map(({ address }) => address);
    taken.push({
      mail: await PostalMime.parse(bytes),
      to,
      isEncrypted: secure,
      user: user as string | undefined,
    });
    answer();
  };
  const server = new SMTPServer({
    ...{ authOptional: true, disableReverseLookup: true, closeTimeout: 100 },
    onConnect: (_, answer) => (result.connections++, answer()),
    onData: (stream, session, answer) => void take(stream, session, answer),
    ...options,
  });
  // What clients break off is theirs to report.
  server.on("error", () => {});
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", () => resolve()));
  result.port = (server.server.address() as { port: number }).port;
  result.close = () => new Promise<void>((resolve) => server.close(() => resolve()));
  return result;
}

/** What came, or nothing when whoever sent it went away before the end. */
async function wholeOf(stream: SMTPServerDataStream): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of stream) chunks.push(chunk as Uint8Array);
    return Buffer.concat(chunks);
  } catch {
    return undefined;
  }
}

/** An SMTP answer with this code, as `smtp-server` gives it. */
export const refusal = (responseCode: number, message: string) =>
  Object.assign(new Error(message), { responseCode });
