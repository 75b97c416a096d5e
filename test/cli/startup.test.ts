// Starts fast: what `--version`, `list` and `ps` import at once is counted, since one careless import brings in the server.

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const src = join(import.meta.dir, "../../src");

/** Every file that is loaded with one, by imports that are neither types nor on demand. */
function loadedWith(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  if (!file.endsWith(".ts")) return seen;
  const text = readFileSync(file, "utf8");
  for (const [, specifier = ""] of text.matchAll(/^(?:import|export)\s(?!type\b)[^;]*?from\s+"([^"]+)";/gm)) {
    loadedWith(specifier.startsWith(".") ? join(dirname(file), specifier) : specifier, seen);
  }
  return seen;
}

test.each(["root", "list", "ps"])("%s needs no package and little code", (command) => {
  const loaded = new Set([...loadedWith(join(src, "main.ts")), ...loadedWith(join(src, "cli/cli.ts"))]);
  for (const file of loadedWith(join(src, `cli/commands/${command}.ts`))) loaded.add(file);
  expect([...loaded].filter((file) => !file.startsWith(src) && !file.startsWith("node:"))).toEqual([]);
  const own = [...loaded].filter((file) => file.startsWith(src));
  expect(own.filter((file) => /\/(server|runner|chat|models|formats)\//.test(file))).toEqual([]);
  expect(own.length).toBeLessThan(50);
});
