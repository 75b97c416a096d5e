// OLLAMA_SHARE_REGISTRY: the read side of a registry, so that other machines pull from this one. Models of the store by
// namespace, name and tag, and the blobs that the manifests of such a model name; nothing else can be asked for.

import { readFile } from "node:fs/promises";
import { Elysia } from "elysia";
import { type Digest, digestOf, isDigest, parseDigest } from "../../base/digest.ts";
import { MANIFEST_TYPE, type Manifest } from "../../models/manifest.ts";
import { DEFAULT_HOST } from "../../models/name.ts";
import type { ModelStore, StoredModel } from "../../models/store.ts";
import type { Services } from "../services.ts";

const VERSION_HEADER = { "docker-distribution-api-version": "registry/2.0" };
/** Plain text, which is what a pull shows of a refusal. */
const NOT_SHARED = "this server does not share its models; start it with OLLAMA_SHARE_REGISTRY=1";
const MAX_TAGS = 1000;

export function registryRoutes({ store, config }: Services) {
  const app = new Elysia();
  const about = { detail: { summary: "Models for other machines to pull", tags: ["registry"] } };
  if (!config.shareRegistry) {
    const refuse = () => new Response(NOT_SHARED, { status: 403 });
    return app.get("/v2/", refuse, about).get("/v2/*", refuse, about);
  }
  const answer = ({ request }: { readonly request: Request }) => route(store, request);
  return app.get("/v2/", () => ociJson({}), about).get("/v2/*", answer, about);
}

function ociJson(value: unknown, status = 200): Response {
  return Response.json(value, { status, headers: VERSION_HEADER });
}

/** In the words of the distribution specification. */
function ociError(status: number, code: string, message: string): Response {
  return ociJson({ errors: [{ code, message }] }, status);
}

async function route(store: ModelStore, request: Request): Promise<Response> {
  const url = new URL(request.url);
  const match = /^\/v2\/([\w-]+)\/([\w.-]+)\/(manifests|blobs|tags)\/([\w.:-]+)$/.exec(url.pathname);
  if (match === null) return ociError(404, "NAME_UNKNOWN", "no such repository");
  const [, namespace = "", model = "", kind = "", reference = ""] = match;
  const models = await modelsOf(store, namespace, model);
  if (models.length === 0) return ociError(404, "NAME_UNKNOWN", "no such repository");
  if (kind === "blobs") return blob(store, models, reference, request);
  if (kind === "manifests") return manifest(store, models, reference);
  return reference === "list"
    ? tags(models, `${namespace}/${model}`, url)
    : ociError(404, "UNSUPPORTED", "no such route");
}

/** Those of every host; the default one's first. */
async function modelsOf(store: ModelStore, namespace: string, model: string): Promise<StoredModel[]> {
  const isSame = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
  const found: StoredModel[] = [];
  for (const name of await store.names()) {
    if (!isSame(name.namespace, namespace) || !isSame(name.model, model)) continue;
    const stored = await store.find(name).catch(() => undefined);
    if (stored !== undefined) found.push(stored);
  }
  return found.sort((a, b) => Number(b.name.host === DEFAULT_HOST) - Number(a.name.host === DEFAULT_HOST));
}

async function manifest(store: ModelStore, models: readonly StoredModel[], reference: string): Promise<Response> {
  const digest = isDigest(reference) ? parseDigest(reference) : undefined;
  const stored = models.find((model) =>
    digest === undefined ? model.name.tag.toLowerCase() === reference.toLowerCase() : model.digest === digest,
  );
  if (stored === undefined) return ociError(404, "MANIFEST_UNKNOWN", "no such manifest");
  const bytes = await readFile(store.manifestPath(stored.name));
  const headers = {
    ...VERSION_HEADER,
    "content-type": mediaTypeOf(bytes),
    "content-length": String(bytes.length),
    "docker-content-digest": digestOf(bytes),
  };
  return new Response(new Uint8Array(bytes), { headers });
}

function mediaTypeOf(bytes: Buffer): string {
  const value: unknown = JSON.parse(bytes.toString("utf8"));
  const type = typeof value === "object" && value !== null && "mediaType" in value ? value.mediaType : undefined;
  return typeof type === "string" && /^application\/[\w.+-]+$/.test(type) ? type : MANIFEST_TYPE;
}

async function blob(
  store: ModelStore,
  models: readonly StoredModel[],
  reference: string,
  request: Request,
): Promise<Response> {
  const digest = isDigest(reference) ? parseDigest(reference) : undefined;
  const isNamed = digest !== undefined && models.some((model) => names(model.manifest, digest));
  const size = isNamed ? await store.blobs.size(digest) : undefined;
  if (digest === undefined || size === undefined) return ociError(404, "BLOB_UNKNOWN", "no such blob");
  const headers = {
    ...VERSION_HEADER,
    "content-type": "application/octet-stream",
    "docker-content-digest": digest,
    "accept-ranges": "bytes",
    etag: `"${digest}"`,
  };
  const range = request.headers.get("range");
  const part = range === null ? { start: 0, end: size } : parseRange(range, size);
  if (part === undefined)
    return new Response(null, { status: 416, headers: { ...headers, "content-range": `bytes */${size}` } });
  const { start, end } = part;
  const isPart = range !== null;
  return new Response(Bun.file(store.blobs.path(digest)).slice(start, end), {
    status: isPart ? 206 : 200,
    headers: {
      ...headers,
      "content-length": String(end - start),
      ...(isPart ? { "content-range": `bytes ${start}-${end - 1}/${size}` } : {}),
    },
  });
}

function names({ config, layers }: Manifest, digest: Digest): boolean {
  return [config, ...layers].some((layer) => layer.digest === digest);
}

/** One range of bytes, the end not included. Undefined for what cannot be satisfied; several at once are not offered. */
function parseRange(header: string, size: number): { readonly start: number; readonly end: number } | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header.trim());
  if (match === null) return undefined;
  const [, first = "", last = ""] = match;
  if (first === "" && last === "") return undefined;
  const start = first === "" ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === "" || last === "" ? size : Math.min(Number(last) + 1, size);
  return start < end ? { start, end } : undefined;
}

function tags(models: readonly StoredModel[], name: string, url: URL): Response {
  const all = [...new Set(models.map((model) => model.name.tag))].sort();
  const last = url.searchParams.get("last");
  const rest = last === null ? all : all.filter((tag) => tag > last);
  const asked = Number(url.searchParams.get("n") ?? MAX_TAGS);
  const shown = rest.slice(0, Number.isInteger(asked) && asked >= 0 ? Math.min(asked, MAX_TAGS) : MAX_TAGS);
  const response = ociJson({ name, tags: shown });
  const end = shown.at(-1);
  if (end !== undefined && shown.length < rest.length) {
    const next = `/v2/${name}/tags/list?n=${shown.length}&last=${encodeURIComponent(end)}`;
    response.headers.set("link", `<${next}>; rel="next"`);
  }
  return response;
}
