// A place with releases, as install.sh and `ollama upgrade` find it: real build output, or small programs packed the same way.

import { createHash, type KeyObject, sign } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

export const sha256 = (bytes: Uint8Array | string): string => createHash("sha256").update(bytes).digest("hex");

export interface FakeRelease {
  readonly version: string;
  /** Program text by target. */
  readonly programs: Readonly<Record<string, string>>;
  readonly key?: KeyObject;
}

/** A shell script that does what installing asks of the program, and says what it was asked. */
export function fakeProgram(version: string): string {
  return `#!/bin/sh
# ${"padding ".repeat(200)}
case "$1" in
--version) echo "ollama version is ${version}" ;;
service) echo "this machine has no systemd, launchd or OpenRC to run a service" >&2; exit 1 ;;
esac
`;
}

export function writeFakeRelease(folder: string, { version, programs, key }: FakeRelease): void {
  mkdirSync(folder, { recursive: true });
  const rows = Object.entries(programs).map(([target, program]) => {
    const packed = gzipSync(program);
    const file = `ollama-${target}.gz`;
    writeFileSync(join(folder, file), packed);
    const unpacked = { sizeBytes: Buffer.byteLength(program), sha256: sha256(program) };
    return `    ${JSON.stringify({ target, file, sizeBytes: packed.length, sha256: sha256(packed), unpacked })}`;
  });
  const text = `{\n  "format": 1,\n  "version": "${version}",\n  "artefacts": [\n${rows.join(",\n")}\n  ]\n}\n`;
  writeFileSync(join(folder, "manifest.json"), text);
  if (key !== undefined) {
    const signature = sign(null, Buffer.from(text), key);
    writeFileSync(join(folder, "manifest.json.sig"), signature.toString("base64"));
  }
}

export interface ReleaseServer extends AsyncDisposable {
  readonly url: string;
  /** Paths asked for so far. */
  readonly asked: string[];
  /** What happens to files that end in .gz. */
  trouble: "none" | "corrupt" | "cut" | "stall" | "missing";
}

export function serveReleases(folder: string): ReleaseServer {
  const asked: string[] = [];
  const state = { trouble: "none" as ReleaseServer["trouble"] };
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    async fetch(request) {
      const { pathname } = new URL(request.url);
      asked.push(pathname);
      const file = Bun.file(join(folder, pathname));
      if (!(await file.exists())) return new Response("no", { status: 404 });
      if (!pathname.endsWith(".gz") || state.trouble === "none") return new Response(file);
      const bytes = await file.bytes();
      switch (state.trouble) {
        case "corrupt":
          bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
          return new Response(bytes);
        case "cut":
          return new Response(bytes.subarray(0, bytes.length >> 1));
        case "missing":
          return new Response("no", { status: 404 });
        case "stall":
          return new Response(
            new ReadableStream({ start: (controller) => controller.enqueue(bytes.subarray(0, 100)) }),
          );
        default:
          return state.trouble satisfies never;
      }
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    asked,
    get trouble() {
      return state.trouble;
    },
    set trouble(value) {
      state.trouble = value;
    },
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}
