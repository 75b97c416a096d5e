// Mirrors come first for blobs and last for manifests; they are trusted with nothing.

import { expect, test } from "bun:test";
import { digestOf } from "../../src/base/digest.ts";
import { endpointsFor, hfTokenFor, parseMirrors } from "../../src/registry/mirrors.ts";
import { sameOriginWith } from "../../src/registry/origins.ts";
import { tinyGguf } from "../support/tiny-gguf.ts";
import { bytesOf, messageOf, pulling } from "./pulling.ts";
import { rangeOf, type StandIn, standIn } from "./stand-in.ts";

const weights = bytesOf(300_000, 5);
const digest = digestOf(weights);
const blobRequests = (server: StandIn) => server.seen.filter((seen) => seen.path.endsWith(digest));

test("the list names registries and their mirrors in order", () => {
  const mirrors = parseMirrors("https://a.test,b.test/prefix; hf.co = https://c.test ;");
  expect(mirrors.get("registry.ollama.ai")?.map(String)).toEqual(["https://a.test/", "https://b.test/prefix"]);
  expect(mirrors.get("hf.co")?.map(String)).toEqual(["https://c.test/"]);
  expect(() => parseMirrors("ftp://a.test")).toThrow("OLLAMA_REGISTRY_MIRRORS");
});

test("HF_ENDPOINT stands in for Hugging Face and for nothing else", () => {
  const settings = { mirrors: "", hfEndpoint: "https://hf-mirror.test", hfToken: "" };
  const hosts = (host: string) => endpointsFor(host, false, settings).map(({ origin }) => origin.host);
  expect(hosts("hf.co")).toEqual(["hf-mirror.test"]);
  expect(hosts("huggingface.co")).toEqual(["hf-mirror.test"]);
  expect(hosts("registry.ollama.ai")).toEqual(["registry.ollama.ai"]);
});

test("insecure means plain http for a registry of one's own, never for the public ones", () => {
  const settings = { mirrors: "", hfEndpoint: "", hfToken: "token" };
  const last = (host: string) => endpointsFor(host, true, settings).at(-1);
  expect(last("registry.test:5000")?.origin.href).toBe("http://registry.test:5000/");
  expect(last("Registry.Ollama.ai")?.origin.href).toBe("https://registry.ollama.ai/");
  expect(last("registry.ollama.ai")?.trusted.size).toBe(0);
  expect(last("hf.co")).toMatchObject({ origin: new URL("https://hf.co"), token: "token" });
});

test("blobs come from the mirror, the manifest from the registry", async () => {
  using server = standIn();
  using mirror = standIn();
  await using here = await pulling({ OLLAMA_REGISTRY_MIRRORS: `${server.host}=${mirror.origin}` });
  server.addModel("me/tiny:1", [weights]);
  mirror.addModel("me/tiny:1", [weights]);
  await here.pull(`${server.host}/me/tiny:1`);
  expect(server.seen.map((seen) => seen.path)).toEqual(["/v2/me/tiny/manifests/1"]);
  expect(blobRequests(mirror).length).toBeGreaterThan(1);
});

test.each(["wrong bytes", "stall", "error", "gone"])("a mirror that shows %s is left for the registry", async (how) => {
  using server = standIn();
  using mirror = standIn();
  await using here = await pulling({ OLLAMA_REGISTRY_MIRRORS: `${server.host}=${mirror.origin}` });
  server.addModel("me/tiny:1", [weights]);
  mirror.fault = (request) => {
    if (how === "wrong bytes") return rangeOf(request, bytesOf(weights.length, 6));
    if (how === "error") return new Response("broken", { status: 500 });
    if (how === "gone") return undefined;
    const { status, headers } = rangeOf(request, weights);
    return new Response(new ReadableStream<Uint8Array>({ pull: () => new Promise(() => {}) }), { status, headers });
  };
  await here.pull(`${server.host}/me/tiny:1`);
  expect(await here.store.blobs.verify(digest)).toBe(true);
});

test("where the registry does not answer, the mirror's manifest is taken", async () => {
  using mirror = standIn();
  await using here = await pulling({ OLLAMA_REGISTRY_MIRRORS: `127.0.0.1:9=${mirror.origin}` });
  mirror.addModel("me/tiny:1", [weights]);
  const lines = await here.pull("127.0.0.1:9/me/tiny:1");
  expect(lines.at(-1)?.status).toBe("success");
});

test("a mirror never sees a signature, and no token of the registry", async () => {
  using server = standIn();
  using mirror = standIn();
  await using here = await pulling({ OLLAMA_REGISTRY_MIRRORS: `${server.host}=${mirror.origin}` });
  server.addModel("me/tiny:1", [weights]);
  for (const each of [server, mirror]) {
    each.fault = (_, seen) => {
      if (seen.path === "/token") return Response.json({ token: each === server ? "registry" : "mirror" });
      if (seen.authorization?.startsWith("Bearer ") === true) return undefined;
      const headers = { "www-authenticate": `Bearer realm="${each.origin}/token",service="s"` };
      return new Response("", { status: 401, headers });
    };
  }
  await here.pull(`${server.host}/me/tiny:1`);
  expect(new Set(mirror.seen.map((seen) => seen.authorization))).toEqual(new Set(["Bearer mirror", undefined]));
});

test("a mirror's manifest with a private redirect target is refused like any other", async () => {
  using mirror = standIn();
  using inner = standIn();
  await using here = await pulling({ OLLAMA_REGISTRY_MIRRORS: `127.0.0.1:9=${mirror.origin}` });
  mirror.fault = (request) => Response.redirect(request.url.replace(mirror.host, inner.host), 307);
  expect(await messageOf(here.pull("127.0.0.1:9/me/tiny:1"))).toMatch(/connection refused$/);
  expect(inner.seen).toEqual([]);
});

test("HF_TOKEN is for Hugging Face and what stands in for it, never in the clear", () => {
  const tokenFor = (url: string, hfEndpoint = "") =>
    hfTokenFor(new URL(url), { mirrors: "", hfEndpoint, hfToken: "hf_secret" });
  for (const url of ["https://hf.co/a", "https://huggingface.co/a", "https://www.huggingface.co/a"])
    expect(tokenFor(url)).toBe("hf_secret");
  for (const url of ["https://hf.co.evil.test/a", "https://evil.test/hf.co", "http://hf.co/a", "https://hf.co:444/a"])
    expect(tokenFor(url)).toBeUndefined();
  expect(tokenFor("https://in.test/a", "https://in.test")).toBe("hf_secret");
  expect(tokenFor("https://in.test/a", "https://other.test")).toBeUndefined();
  expect(tokenFor("http://in.test/a", "http://in.test")).toBeUndefined();
});

test("HF_TOKEN goes to the stand-in, not to a mirror, not where a redirect leads, not to another registry", async () => {
  using standsIn = standIn();
  using mirror = standIn();
  using storage = standIn();
  await using here = await pulling({
    HF_ENDPOINT: standsIn.origin,
    HF_TOKEN: "hf_secret",
    OLLAMA_REGISTRY_MIRRORS: `hf.co=${mirror.origin}`,
    OLLAMA_REGISTRY_ALLOW: "*",
  });
  for (const each of [standsIn, storage]) each.addModel("me/tiny:Q4_K_M", [weights]);
  standsIn.fault = (request, seen) =>
    seen.path.includes("/blobs/")
      ? Response.redirect(request.url.replace(standsIn.host, storage.host), 307)
      : undefined;
  await here.pull("hf.co/me/tiny:Q4_K_M", false);
  expect(await here.store.blobs.verify(digest)).toBe(true);
  expect(new Set(standsIn.seen.map((seen) => seen.authorization))).toEqual(new Set(["Bearer hf_secret"]));
  expect(mirror.seen.length).toBeGreaterThan(0);
  expect(blobRequests(storage).length).toBeGreaterThan(0);
  standsIn.seen.length = 0;
  storage.seen.push(...mirror.seen);
  await here.pull(`${storage.host}/me/tiny:Q4_K_M`);
  expect(new Set(storage.seen.map((seen) => seen.authorization))).toEqual(new Set([undefined]));
});

test("HF_TOKEN opens a file by its address at the stand-in, and is not taken along to storage", async () => {
  using standsIn = standIn();
  using storage = standIn();
  await using here = await pulling({ HF_ENDPOINT: standsIn.origin, HF_TOKEN: "hf_secret", OLLAMA_REGISTRY_ALLOW: "*" });
  const gguf = tinyGguf("llama");
  standsIn.fault = (request) =>
    request.headers.get("authorization") === "Bearer hf_secret"
      ? Response.redirect(`${storage.origin}/signed`, 302)
      : new Response("", { status: 401 });
  storage.fault = (request) => rangeOf(request, gguf);
  const lines = await here.pull(`${standsIn.origin}/me/tiny/resolve/main/dir/tiny.gguf`);
  expect(lines.at(-1)?.status).toBe("success");
  expect(new Set(storage.seen.map((seen) => seen.authorization))).toEqual(new Set([undefined]));
});

test.each([true, false])(
  "HF_TOKEN goes along from one name of the service to the other (one service: %p)",
  async (isOne) => {
    using short = standIn();
    using long = standIn();
    await using here = await pulling(
      { HF_ENDPOINT: short.origin, HF_TOKEN: "hf_secret", OLLAMA_REGISTRY_ALLOW: "*" },
      isOne ? { oneService: new Set([short.origin, long.origin]) } : {},
    );
    long.addModel("me/gated:Q4_K_M", [weights]);
    short.fault = (request) => Response.redirect(request.url.replace(short.host, long.host), 307);
    long.fault = (_, seen) =>
      seen.authorization === "Bearer hf_secret" ? undefined : new Response("gated", { status: 403 });
    const message = await messageOf(here.pull("hf.co/me/gated:Q4_K_M", false));
    expect(message).toBe(isOne ? "no error" : "pull model manifest: 403: gated");
    const carried = long.seen.map((seen) => seen.authorization);
    expect(new Set(carried)).toEqual(new Set([isOne ? "Bearer hf_secret" : undefined]));
  },
);

test("hf.co and huggingface.co are one service over https; nothing else is", () => {
  const same = sameOriginWith();
  const are = (a: string, b: string) => same(new URL(a), new URL(b));
  expect(are("https://hf.co/a", "https://huggingface.co/b")).toBe(true);
  expect(are("https://huggingface.co/a", "https://hf.co:443/b")).toBe(true);
  for (const other of [
    "http://huggingface.co/a",
    "https://huggingface.co:8443/a",
    "https://cdn-lfs.huggingface.co/a",
    "https://cas-bridge.xethub.hf.co/a",
    "https://huggingface.co.evil.test/a",
  ])
    expect(are("https://hf.co/a", other)).toBe(false);
  expect(are("https://ollama.com/a", "https://registry.ollama.ai/a")).toBe(false);
});
