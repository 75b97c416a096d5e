// The folder graph is law: which folder may import which, who owns which package, and how large files may grow.

import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const src = join(import.meta.dir, "../src");

/** AGENTS.md shows the same table. "main" is the root file main.ts. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  base: [],
  version: [],
  config: ["base"],
  remotes: ["base"],
  api: ["base"],
  formats: ["base"],
  access: ["api", "base", "config"],
  convert: ["formats", "base"],
  chat: ["formats", "api", "base"],
  models: ["chat", "formats", "remotes", "api", "base", "config"],
  registry: ["models", "formats", "api", "base", "config", "version"],
  runner: ["convert", "formats", "api", "base", "config", "version"],
  scheduler: ["runner", "models", "formats", "api", "base", "config"],
  inference: ["scheduler", "runner", "chat", "models", "remotes", "formats", "api", "base", "config", "version"],
  server: [
    "access",
    "inference",
    "scheduler",
    "runner",
    "registry",
    "chat",
    "models",
    "formats",
    "api",
    "base",
    "config",
    "version",
  ],
  install: ["base"],
  cli: ["access", "install", "api", "formats", "remotes", "base", "config", "version"],
  main: ["cli", "runner", "base"],
};

/** cli reaches these only through a dynamic import, made by the few commands that work without a server. */
const lazyOnly: Readonly<Record<string, readonly string[]>> = {
  cli: ["server", "models", "runner"],
  main: ["cli", "runner"],
};

const packageOwners: Readonly<Record<string, readonly string[]>> = {
  "bun:ffi": ["runner"],
  "bun:sqlite": ["base"],
  elysia: ["server"],
  "@elysiajs/openapi": ["server"],
  "@sinclair/typebox": ["api", "models", "server"],
  "@huggingface/jinja": ["chat"],
  "@clack/prompts": ["cli"],
  yaml: ["cli"],
  "prom-client": ["access"],
};

interface Import {
  readonly file: string;
  readonly folder: string;
  readonly specifier: string;
  readonly lazy: boolean;
}

const files = readdirSync(src, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
  .map((entry) => join(entry.parentPath, entry.name));

function folderOf(file: string): string {
  const [first = ""] = file.slice(src.length + 1).split("/");
  return first.replace(/\.ts$/, "");
}

const imports: Import[] = files.flatMap((file) => {
  const text = readFileSync(file, "utf8");
  const found = [...text.matchAll(/(?:^(?:import|export)\b[^;"]*?\bfrom |^import |\bimport\()"([^"]+)"/gm)];
  return found.map((match) => ({
    file: file.slice(src.length + 1),
    folder: folderOf(file),
    specifier: match[1] ?? "",
    lazy: match[0].startsWith("import("),
  }));
});

test("imports go only where the folder graph allows", () => {
  const wrong = imports.filter(({ file, folder, specifier, lazy }) => {
    if (!specifier.startsWith(".")) return false;
    const target = folderOf(join(src, file, "..", specifier));
    if (target === folder) return false;
    const allowed = [...(mayImport[folder] ?? []), ...(lazy ? (lazyOnly[folder] ?? []) : [])];
    return !allowed.includes(target);
  });
  expect(wrong.map(({ file, specifier }) => `${file} → ${specifier}`)).toEqual([]);
});

test("every folder is in the graph", () => {
  expect([...new Set(files.map(folderOf))].filter((folder) => mayImport[folder] === undefined)).toEqual([]);
});

test("a package is imported only by the folders that own it", () => {
  const wrong = imports.filter(({ folder, specifier }) => {
    if (specifier.startsWith(".") || specifier.startsWith("node:")) return false;
    const name = specifier.startsWith("@")
      ? specifier.split("/").slice(0, 2).join("/")
      : (specifier.split("/")[0] ?? "");
    return !(packageOwners[specifier] ?? packageOwners[name] ?? []).includes(folder);
  });
  expect(wrong.map(({ file, specifier }) => `${file} → ${specifier}`)).toEqual([]);
});

test("imports name their file with .ts, and nothing exports everything", () => {
  const loose = imports.filter(({ specifier }) => specifier.startsWith(".") && !/\.(ts|json)$/.test(specifier));
  expect(loose.map(({ file, specifier }) => `${file} → ${specifier}`)).toEqual([]);
  const barrels = files.filter((file) => /^export \*/m.test(readFileSync(file, "utf8")));
  expect(barrels).toEqual([]);
});

test("AGENTS.md shows the graph that this test enforces", () => {
  const map = readFileSync(join(src, "../AGENTS.md"), "utf8");
  for (const [folder, targets] of Object.entries(mayImport)) {
    if (folder === "main") continue;
    const row = map
      .split("\n")
      .find((line) => line.startsWith(`| \`src/${folder}\``) || line.startsWith(`| \`src/${folder}.ts\``));
    const shown =
      row
        ?.split("|")
        .at(-2)
        ?.trim()
        .split(";")[0]
        ?.split(/[\s,]+/) ?? [];
    expect([folder, shown.filter((word) => mayImport[word] !== undefined).sort()]).toEqual([
      folder,
      [...targets].sort(),
    ]);
  }
});
