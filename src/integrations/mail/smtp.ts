import type { Transporter } from "nodemailer";
import { logOf } from "../../ops/logging";
import { NotTaken, Undeliverable, written, type Mail } from "./mail";

const log = logOf("mail");

/** Which server takes the messages, and how. */
export interface SmtpOptions {
  /** `smtp://` or `smtps://`, with user and password where the server wants them. */
  url: string;
  /** The sender's address. */
  from: string;
  /**
   * With `smtp://`: whether nothing goes out without TLS and a certificate that is right, TLS is taken where it is
   * offered, whoever's certificate it has, or it is never used. `smtps://` is TLS from the first byte.
   */
  tls: "required" | "opportunistic" | "none";
  /** In milliseconds: how long the server may be silent, at any point. */
  timeoutMs: number;
}

/** Hands messages to a mail server over a few connections, which are kept for the next message. */
export function smtpMail(options: SmtpOptions): Mail {
  let transporter: Promise<Transporter> | undefined;
  return {
    async send(message) {
      const { sendMail } = await (transporter ??= open(options)).then((opened) => ({
        sendMail: opened.sendMail.bind(opened),
      }));
      try {
        await sendMail(written(options.from, message));
      } catch (error) {
        const Failure = isForGood(error as SmtpError) ? Undeliverable : NotTaken;
        throw new Failure((error as Error).message, { cause: error });
      }
      log.info("Mail sent", { message_id: message.id });
    },
    close() {
      void transporter?.then((opened) => opened.close());
    },
  };
}

/** Loaded with the first mail: it takes 20 ms of a start. */
async function open({ url, tls, timeoutMs }: SmtpOptions): Promise<Transporter> {
  const { createTransport } = await import("nodemailer");
  const { protocol, hostname, port, username, password } = new URL(url);
  const isSecure = protocol === "smtps:";
  const times = { connectionTimeout: timeoutMs, greetingTimeout: timeoutMs, socketTimeout: timeoutMs };
  return createTransport({
    ...{ pool: true, maxConnections: 2, dnsTimeout: timeoutMs, ...times },
    host: hostname.replace(/^\[(.*)\]$/, "$1"),
    port: port === "" ? (isSecure ? 465 : 587) : Number(port),
    ...(username !== "" && {
      auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) },
    }),
    ...{ secure: isSecure, requireTLS: tls === "required", ignoreTLS: tls === "none" },
    ...(tls === "opportunistic" && { opportunisticTLS: true, tls: { rejectUnauthorized: false } }),
  });
}

interface SmtpError extends Error {
  responseCode?: number;
  command?: string;
}

/** A 5xx answer to the recipient or to the message itself; one to the sender or the password can be mended here. */
const isForGood = ({ responseCode = 0, command = "" }: SmtpError) =>
  responseCode >= 500 && /^(RCPT TO|DATA)$/.test(command);
