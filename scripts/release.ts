// `npm run release [-- TARGET…]`: builds the executables and writes dist/release, which is all there is to publish: packed
// executables, the CUDA runtime, SHA256SUMS, manifest.json (signed when RELEASE_KEY_FILE names a private key), SBOM,
// licences, and the install scripts that read the manifest. Everything is a function of the commit and the packages that
// scripts/targets.ts pins: two runs give the same bytes.
//   --out DIR  --version V  --facts FILE (instead of scripts/release.json)  --no-cuda-runtime

import { createPrivateKey, sign } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import {
  build,
  type Built,
  dist,
  gitFact,
  packageVersion,
  releaseFacts,
  removeEntries,
  sha256,
} from "./build-targets.ts";
import { licences, sbom } from "./components.ts";
import { packCudaRuntime } from "./cuda-runtime.ts";
import { executableName, targets } from "./targets.ts";

const root = join(import.meta.dir, "..");
const { values: options, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: {
    out: { type: "string", default: join(dist, "release") },
    version: { type: "string", default: packageVersion() },
    facts: { type: "string", default: join(root, "scripts/release.json") },
    "no-cuda-runtime": { type: "boolean", default: false },
  },
});
const { out: release, version } = options;
const facts = releaseFacts(options.facts);
/** What the GPU-free executables promise to stay under. */
const CPU_LIMIT = { executable: 165e6, packed: 66e6 };

interface Artefact {
  readonly target: string;
  readonly file: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly unpacked: { readonly sizeBytes: number; readonly sha256: string };
  readonly llamaCpp: string;
}

/** Packs the executable as <name>.gz; the header of that holds no time and no name. */
function pack({ name, target, file }: Built): Artefact {
  const bytes = readFileSync(file);
  const packed = gzipSync(bytes, { level: 9 });
  const packedName = `ollama-${name}${target.platform === "win32" ? ".exe" : ""}.gz`;
  writeFileSync(join(release, packedName), packed);
  const size = (count: number) => `${(count / 1e6).toFixed(1)} MB`;
  console.error(`${name}: ${size(bytes.length)}, packed ${size(packed.length)}`);
  if ((target.gpu ?? "metal") === "metal" && (bytes.length > CPU_LIMIT.executable || packed.length > CPU_LIMIT.packed))
    throw new Error(`${name} is larger than a CPU executable may be`);
  return {
    target: name,
    file: packedName,
    sizeBytes: packed.length,
    sha256: sha256(packed),
    unpacked: { sizeBytes: bytes.length, sha256: sha256(bytes) },
    llamaCpp: target.llamaTag,
  };
}

/** One entry a line, so that the install scripts can read it with nothing but sed. */
function manifestText(
  version: string,
  commit: string,
  artefacts: readonly Artefact[],
  runtimes: readonly unknown[],
): string {
  const lines = (rows: readonly unknown[]) => rows.map((row) => `    ${JSON.stringify(row)}`).join(",\n");
  return `{
  "format": 1,
  "version": ${JSON.stringify(version)},
  "commit": ${JSON.stringify(commit)},
  "artefacts": [
${lines(artefacts)}
  ],
  "cudaRuntimes": [
${lines(runtimes)}
  ]
}
`;
}

function signManifest(text: string): void {
  const keyFile = process.env["RELEASE_KEY_FILE"] ?? "";
  if (keyFile === "")
    return console.error("not signed: RELEASE_KEY_FILE names no key, so `ollama upgrade` will not take it");
  const signature = sign(null, Buffer.from(text), createPrivateKey(readFileSync(keyFile)));
  writeFileSync(join(release, "manifest.json.sig"), `${signature.toString("base64")}\n`);
}

/** The install scripts know where releases are. */
function writeInstallers(): void {
  for (const name of ["install.sh", "install.ps1"]) {
    const text = readFileSync(join(root, name), "utf8");
    writeFileSync(join(release, name), text.replace("@DOWNLOAD_URL@", facts.downloadUrl), { mode: 0o755 });
  }
}

function writeSums(files: readonly string[]): void {
  const lines = files.map((file) => `${sha256(readFileSync(join(release, file)))}  ${file}`);
  writeFileSync(join(release, "SHA256SUMS"), `${lines.join("\n")}\n`);
}

const chosen = Object.entries(targets).filter(([name]) => wanted.length === 0 || wanted.includes(name));
if (chosen.length === 0) throw new Error(`unknown target; known: ${Object.keys(targets).join(", ")}`);
rmSync(release, { recursive: true, force: true });
mkdirSync(release, { recursive: true });
const built: Built[] = [];
for (const [name, target] of chosen) {
  mkdirSync(join(dist, name), { recursive: true });
  built.push(await build(name, target, join(dist, name, executableName(target)), { version, facts }));
}
removeEntries();
const artefacts = built.map(pack);
const runtimes = !options["no-cuda-runtime"]
  ? await Promise.all(
      chosen.filter(([, { gpu }]) => gpu === "cuda").map(([, target]) => packCudaRuntime(target, release)),
    )
  : [];
const manifest = manifestText(version, (await gitFact("rev-parse", "HEAD")) ?? "unknown", artefacts, runtimes);
writeFileSync(join(release, "manifest.json"), manifest);
signManifest(manifest);
const bundled = [...new Set(built.flatMap((one) => one.bundled))].sort();
writeFileSync(join(release, "sbom.cdx.json"), `${JSON.stringify(sbom(version, bundled, chosen), null, 2)}\n`);
writeFileSync(join(release, "THIRD-PARTY-LICENSES.txt"), await licences(bundled));
copyFileSync(join(root, "LICENSE"), join(release, "LICENSE"));
writeInstallers();
const files = [
  ...artefacts.map(({ file }) => file),
  ...runtimes.map(({ file }) => file),
  ...["manifest.json", "sbom.cdx.json", "THIRD-PARTY-LICENSES.txt", "LICENSE", "install.sh", "install.ps1"],
];
writeSums(files);
console.error(
  `wrote ${release} (${files.length} files, ${(files.reduce((sum, file) => sum + statSync(join(release, file)).size, 0) / 1e6).toFixed(0)} MB)`,
);
