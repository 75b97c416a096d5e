// Signing in: the realm is believed only when it is the registry itself, and what it answers only up to a limit.

import { expect, test } from "bun:test";
import { createPublicKey, verify } from "node:crypto";
import { parseChallenge, textToSign, tokenUrl } from "../../src/registry/challenge.ts";
import { messageOf, pulling } from "./pulling.ts";
import { standIn, type Seen } from "./stand-in.ts";

const registry = new URL("https://registry.test/");

test.each([
  ['Bearer realm="https://a/t",service="s",scope="x y"', { realm: "https://a/t", service: "s", scope: "x y" }],
  ["bearer realm=https://a/t", { realm: "https://a/t", service: "", scope: "" }],
  ['Basic realm="x"', undefined],
  ["", undefined],
  ["Bearer", undefined],
])("the challenge %j is read", (header, want) => expect(parseChallenge(header)).toEqual(want));

test.each([
  "https://evil.test/token",
  "https://registry.test:444/token",
  "http://registry.test/token",
  "//x",
  "file:///etc/passwd",
  "https://registry.test@evil.test/",
])("CVE-2025-51471: the realm %s is refused", (realm) =>
  expect(() => tokenUrl({ realm, service: "", scope: "" }, registry, 0, "n")).toThrow(/realm/),
);

test("a registry on the network that was named with insecure may sign in over http, at its own host and port only", () => {
  const lan = new URL("http://192.168.1.5:5000/");
  const realm = (text: string) => () => tokenUrl({ realm: text, service: "", scope: "" }, lan, 0, "n");
  expect(realm("http://192.168.1.5:5000/token")().href).toStartWith("http://192.168.1.5:5000/token?");
  for (const other of ["http://192.168.1.5:5001/token", "http://192.168.1.6:5000/token", "https://192.168.1.5/token"])
    expect(realm(other)).toThrow(/does not match original host/);
});

test("the token address holds what Ollama's holds, in Go's order", () => {
  const url = tokenUrl(
    { realm: "https://registry.test/v2/token", service: "s", scope: "a b" },
    registry,
    1_700_000_000_999,
    "abc",
  );
  expect(url.href).toBe("https://registry.test/v2/token?nonce=abc&scope=a&scope=b&service=s&ts=1700000000");
  expect(textToSign(url)).toBe(
    `GET,${url.href},ZTNiMGM0NDI5OGZjMWMxNDlhZmJmNGM4OTk2ZmI5MjQyN2FlNDFlNDY0OWI5MzRjYTQ5NTk5MWI3ODUyYjg1NQ==`,
  );
});

function challenged(origin: string, reply: () => Response) {
  return (_: Request, seen: Seen): Response | undefined => {
    if (seen.path === "/token") return reply();
    if (seen.authorization?.startsWith("Bearer ") === true) return undefined;
    return new Response("", {
      status: 401,
      headers: { "www-authenticate": `Bearer realm="${origin}/token",service="s"` },
    });
  };
}

test("a token request is signed with the key of the home folder", async () => {
  using server = standIn();
  await using here = await pulling();
  server.addModel("me/tiny:1", [new Uint8Array(10)]);
  let asked = "";
  server.fault = (request, seen) => {
    if (seen.path === "/token") asked = request.url;
    return challenged(server.origin, () => Response.json({ token: "t" }))(request, seen);
  };
  await here.pull(`${server.host}/me/tiny:1`);
  const [publicKey = "", signature = ""] =
    server.seen.find((seen) => seen.path === "/token")?.authorization?.split(":") ?? [];
  const line = await Bun.file(`${here.home}/.ollama/id_ed25519.pub`).text();
  expect(line).toBe(`ssh-ed25519 ${publicKey}\n`);
  const x = Buffer.from(publicKey, "base64").subarray(-32).toString("base64url");
  const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  expect(verify(null, Buffer.from(textToSign(new URL(asked))), key, Buffer.from(signature, "base64"))).toBe(true);
});

test("CVE-2025-51471: a realm elsewhere is refused and never asked", async () => {
  using server = standIn();
  using other = standIn();
  await using here = await pulling({ OLLAMA_REGISTRY_ALLOW: "*" });
  server.fault = challenged(other.origin, () => Response.json({ token: "t" }));
  expect(await messageOf(here.pull(`${server.host}/me/tiny:1`))).toBe(
    `pull model manifest: realm host "${other.host}" does not match original host "${server.host}"`,
  );
  expect(other.seen).toEqual([]);
});

test("a token that does not help is tried once", async () => {
  using server = standIn();
  await using here = await pulling();
  server.fault = (_, seen) =>
    seen.path === "/token"
      ? Response.json({ token: "t" })
      : new Response("", { status: 401, headers: { "www-authenticate": `Bearer realm="${server.origin}/token"` } });
  expect(await messageOf(here.pull(`${server.host}/me/tiny:1`))).toBe(
    "pull model manifest: unauthorized: access denied",
  );
  expect(server.seen.filter((seen) => seen.path === "/token").length).toBe(1);
});

/** 100 MB of zeros in 100 KB. */
const bomb = Bun.gzipSync(new Uint8Array(100e6));

test.each([
  ["endless", () => new Response(endless())],
  ["compressed", () => new Response(bomb, { headers: { "content-encoding": "gzip" } })],
  ["not JSON", () => new Response("nope")],
  ["with a line break", () => Response.json({ token: "a\r\nx: y" })],
])("CVE-2024-12886: a token reply that is %s is refused, without memory", async (_, reply) => {
  using server = standIn();
  await using here = await pulling();
  server.fault = challenged(server.origin, reply);
  const beforeBytes = process.memoryUsage().rss;
  expect(await messageOf(here.pull(`${server.host}/me/tiny:1`))).toMatch(/larger than|encoding|no token/);
  expect(process.memoryUsage().rss - beforeBytes).toBeLessThan(64 * 1024 * 1024);
});

function endless(): ReadableStream<Uint8Array> {
  return new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(65_536)) });
}
