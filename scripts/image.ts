// `npm run image`: dist/image, an OCI image layout with one image per processor type, made of the released executables and
// Debian's libraries without Docker. Used like ollama/ollama: same port, volume (/root/.ollama), variables, entry point.
//   --out DIR  arm64 amd64 (default: both)
// Push it with: skopeo copy oci:dist/image:latest docker://<registry>/<name> --all

import { createHash } from "node:crypto";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { baseSystem, type DebianArch, SUITE } from "./base-system.ts";
import { build, dist, gitFact, packageVersion, removeEntries } from "./build-targets.ts";
import { packTar } from "./packages.ts";
import { targets } from "./targets.ts";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { out: { type: "string", default: join(dist, "image") } },
});
const layout = options.out;
const version = packageVersion();

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

interface Layer {
  readonly descriptor: Descriptor;
  /** Of the tar inside. */
  readonly diffId: string;
}

const digestOf = (bytes: Uint8Array | string) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

function writeBlob(bytes: Uint8Array | string, mediaType: string): Descriptor {
  const digest = digestOf(bytes);
  writeFileSync(join(layout, "blobs/sha256", digest.slice("sha256:".length)), bytes);
  return { mediaType, digest, size: Buffer.byteLength(bytes) };
}

const writeJson = (value: unknown, mediaType: string) => writeBlob(JSON.stringify(value), mediaType);

async function writeLayer(directory: string): Promise<Layer> {
  const work = mkdtempSync(join(tmpdir(), "layer-"));
  try {
    const file = join(work, "layer.tar");
    await packTar(file, directory, ["."]);
    const tar = readFileSync(file);
    const descriptor = writeBlob(gzipSync(tar, { level: 6 }), "application/vnd.oci.image.layer.v1.tar+gzip");
    return { descriptor, diffId: digestOf(tar) };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** As in ollama/ollama, so that compose files and scripts go on working. */
const settings = {
  Env: [
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "OLLAMA_HOST=0.0.0.0:11434",
    "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt",
  ],
  Entrypoint: ["/bin/ollama"],
  Cmd: ["serve"],
  ExposedPorts: { "11434/tcp": {} },
  Volumes: { "/root/.ollama": {} },
  WorkingDir: "/",
};

async function executable(arch: DebianArch): Promise<string> {
  const name = arch === "amd64" ? "linux-x64" : "linux-arm64";
  const file = join(dist, name, "ollama");
  const target = targets[name];
  if (target === undefined) throw new Error(`scripts/targets.ts has no ${name}`);
  mkdirSync(join(dist, name), { recursive: true });
  await build(name, target, file);
  removeEntries();
  return file;
}

async function writeImage(arch: DebianArch, created: string): Promise<Descriptor & { readonly platform: object }> {
  const base = await writeLayer(await baseSystem(arch));
  const work = mkdtempSync(join(tmpdir(), "image-"));
  try {
    mkdirSync(join(work, "usr/bin"), { recursive: true });
    copyFileSync(await executable(arch), join(work, "usr/bin/ollama"));
    for (const folder of ["", "usr", "usr/bin", "usr/bin/ollama"]) chmodSync(join(work, folder), 0o755);
    const program = await writeLayer(work);
    const labels = { "org.opencontainers.image.version": version, "org.opencontainers.image.licenses": "MIT" };
    const layers = [base, program];
    const config = writeJson(
      {
        created,
        architecture: arch,
        os: "linux",
        config: { ...settings, Labels: labels },
        rootfs: { type: "layers", diff_ids: layers.map(({ diffId }) => diffId) },
        history: [`Debian ${SUITE}: libraries, certificates, shell`, `ollama ${version}`].map((text) => ({
          created,
          created_by: text,
        })),
      },
      "application/vnd.oci.image.config.v1+json",
    );
    const mediaType = "application/vnd.oci.image.manifest.v1+json";
    const manifest = { schemaVersion: 2, mediaType, config, layers: layers.map(({ descriptor }) => descriptor) };
    return { ...writeJson(manifest, mediaType), platform: { os: "linux", architecture: arch } };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

const wanted = (["amd64", "arm64"] as const).filter((arch) => positionals.length === 0 || positionals.includes(arch));
if (wanted.length === 0) throw new Error("images are made for amd64 and arm64");
rmSync(layout, { recursive: true, force: true });
mkdirSync(join(layout, "blobs/sha256"), { recursive: true });
// The commit's own time: an image is a function of the commit and of Debian's packages that day.
const created = new Date((await gitFact("log", "-1", "--format=%cI")) ?? 0).toISOString();
const manifests = [];
for (const arch of wanted) manifests.push(await writeImage(arch, created));
const mediaType = "application/vnd.oci.image.index.v1+json";
const index = writeJson({ schemaVersion: 2, mediaType, manifests }, mediaType);
const named = { ...index, annotations: { "org.opencontainers.image.ref.name": "latest" } };
writeFileSync(join(layout, "index.json"), JSON.stringify({ schemaVersion: 2, mediaType, manifests: [named] }));
writeFileSync(join(layout, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
console.error(`wrote ${layout}: ${wanted.join(", ")}`);
