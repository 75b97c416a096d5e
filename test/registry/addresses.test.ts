// What may be reached: public addresses, and private ones only by leave. Nothing is connected to before that is known.

import { expect, test } from "bun:test";
import { AddressGuard, AllowList, isPrivateAddress } from "../../src/registry/addresses.ts";
import { proxyFor } from "../../src/registry/proxies.ts";
import { messageOf, pulling } from "./pulling.ts";
import { standIn } from "./stand-in.ts";

test.each([
  "127.0.0.1",
  "127.255.0.1",
  "0.0.0.0",
  "10.1.2.3",
  "100.64.0.1",
  "169.254.169.254",
  "172.16.0.1",
  "172.31.255.255",
  "192.168.1.1",
  "192.0.0.8",
  "198.19.0.1",
  "224.0.0.1",
  "255.255.255.255",
  "::",
  "::1",
  "fe80::1",
  "fe80::1%eth0",
  "fc00::1",
  "fd12:3456::1",
  "ff02::1",
  "::ffff:127.0.0.1",
  "::ffff:a00:1",
  "64:ff9b::7f00:1",
  "2002:7f00:1::",
  "2001:db8::1",
  "2001::1",
  "::127.0.0.1",
  "not an address",
])("%s is private", (address) => expect(isPrivateAddress(address)).toBe(true));

test.each(["8.8.8.8", "172.32.0.1", "100.128.0.1", "198.20.0.1", "2606:4700::1", "::ffff:8.8.8.8", "64:ff9b::808:808"])(
  "%s is public",
  (address) => expect(isPrivateAddress(address)).toBe(false),
);

test("the allow list takes hosts, host:port, addresses and ranges", () => {
  const list = new AllowList("models.lan, box:5000 10.2.0.0/16,192.168.1.7");
  const allows = (url: string, address: string) => list.allows(new URL(url), address);
  expect(allows("https://models.lan/", "10.0.0.1")).toBe(true);
  expect(allows("http://box:5000/", "10.0.0.1")).toBe(true);
  expect(allows("http://box:5001/", "10.0.0.1")).toBe(false);
  expect(allows("https://x.test/", "10.2.200.1")).toBe(true);
  expect(allows("https://x.test/", "10.3.0.1")).toBe(false);
  expect(allows("https://x.test/", "192.168.1.7")).toBe(true);
});

test("one private address among a name's addresses is enough to refuse it", async () => {
  const guard = new AddressGuard(new AllowList(""), () => Promise.resolve(["8.8.8.8", "10.0.0.1"]));
  expect(await messageOf(guard.check(new URL("https://x.test/"), new Set()))).toMatch(/private address/);
});

test.each(["127.0.0.1", "169.254.169.254", "10.0.0.1", "localhost", "0x7f.1", "2130706433", "evil.test"])(
  "CVE-2026-5530, o#16236: a pull from %s without insecure is refused before a connection is made",
  async (host) => {
    using server = standIn();
    await using here = await pulling({}, { resolve: () => Promise.resolve(["127.0.0.1"]) });
    const port = server.host.split(":")[1] ?? "";
    expect(await messageOf(here.pull(`${host}:${port}/me/tiny`, false))).toMatch(/is on a private address/);
    expect(server.seen).toEqual([]);
  },
);

test("CVE-2026-5530, o#17041: a redirect to a private address is refused, even from a registry named with insecure", async () => {
  using server = standIn();
  using inner = standIn();
  await using here = await pulling();
  inner.addModel("me/tiny:1", [new Uint8Array(10)]);
  server.fault = (request) => Response.redirect(request.url.replace(server.host, inner.host), 307);
  expect(await messageOf(here.pull(`${server.host}/me/tiny:1`))).toMatch(/is on a private address/);
  expect(inner.seen).toEqual([]);
});

test("CVE-2026-5530: a redirect to an allowed host is followed without the token", async () => {
  using server = standIn();
  using storage = standIn();
  const layer = new Uint8Array(300_000).fill(7);
  const port = (host: string) => host.split(":")[1] ?? "";
  await using here = await pulling({ OLLAMA_REGISTRY_ALLOW: storage.host });
  server.addModel("me/tiny:1", [layer]);
  for (const [digest, bytes] of server.blobs) storage.blobs.set(digest, bytes);
  server.fault = (request, seen) => {
    if (seen.path === "/token") return Response.json({ token: "secret" });
    if (seen.authorization !== "Bearer secret") {
      const realm = `http://127.0.0.1:${port(server.host)}/token`;
      return new Response("", {
        status: 401,
        headers: { "www-authenticate": `Bearer realm="${realm}",service="s",scope="x"` },
      });
    }
    return seen.path.includes("/blobs/")
      ? Response.redirect(request.url.replace(server.host, storage.host), 307)
      : undefined;
  };
  await here.pull(`${server.host}/me/tiny:1`);
  expect(storage.seen.length).toBeGreaterThan(1);
  expect(storage.seen.filter((seen) => seen.authorization !== undefined)).toEqual([]);
  // The storage's address is asked directly once it is known.
  expect(server.seen.filter((seen) => seen.path.includes("/blobs/")).length).toBeLessThan(storage.seen.length + 2);
});

test("proxies follow Go's rules", () => {
  const settings = { http: "p:1", https: "http://q:2", no: ".corp.test,plain.test,10.0.0.0/8,port.test:8443" };
  const via = (url: string) => proxyFor(new URL(url), settings);
  expect(via("http://x.test/")).toBe("http://p:1");
  expect(via("https://x.test/")).toBe("http://q:2");
  expect(via("https://localhost/")).toBeUndefined();
  expect(via("http://127.0.0.1:5000/")).toBeUndefined();
  expect(via("https://a.corp.test/")).toBeUndefined();
  expect(via("https://sub.plain.test/")).toBeUndefined();
  expect(via("https://notplain.test/")).toBe("http://q:2");
  expect(via("https://10.1.1.1/")).toBeUndefined();
  expect(via("https://port.test:8443/")).toBeUndefined();
  expect(via("https://port.test/")).toBe("http://q:2");
});

test("a request goes through the proxy by name, and only then", async () => {
  using proxy = standIn();
  await using here = await pulling(
    { HTTP_PROXY: proxy.origin },
    { resolve: () => Promise.reject(new Error("only the proxy knows")) },
  );
  proxy.addModel("me/tiny:1", [new Uint8Array(10)]);
  await here.pull("registry.test/me/tiny:1");
  expect(proxy.seen.length).toBe(3);
});
