// The manual page says what the command table says, and is one that man can show.

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { manualPage } from "../scripts/man.ts";
import { commandTable } from "../src/cli/command-table.ts";

const path = join(import.meta.dir, "../docs/ollama.1");

test("docs/ollama.1 is current (node scripts/bun.mjs scripts/man.ts)", () => {
  expect(readFileSync(path, "utf8")).toBe(manualPage());
});

test.skipIf(Bun.which("groff") === null)("it is set without a warning, and shows every command and flag", () => {
  // Addresses are longer than a line may be; that alone is no fault.
  const set = Bun.spawnSync(["groff", "-man", "-Tutf8", "-ww", "-Wbreak", "-P-c", path]);
  expect(set.stderr.toString()).toBe("");
  const text = set.stdout.toString().replace(/.\u0008/g, "");
  for (const { name, hidden, flags } of commandTable.commands) {
    if (hidden === true) continue;
    expect(text).toContain(`ollama ${name}`);
    for (const flag of Object.keys(flags)) expect(text).toContain(`--${flag}`);
  }
});
