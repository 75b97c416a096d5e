// Who may speak to the server: the Host check against DNS rebinding, origins and CORS (spec 2.07–2.09).

import { describe, expect, test } from "bun:test";
import { hostname } from "node:os";
import { isAllowedHost, originRules } from "../../src/server/hosts.ts";
import { testApp } from "./test-app.ts";

const GOOD_HOSTS = [
  "",
  "localhost",
  "LOCALHOST:11434",
  "127.0.0.1",
  "127.0.0.1:80",
  "127.1.2.3",
  "[::1]:11434",
  "0.0.0.0:11434",
  "10.0.0.5",
  "192.168.1.1:11434",
  "172.16.0.1",
  "172.31.255.255",
  "[fd00::1]",
  "[::]",
  "my.localhost",
  "printer.local:80",
  "box.internal",
  hostname(),
];
const BAD_HOSTS = [
  "example.com",
  "localhost.example.com",
  "127.0.0.1.example.com",
  "evil-localhost",
  "local",
  "8.8.8.8",
  "172.15.0.1",
  "172.32.0.1",
  "192.169.0.1",
  "[2001:db8::1]",
  "10.0.0.1.nip.io",
  "xn--localhost-.com",
  "localhost:evil.example",
  "[::1].example.com",
  "fd00::1",
];

test.each(GOOD_HOSTS)("Host %p means this machine", (host) => expect(isAllowedHost(host)).toBe(true));
test.each(BAD_HOSTS)("Host %p is foreign", (host) => expect(isAllowedHost(host)).toBe(false));

test("a foreign Host gets 403 and an empty body, on loopback only", async () => {
  await using local = await testApp();
  const refused = await local.fetch("/api/tags", { headers: { host: "evil.com" } });
  expect([refused.status, await refused.text()]).toEqual([403, ""]);
  await using open = await testApp({ boundHost: "0.0.0.0" });
  expect((await open.fetch("/api/tags", { headers: { host: "evil.com" } })).status).toBe(200);
});

describe("origins", () => {
  const allowed = [
    "http://localhost",
    "https://localhost:3000",
    "http://127.0.0.1:8080",
    "http://0.0.0.0",
    "app://obsidian.md",
    "file://",
    "tauri://localhost",
    "vscode-webview://abc",
    "HTTP://LOCALHOST:1",
  ];
  const refused = [
    "http://example.com",
    "https://localhost.evil.com",
    "http://127.0.0.1.evil.com",
    "null",
    "chrome-extension://x",
    "",
  ];

  test.each(allowed)("%p may ask", async (origin) => {
    await using app = await testApp();
    const response = await app.fetch("/api/version", { headers: { origin } });
    expect(response.status).toBe(200);
    expect(response.headers.get("access-control-allow-origin")).toBe(origin);
    expect(response.headers.get("access-control-allow-credentials")).toBeNull();
    expect(response.headers.get("vary")).toContain("Origin");
  });
  test.each(refused)("%p may not", async (origin) => {
    await using app = await testApp();
    const response = await app.fetch("/api/version", { headers: { origin } });
    expect([response.status, await response.text()]).toEqual([403, ""]);
    expect((await app.fetch("/api/chat", { method: "OPTIONS", headers: { origin } })).status).toBe(403);
  });
  test("the page's own origin needs no permission", async () => {
    await using app = await testApp({ boundHost: "0.0.0.0" });
    const headers = { origin: "https://models.example.com", host: "models.example.com" };
    expect((await app.fetch("/api/version", { headers })).status).toBe(200);
  });
  test("errors are readable for an allowed origin too", async () => {
    await using app = await testApp();
    const response = await app.fetch("/nothing", { headers: { origin: "http://localhost:1" } });
    expect([response.status, response.headers.get("access-control-allow-origin")]).toEqual([404, "http://localhost:1"]);
  });
});

test("an allowed preflight is answered in full", async () => {
  await using app = await testApp();
  const headers = { origin: "http://localhost:3000", "access-control-request-method": "POST" };
  const response = await app.fetch("/api/chat", { method: "OPTIONS", headers });
  expect(response.status).toBe(204);
  expect(response.headers.get("access-control-allow-methods")).toBe("GET,POST,PUT,PATCH,DELETE,HEAD,OPTIONS");
  expect(response.headers.get("access-control-max-age")).toBe("43200");
  const names = (response.headers.get("access-control-allow-headers") ?? "").split(",");
  expect(names.slice(0, 6)).toEqual([
    "Authorization",
    "Content-Type",
    "User-Agent",
    "Accept",
    "X-Requested-With",
    "Openai-Beta",
  ]);
  expect(names.filter((name) => name.startsWith("X-Stainless-"))).toHaveLength(12);
});

test("OPTIONS without an origin is 204 for a host with a name, and a method like any other for an address", async () => {
  await using app = await testApp();
  const ask = (path: string, host: string) => app.fetch(path, { method: "OPTIONS", headers: { host } });
  const named = await ask("/api/chat", "localhost:11434");
  expect([named.status, named.headers.get("allow")]).toEqual([204, "POST"]);
  const numbered = await ask("/api/chat", "127.0.0.1:11434");
  expect([numbered.status, numbered.headers.get("allow"), await numbered.text()]).toEqual([
    405,
    "POST",
    "405 method not allowed",
  ]);
  expect((await ask("/nothing", "127.0.0.1:11434")).status).toBe(404);
  await using exposed = await testApp({ boundHost: "0.0.0.0" });
  const init = { method: "OPTIONS", headers: { host: "localhost:11434" } };
  expect((await exposed.fetch("/api/chat", init)).status).toBe(405);
});

describe("OLLAMA_ORIGINS", () => {
  test("adds to the defaults, with one star anywhere", () => {
    const { allowed } = originRules("http://my.site, https://*.example.com,chrome-extension://*");
    expect(
      ["http://my.site", "https://a.example.com", "chrome-extension://abc", "http://localhost"].every(allowed),
    ).toBe(true);
    expect(
      ["http://my.site.evil", "https://example.com", "https://a.example.com.evil", "http://b.example.com"].some(
        allowed,
      ),
    ).toBe(false);
  });
  test("a star alone allows all and is echoed as a star", async () => {
    await using app = await testApp({ origins: "*" });
    const response = await app.fetch("/api/version", { headers: { origin: "http://anything.example" } });
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
  });
  test.each(["example.com", "http://*.a.*", "ftp://x"])(
    "%p can match nothing and is refused at start, by name",
    (entry) => {
      expect(() => originRules(entry)).toThrow(`OLLAMA_ORIGINS: "${entry}"`);
    },
  );
});
