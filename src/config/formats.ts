import { isIP } from "node:net";
import { isSupportedCountry } from "../phone-numbers";
import { list, text } from "./types";

/** A path or another text of at least one character. */
export const anyText = text("a text that is not empty", (value) => (value.trim() === "" ? undefined : value));

/** A name or address to listen on. */
export const host = text("a host name or IP address without a port", (value) =>
  isIP(value) || /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(value) ? value : undefined,
);

/** Where people reach the server, without the final slash, so that a path can be put after it. */
export const publicUrl = text("an http or https URL such as https://crm.example.com", (value) => {
  const url = webUrl(value);
  if (!url || url.search || url.hash || url.username || url.password) return undefined;
  return url.href.replace(/\/+$/, "");
});

/** Where a PostgreSQL server is. The rest of the URL is the driver's to judge. */
export const postgresUrl = text("a URL that starts with postgres:// or postgresql://", (value) =>
  /^postgres(ql)?:\/\/./.test(value) ? value : undefined,
);

/** Where a mail server is, with user and password where it wants them. */
export const smtpUrl = text(
  "a URL such as smtp://user:password@mail.example.com:587 or smtps://…",
  (value) => {
    const url = URL.parse(value);
    const isServer =
      url && /^smtps?:$/.test(url.protocol) && url.hostname !== "" && /^\/?$/.test(url.pathname);
    return isServer && !url.search && !url.hash ? value : undefined;
  },
);

/** A signing key. 32 characters of base64url are 192 bits: below that, guessing gets cheaper than it must be. */
export const signingSecret = text("at least 32 characters", (value) =>
  value.length >= 32 ? value : undefined,
);

/** A token that whoever holds it sends as it is, so it has only what an `Authorization` header may carry (RFC 6750). */
export const bearerToken = text("at least 16 characters of A-Z a-z 0-9 - . _ ~ + / =", (value) =>
  /^[\w.~+/=-]{16,}$/.test(value) ? value : undefined,
);

/** An e-mail address. Whether mail arrives there is not known here. */
export const email = text("an e-mail address", (value) =>
  /^[^\s@]+@[^\s@]+$/.test(value.trim()) ? value.trim() : undefined,
);

/** A country whose phone numbers can be read, which is what the setting is for: UK is none, GB is. */
export const country = text(
  "a two-letter country code (ISO 3166) in upper case, such as VN",
  (value) => (isSupportedCountry(value) ? value : undefined),
  "^[A-Z]{2}$",
);

/** Addresses of proxies. */
export const addressRanges = list(
  text("an IP address or a range such as 10.0.0.0/8", (value) => (isAddressRange(value) ? value : undefined)),
);

/** Whose pages may call. The `Origin` header is compared as text, so each has the form a browser sends. */
export const origins = list(
  text('"*" or an origin such as https://app.example.com, without a path', (value) => {
    if (value === "*") return value;
    const origin = webUrl(value)?.origin;
    return origin === value.toLowerCase() ? origin : undefined;
  }),
);

/** Media types, without parameters. */
export const mediaTypes = list(
  text("a media type such as application/zip", (value) => {
    const type = value.trim().toLowerCase();
    return /^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*$/.test(type) ? type : undefined;
  }),
);

/** Times of a day, such as 02:00. */
export const timesOfDay = list(
  text("a time of the day such as 02:00", (value) =>
    /^([01]\d|2[0-3]):[0-5]\d$/.test(value.trim()) ? value.trim() : undefined,
  ),
);

/** Where traces go: the collector's address, to which `/v1/traces` is added. */
export const otlpEndpoint = text("an http or https URL such as http://localhost:4318", (value) => {
  const url = webUrl(value);
  return url && !url.search && !url.hash ? url.href.replace(/\/+$/, "") : undefined;
});

/** Headers for each request to a collector, as OpenTelemetry writes them: `name=value`, with commas, percent-encoded. */
export const otlpHeaders = text("name=value, with commas between several", (value) =>
  value.split(",").every((pair) => /^\s*[!#$%&'*+.^`|~\w-]+\s*=\s*[\x21-\x7e]*\s*$/.test(pair))
    ? value
    : undefined,
);

/** Where errors are reported: a key, a host and a project. */
export const sentryDsn = text("a DSN such as https://key@sentry.example.com/1", (value) => {
  const url = webUrl(value);
  return url && url.username !== "" && /\/\d+$/.test(url.pathname) ? value : undefined;
});

function webUrl(value: string) {
  const url = URL.parse(value);
  return url && /^https?:$/.test(url.protocol) ? url : undefined;
}

function isAddressRange(value: string) {
  const [address = "", bits, ...rest] = value.split("/");
  const version = address.includes("%") ? 0 : isIP(address);
  if (version === 0 || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
}
