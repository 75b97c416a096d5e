// One blob to a registry: an upload session, parts by PATCH (or by PUT to where a 307 points, several at a time), a
// closing PUT with the digest (Ollama: server/upload.go; spec 6.18, 6.19). After a failure the session is asked how far it is.

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import type { Digest } from "../base/digest.ts";
import { AppError, toAppError } from "../base/errors.ts";
import { logInfo } from "../base/log.ts";
import { backOff } from "./backoff.ts";
import { type RegistryClient, refusal } from "./client.ts";
import type { RemoteResponse } from "./remote-http.ts";
import type { Tuning } from "./transfer.ts";

const MIN_PART_BYTES = 100e6;
const MAX_PART_BYTES = 1000e6;
const PARTS = 16;
/** Redirected parts on their way at the same time. */
const PARALLEL_PARTS = 4;
/** A registry hashes what it got before it answers. */
const COMMIT_MS = 15 * 60_000;

export interface Upload {
  readonly client: RegistryClient;
  readonly tuning: Tuning;
  readonly digest: Digest;
  readonly totalBytes: number;
  readonly path: string;
  /** Repository that may have the blob already: "namespace/model". */
  readonly mountFrom?: string;
  readonly signal: AbortSignal;
  readonly onProgress: (completedBytes: number) => void;
}

/** Where the session stands: the address of the next request, the bytes handed over, the hashes of the parts so far. */
interface Session {
  next: URL;
  offset: number;
  readonly partHashes: Buffer[];
  readonly redirected: Set<Promise<void>>;
}

export async function uploadBlob(upload: Upload): Promise<void> {
  const { tuning, signal } = upload;
  let session: Session | undefined;
  let furthest = -1;
  for (let fruitless = 0; ;) {
    try {
      session ??= await begin(upload);
      if (session === undefined) return upload.onProgress(upload.totalBytes);
      await sendParts(upload, session);
      await commit(upload, session);
      return;
    } catch (error) {
      signal.throwIfAborted();
      fruitless = (session?.offset ?? 0) > furthest ? 1 : fruitless + 1;
      furthest = Math.max(furthest, session?.offset ?? 0);
      const known = toAppError(error);
      if (known.fault === "unauthorized" || known.fault === "forbidden") throw known;
      if (fruitless >= tuning.tries)
        throw new AppError("internal", `max retries exceeded: ${known.message}`, { cause: known });
      logInfo("upload failed, trying again", { digest: upload.digest.slice(7, 19), error: known.message });
      await backOff(fruitless, tuning.backoffMs, signal, (known.retryAfterSeconds ?? 0) * 1000);
      session = session === undefined ? undefined : await resume(upload, session);
    }
  }
}

/** undefined when the registry took the blob from another repository. */
async function begin({ client, digest, mountFrom, signal }: Upload): Promise<Session | undefined> {
  const url = client.url("blobs/uploads/");
  if (mountFrom !== undefined) {
    url.searchParams.set("mount", digest);
    url.searchParams.set("from", mountFrom);
  }
  const answer = await client.send({ method: "POST", url, headers: { "content-length": "0" } }, signal);
  answer.close();
  if (answer.response.status === 201) return undefined;
  return { next: nextUrl(answer), offset: 0, partHashes: [], redirected: new Set() };
}

function nextUrl({ response, url }: RemoteResponse): URL {
  const location = response.headers.get("docker-upload-location") ?? response.headers.get("location");
  const next = location === null ? null : URL.parse(location, url.href);
  if (next === null) throw new AppError("internal", "http: no Location header in response");
  return next;
}

/** A session that says how far it got goes on from there; any other begins anew. */
async function resume({ client, signal }: Upload, session: Session): Promise<Session | undefined> {
  // Parts that were sent elsewhere are not counted by the registry.
  if (session.redirected.size > 0) return undefined;
  try {
    const answer = await client.send({ method: "GET", url: session.next, redirects: "none" }, signal, 1);
    answer.close();
    const received = /^(?:bytes=)?0-(\d+)$/.exec(answer.response.headers.get("range") ?? "");
    // Only a whole number of parts has known hashes; docker-registry says "0-0" for nothing.
    const got = received === null ? -1 : Number(received[1]) + (received[1] === "0" ? 0 : 1);
    return got === session.offset ? { ...session, next: nextUrl(answer) } : undefined;
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

export function uploadPartBytes(totalBytes: number): number {
  return Math.min(Math.max(Math.floor(totalBytes / PARTS), MIN_PART_BYTES), MAX_PART_BYTES);
}

async function sendParts(upload: Upload, session: Session): Promise<void> {
  const partBytes = uploadPartBytes(upload.totalBytes);
  while (session.offset < upload.totalBytes) {
    const size = Math.min(partBytes, upload.totalBytes - session.offset);
    await sendPart(upload, session, size);
    session.offset += size;
    while (session.redirected.size >= PARALLEL_PARTS) await Promise.race(session.redirected);
  }
  await Promise.all(session.redirected);
}

async function sendPart(upload: Upload, session: Session, size: number): Promise<void> {
  const { client, signal } = upload;
  const { offset } = session;
  const body = new PartBody(upload, offset, size);
  const headers = {
    "content-type": "application/octet-stream",
    "content-length": String(size),
    "content-range": `${offset}-${offset + size - 1}`,
    "x-redirect-uploads": "1",
  };
  const url = session.next;
  const answer = await body.send((inner) =>
    client.once({ method: "PATCH", url, headers, body: () => body.bytes() }, inner),
  );
  const { status } = answer.response;
  if (status === 401) {
    answer.close();
    await client.signIn(answer.response, answer.url, signal);
    throw new AppError("busy", "the token ran out");
  }
  if (status >= 400) throw await refusal(answer);
  answer.close();
  session.next = nextUrl(answer);
  if (status !== 307) {
    session.partHashes.push(body.digest());
    return;
  }
  const location = URL.parse(answer.response.headers.get("location") ?? "", url.href);
  if (location === null) throw new AppError("internal", "http: no Location header in response");
  const index = session.partHashes.push(Buffer.alloc(0)) - 1;
  const sending = putElsewhere(upload, location, offset, size).then((hash) => {
    session.partHashes[index] = hash;
  });
  session.redirected.add(sending);
  sending.then(
    () => session.redirected.delete(sending),
    // Kept in the set, where `sendParts` meets it.
    () => undefined,
  );
}

/** The part to object storage, without credentials: the address itself is the permission. */
async function putElsewhere(upload: Upload, url: URL, offset: number, size: number): Promise<Buffer> {
  const { client, tuning, signal } = upload;
  const { http, endpoint } = client.options;
  const headers = { "content-type": "application/octet-stream", "content-length": String(size) };
  for (let attempt = 0; ; attempt++) {
    const body = new PartBody(upload, offset, size);
    try {
      const answer = await body.send((inner) =>
        http.request({
          method: "PUT",
          url,
          headers,
          body: () => body.bytes(),
          trusted: endpoint.trusted,
          signal: inner,
        }),
      );
      if (answer.response.status >= 400) throw await refusal(answer);
      answer.close();
      return body.digest();
    } catch (error) {
      signal.throwIfAborted();
      if (attempt + 1 >= tuning.tries) throw error;
      await backOff(attempt, tuning.backoffMs, signal);
    }
  }
}

async function commit({ client, digest, totalBytes, onProgress, signal }: Upload, session: Session): Promise<void> {
  const all = createHash("md5");
  for (const hash of session.partHashes) all.update(hash);
  const url = new URL(session.next);
  url.searchParams.append("digest", digest);
  url.searchParams.append("etag", `${all.digest("hex")}-${session.partHashes.length}`);
  const headers = { "content-type": "application/octet-stream", "content-length": "0" };
  (await client.send({ method: "PUT", url, headers, headTimeoutMs: COMMIT_MS }, signal, 1)).close();
  onProgress(totalBytes);
}

/** The bytes of one part on their way: counted, hashed, and given up when they do not move. */
class PartBody {
  readonly #md5 = createHash("md5");
  #lastMoveMs = performance.now();
  #sent = 0;

  constructor(
    readonly upload: Upload,
    readonly offset: number,
    readonly size: number,
  ) {}

  async *bytes(): AsyncGenerator<Uint8Array, void, undefined> {
    const end = this.offset + this.size - 1;
    for await (const chunk of createReadStream(this.upload.path, {
      start: this.offset,
      end,
      highWaterMark: 256 * 1024,
    })) {
      const bytes = chunk as Uint8Array;
      this.#md5.update(bytes);
      yield bytes;
      this.#lastMoveMs = performance.now();
      this.#sent += bytes.byteLength;
      this.upload.onProgress(this.offset + this.#sent);
    }
  }

  /** Once everything is sent the registry may take its time; until then silence is a stall. */
  async send(request: (signal: AbortSignal) => Promise<RemoteResponse>): Promise<RemoteResponse> {
    const control = new AbortController();
    const { stallMs } = this.upload.tuning;
    const watch = setInterval(() => {
      const patienceMs = this.#sent >= this.size ? COMMIT_MS : stallMs;
      if (performance.now() - this.#lastMoveMs > patienceMs) control.abort(new AppError("busy", "stalled"));
    }, stallMs / 2);
    try {
      return await request(AbortSignal.any([this.upload.signal, control.signal]));
    } finally {
      clearInterval(watch);
    }
  }

  digest(): Buffer {
    return this.#md5.digest();
  }
}
