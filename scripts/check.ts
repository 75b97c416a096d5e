// The gate: format, lint, types, fast tests. Under a minute; `--fix` formats and applies safe lint fixes first.

import { join } from "node:path";

const root = join(import.meta.dir, "..");
const bin = (name: string) => join(root, "node_modules/.bin", name);
const places = ["src", "test", "scripts"];
const fix = process.argv.includes("--fix");

const steps: readonly (readonly [name: string, command: readonly string[]])[] = [
  ["format", [bin("oxfmt"), ...(fix ? [] : ["--check"]), ...places]],
  ["lint", [bin("oxlint"), "--type-aware", ...(fix ? ["--fix"] : []), ...places]],
  ["types", [bin("tsc"), "-p", "tsconfig.json"]],
  ["fast tests", [process.execPath, "test", "--path-ignore-patterns", "**/*.heavy.test.ts"]],
];

for (const [name, command] of steps) {
  const startedMs = performance.now();
  const child = Bun.spawn([...command], { cwd: root, stdout: "pipe", stderr: "pipe" });
  const [output, errors] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  const failed = (await child.exited) !== 0;
  console.error(`${failed ? "FAILED" : "ok"}  ${name} (${((performance.now() - startedMs) / 1000).toFixed(1)} s)`);
  if (!failed) continue;
  console.error(`${output}\n${errors}`.trim());
  process.exit(1);
}
