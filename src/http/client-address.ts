import { BlockList, isIP } from "node:net";
import { RecentMap } from "../recent-map";

/** The proxies whose forwarding headers are believed. */
export interface TrustedProxies {
  /** @param address as `clientAddress` writes it */
  has(address: string): boolean;
}

/**
 * Reads a list of addresses and CIDR ranges, such as `127.0.0.1`, `10.0.0.0/8`, `2001:db8::/32`.
 * @throws TypeError naming the entry that is neither
 */
export function trustedProxies(list: string[]): TrustedProxies {
  const proxies = new BlockList();
  for (const entry of list) addRange(proxies, entry.trim());
  return { has: (address) => list.length > 0 && isIn(proxies, address) };
}

/**
 * The address of whoever called, for limits and the log: RFC 5952 text, IPv4-mapped IPv6 as IPv4, without
 * port and zone.
 *
 * Behind trusted proxies that is the rightmost address of `X-Forwarded-For` that is not one of them: every
 * proxy appends whom it saw, so whatever stands left of it was written by the caller. Where no proxy is
 * trusted the header is not read at all. An entry that is no address ends the walk at the trusted proxy that
 * wrote it: what stands beyond cannot be vouched for, and a made-up name as a key would give its author fresh
 * limits with every request.
 *
 * @param peer the other end of the socket; text that is no address (a Unix socket) is given back and never
 * trusted
 */
export function clientAddress(peer: string, forwardedFor: string | null, trusted: TrustedProxies): string {
  let address = peerAddress(peer);
  if (!forwardedFor || !trusted.has(address)) return address;
  let end = forwardedFor.length;
  while (end >= 0) {
    const comma = end === 0 ? -1 : forwardedFor.lastIndexOf(",", end - 1);
    const entry = parseAddress(forwardedFor.slice(comma + 1, end));
    if (entry === null) return address;
    address = entry;
    if (!trusted.has(address)) return address;
    end = comma;
  }
  return address;
}

/**
 * Whether the caller came over TLS, by the word of a trusted proxy. Of several values in `X-Forwarded-Proto`
 * the rightmost counts, for the same reason as with addresses.
 */
export function isSecure(peer: string, forwardedProto: string | null, trusted: TrustedProxies): boolean {
  if (!forwardedProto || !trusted.has(peerAddress(peer))) return false;
  const nearest = forwardedProto.slice(forwardedProto.lastIndexOf(",") + 1);
  return nearest.trim().toLowerCase() === "https";
}

const peers = new RecentMap<string>(2_000);

/** The other end of a socket, which most often is one that was seen a moment ago: to parse it takes 2 µs. */
function peerAddress(peer: string): string {
  const known = peers.get(peer);
  if (known !== undefined) return known;
  const address = parseAddress(peer) ?? peer;
  peers.set(peer, address);
  return address;
}

const withPort = /^(?:\[([^\]]*)\]|([\d.]+))(?::\d{1,5})?$/;
const mapped = /^::ffff:([\da-f]{1,4}):([\da-f]{1,4})$/;

/** One spelling for each address, else two spellings would be two callers. */
function parseAddress(text: string): string | null {
  const trimmed = text.trim();
  const parts = withPort.exec(trimmed);
  const bare = parts ? (parts[1] ?? parts[2]!) : trimmed;
  // How a socket that listens on IPv6 names IPv4 callers: the commonest case, and parsing it as a URL costs
  // ten times more.
  if (bare.startsWith("::ffff:") && isIP(bare.slice(7)) === 4) return bare.slice(7);
  const family = isIP(bare);
  if (family === 4) return parts?.[1] === undefined ? bare : null;
  return family === 6 ? canonical6(bare) : null;
}

function canonical6(text: string): string {
  const zone = text.indexOf("%");
  const address = new URL(`http://[${zone < 0 ? text : text.slice(0, zone)}]`).hostname.slice(1, -1);
  const groups = mapped.exec(address);
  if (!groups) return address;
  const [high, low] = [parseInt(groups[1]!, 16), parseInt(groups[2]!, 16)];
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}

function isIn(proxies: BlockList, address: string) {
  return proxies.check(address, address.includes(":") ? "ipv6" : "ipv4");
}

function addRange(proxies: BlockList, entry: string) {
  const [address = "", prefix, ...rest] = entry.split("/");
  const family = isIP(address);
  const bits = family === 4 ? 32 : 128;
  const length = prefix === undefined ? bits : /^\d{1,3}$/.test(prefix) ? Number(prefix) : -1;
  if (family === 0 || rest.length > 0 || length < 0 || length > bits)
    throw new TypeError(`not an address or CIDR range: ${JSON.stringify(entry)}`);
  proxies.addSubnet(address, length, family === 4 ? "ipv4" : "ipv6");
}
