// What an executable is made of besides this project's code: a CycloneDX bill of materials and the licence texts. The list
// of npm packages comes from the bundler, so that neither names what is not inside.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./packages.ts";
import type { PackageRef, Target } from "./targets.ts";

const modules = join(import.meta.dir, "../node_modules");

interface Component {
  readonly type: "library" | "application";
  readonly "bom-ref": string;
  readonly name: string;
  readonly version: string;
  readonly licenses: readonly { readonly expression: string }[];
  readonly purl: string;
  readonly hashes?: readonly { readonly alg: "SHA-512"; readonly content: string }[];
}

function npmComponent(name: string, version: string, license: string, integrity?: string): Component {
  const purl = `pkg:npm/${name.replace("@", "%40")}@${version}`;
  const sha512 =
    integrity === undefined ? undefined : Buffer.from(integrity.replace("sha512-", ""), "base64").toString("hex");
  return {
    type: "library",
    "bom-ref": purl,
    name,
    version,
    licenses: [{ expression: license }],
    purl,
    ...(sha512 === undefined ? {} : { hashes: [{ alg: "SHA-512", content: sha512 }] }),
  };
}

function installed(name: string): { version: string; license: string } {
  return JSON.parse(readFileSync(join(modules, name, "package.json"), "utf8")) as { version: string; license: string };
}

/** Without time and serial number: the same release has the same bill. */
export function sbom(
  version: string,
  bundled: readonly string[],
  chosen: readonly (readonly [string, Target])[],
): object {
  const packed = (reference: PackageRef) => npmComponent(reference.name, reference.version, "MIT", reference.integrity);
  const unique = new Map<string, Component>();
  for (const [, { libraries, runtime, llamaTag }] of chosen) {
    for (const component of [packed(libraries), packed(runtime), llamaComponent(llamaTag)])
      unique.set(component.purl, component);
  }
  for (const name of bundled) {
    const facts = installed(name);
    const component = npmComponent(name, facts.version, facts.license);
    unique.set(component.purl, component);
  }
  const main = `ollama-bun@${version}`;
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      component: {
        type: "application",
        "bom-ref": main,
        name: "ollama-bun",
        version,
        licenses: [{ expression: "MIT" }],
      },
    },
    components: [...unique.values()].sort((a, b) => (a.purl < b.purl ? -1 : 1)),
    dependencies: [{ ref: main, dependsOn: [...unique.keys()].sort() }],
  };
}

function llamaComponent(tag: string): Component {
  const purl = `pkg:github/ggml-org/llama.cpp@${tag}`;
  return { type: "library", "bom-ref": purl, name: "llama.cpp", version: tag, licenses: [{ expression: "MIT" }], purl };
}

/** Bun's package carries no licence file; these are its terms, by its own documentation. */
const BUN = `Bun (the runtime inside the executable): MIT, Copyright (c) Oven and contributors. It contains JavaScriptCore from
WebKit, under the GNU Lesser General Public License version 2 and BSD licences, and other libraries under permissive
licences. Source, build instructions and the full list: https://bun.com/docs/project/licensing`;

export async function licences(bundled: readonly string[]): Promise<string> {
  const parts = [BUN];
  const bundle = join(modules, "node-llama-cpp/llama/gitRelease.bundle");
  parts.push(`llama.cpp\n\n${await llamaLicence(bundle)}`);
  for (const name of [...bundled, "node-llama-cpp"])
    parts.push(`${name} ${installed(name).version}\n\n${licenceText(name)}`);
  return `${parts.map((part) => part.trim()).join(`\n\n${"-".repeat(80)}\n\n`)}\n`;
}

function licenceText(name: string): string {
  const directory = join(modules, name);
  const file = readdirSync(directory).find((entry) => /^licen[cs]e(\.(txt|md))?$/i.test(entry));
  if (file === undefined) throw new Error(`${name} has no licence file; look into it before it is shipped`);
  return readFileSync(join(directory, file), "utf8");
}

async function llamaLicence(bundle: string): Promise<string> {
  if (!existsSync(bundle)) throw new Error("node-llama-cpp is not installed; run npm install");
  const { mkdtempSync, rmSync } = await import("node:fs");
  const { tmpdir } = await import("node:os");
  const work = mkdtempSync(join(tmpdir(), "llama-licence-"));
  try {
    await run(["git", "clone", "-q", "--bare", bundle, work]);
    return await run(["git", "-C", work, "show", "HEAD:LICENSE"]);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
