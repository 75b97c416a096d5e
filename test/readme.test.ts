// README's claims that can be checked mechanically.

import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { withSettings } from "../scripts/readme.ts";

const root = join(import.meta.dir, "..");
const readme = readFileSync(join(root, "README.md"), "utf8");

test("README lists every setting as the settings table describes it (node scripts/bun.mjs scripts/readme.ts)", () => {
  expect(withSettings(readme)).toBe(readme);
});

test("README names only npm scripts and files that exist", () => {
  const scripts = (JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { scripts: Record<string, string> })
    .scripts;
  for (const [, name] of readme.matchAll(/npm (?:run )?([a-z]+(?::[a-z]+)?)\b/g)) {
    expect(scripts[name ?? ""]).toBeDefined();
  }
  for (const [, link] of readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g))
    expect([link, existsSync(join(root, link ?? ""))]).toEqual([link, true]);
});
