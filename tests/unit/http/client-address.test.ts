import { describe, expect, test } from "bun:test";
import { clientAddress, isSecure, trustedProxies } from "../../../src/http/client-address";
import { limitKey } from "../../../src/integrations/limiter";

const proxies = trustedProxies(["127.0.0.1", "::1", "10.0.0.0/8", "2001:db8:ffff::/48"]);

interface Scenario {
  name: string;
  peer: string;
  header: string | null;
  client: string;
}

const scenarios: Scenario[] = [
  { name: "no header", peer: "203.0.113.7", header: null, client: "203.0.113.7" },
  { name: "a proxy without header", peer: "10.0.0.1", header: null, client: "10.0.0.1" },
  { name: "an empty header", peer: "10.0.0.1", header: "", client: "10.0.0.1" },
  {
    name: "an untrusted peer that forwards",
    peer: "203.0.113.7",
    header: "192.0.2.1",
    client: "203.0.113.7",
  },
  {
    name: "an untrusted peer that claims a proxy",
    peer: "203.0.113.7",
    header: "10.0.0.1",
    client: "203.0.113.7",
  },
  { name: "one proxy", peer: "10.0.0.1", header: "203.0.113.7", client: "203.0.113.7" },
  {
    name: "a spoofed leftmost address",
    peer: "10.0.0.1",
    header: "1.1.1.1, 203.0.113.7",
    client: "203.0.113.7",
  },
  {
    name: "a spoofed proxy in front",
    peer: "10.0.0.1",
    header: "1.1.1.1, 10.9.9.9, 203.0.113.7",
    client: "203.0.113.7",
  },
  { name: "two proxies", peer: "127.0.0.1", header: "203.0.113.7, 10.0.0.2", client: "203.0.113.7" },
  {
    name: "two proxies, spoofed",
    peer: "127.0.0.1",
    header: "127.0.0.1, 203.0.113.7,10.0.0.2",
    client: "203.0.113.7",
  },
  { name: "only proxies", peer: "127.0.0.1", header: "10.0.0.3, 10.0.0.2", client: "10.0.0.3" },
  {
    name: "a word instead of an address",
    peer: "127.0.0.1",
    header: "203.0.113.7, unknown",
    client: "127.0.0.1",
  },
  {
    name: "a word behind a proxy",
    peer: "127.0.0.1",
    header: "203.0.113.7, x, 10.0.0.2",
    client: "10.0.0.2",
  },
  { name: "an empty entry", peer: "127.0.0.1", header: "203.0.113.7,", client: "127.0.0.1" },
  { name: "a leading comma", peer: "127.0.0.1", header: ",10.0.0.2", client: "10.0.0.2" },
  { name: "only a comma", peer: "127.0.0.1", header: ",", client: "127.0.0.1" },
  { name: "a number too large", peer: "127.0.0.1", header: "203.0.113.777", client: "127.0.0.1" },
  { name: "leading zeros", peer: "127.0.0.1", header: "010.0.0.1", client: "127.0.0.1" },
  { name: "a mapped peer", peer: "::ffff:10.0.0.1", header: "203.0.113.7", client: "203.0.113.7" },
  {
    name: "a mapped peer in hexadecimal",
    peer: "::FFFF:a00:1",
    header: "203.0.113.7",
    client: "203.0.113.7",
  },
  { name: "a mapped client", peer: "10.0.0.1", header: "::ffff:203.0.113.7", client: "203.0.113.7" },
  {
    name: "an untrusted mapped peer",
    peer: "::ffff:203.0.113.7",
    header: "192.0.2.1",
    client: "203.0.113.7",
  },
  { name: "IPv4 with a port", peer: "10.0.0.1", header: "203.0.113.7:55", client: "203.0.113.7" },
  {
    name: "IPv6 in brackets with a port",
    peer: "[::1]:123",
    header: "[2001:db8::7]:443",
    client: "2001:db8::7",
  },
  { name: "IPv6 in brackets", peer: "::1", header: "[2001:db8::7]", client: "2001:db8::7" },
  { name: "another spelling", peer: "0:0:0:0:0:0:0:1", header: "2001:DB8:0::0007", client: "2001:db8::7" },
  {
    name: "an IPv6 proxy range",
    peer: "2001:db8:ffff::9",
    header: "2001:db8:fffe::9",
    client: "2001:db8:fffe::9",
  },
  { name: "a zone", peer: "fe80::1%eth0", header: "192.0.2.1", client: "fe80::1" },
  { name: "IPv4 in brackets", peer: "10.0.0.1", header: "[203.0.113.7]", client: "10.0.0.1" },
  { name: "a Unix socket", peer: "", header: "203.0.113.7", client: "" },
  { name: "a script", peer: "10.0.0.1", header: "<script>", client: "10.0.0.1" },
];

describe("clientAddress", () => {
  test.each(scenarios.map((each) => [each.name, each] as const))("%s", (_name, { peer, header, client }) => {
    expect(clientAddress(peer, header, proxies)).toBe(client);
  });

  test("trusts nobody without a list", () => {
    expect(clientAddress("127.0.0.1", "203.0.113.7", trustedProxies([]))).toBe("127.0.0.1");
  });

  test("may trust everyone, and a mapped range", () => {
    expect(clientAddress("203.0.113.1", "192.0.2.1", trustedProxies(["0.0.0.0/0"]))).toBe("192.0.2.1");
    expect(clientAddress("10.1.2.3", "192.0.2.1", trustedProxies(["::ffff:10.0.0.0/104"]))).toBe("192.0.2.1");
  });

  test("walks a header as long as a server accepts", () => {
    const header = "10.0.0.1,".repeat(20_000) + "10.0.0.2";
    expect(clientAddress("127.0.0.1", `203.0.113.7,${header}`, proxies)).toBe("203.0.113.7");
  });
});

describe("trustedProxies", () => {
  test.each([
    "",
    "localhost",
    "10.0.0.0/33",
    "::/129",
    "10.0.0.0/",
    "10.0.0.0/8/8",
    "10.0.0.0/-1",
    "10.0.0/8",
    "10.0.0.0/1e1",
  ])("refuses %j", (entry) => {
    expect(() => trustedProxies(["127.0.0.1", entry])).toThrow(JSON.stringify(entry));
  });
});

describe("isSecure", () => {
  test.each([
    ["a proxy says so", "10.0.0.1", "https", true],
    ["in capitals", "10.0.0.1", " HTTPS ", true],
    ["a proxy says no", "10.0.0.1", "http", false],
    ["no header", "10.0.0.1", null, false],
    ["the caller wrote the left one", "10.0.0.1", "https, http", false],
    ["the proxy wrote the right one", "10.0.0.1", "http,https", true],
    ["an untrusted peer", "203.0.113.7", "https", false],
    ["a mapped proxy", "::ffff:10.0.0.1", "https", true],
  ])("%s", (_name, peer, header, secure) => {
    expect(isSecure(peer, header, proxies)).toBe(secure);
  });
});

describe("limitKey", () => {
  test.each([
    ["203.0.113.7", "203.0.113.7"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:db8:1:2::", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["2001:db8::1:2:3:4:5", "2001:db8:0:1::/64"],
    ["::1", "0:0:0:0::/64"],
    ["::", "0:0:0:0::/64"],
    ["", ""],
  ])("%s counts as %s", (address, key) => {
    expect(limitKey(address)).toBe(key);
  });

  test("one /64 is one key, the next another", () => {
    const of = (text: string) => limitKey(clientAddress(text, null, proxies));
    expect(of("2001:db8:0:1::1")).toBe(of("2001:DB8:0:1:ffff:ffff:ffff:ffff"));
    expect(of("2001:db8:0:1::1")).not.toBe(of("2001:db8:0:2::1"));
  });
});
