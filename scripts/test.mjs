// `npm test`: everything CI runs. Installs what is missing, checks format, lint and types, runs the fast tests, builds the
// executable, fetches the small real model, then runs each heavy test file on its own, one at a time (two programs that
// compute at once bring llama.cpp to a halt on small machines). Ends with the totals. Words given narrow the files run.
import { spawn } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { findBun } from "./bun.mjs";
import { installPackages } from "./install.mjs";
import { fetchSmallModel } from "./small-model.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const HEAVY_FILE_LIMIT_MS = 12 * 60_000;
const words = process.argv.slice(2);

installPackages();
const bun = findBun();
const bin = (name) => join(root, "node_modules", ".bin", name);
const places = ["src", "test", "scripts"];
const totals = { passed: 0, failed: 0 };
/** What tests measured, and what they could not try (test/support/figures.ts). */
const told = new Set();

/** Runs a command; its output is shown only when it fails, unless `live`. */
function run(command, { live = false, env = {}, limitMs = 10 * 60_000 } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command[0], command.slice(1), {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    const take = (chunk) => {
      output += chunk;
      if (live) process.stderr.write(chunk);
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    const timer = setTimeout(() => {
      output += `\nended: it ran longer than ${limitMs / 1000} s\n`;
      child.kill("SIGKILL");
    }, limitMs);
    child.on("error", (error) => resolve({ code: 1, output: String(error) }));
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({ code: code ?? 1, output });
    });
  });
}

function report(name, ok, counts, startedMs, output) {
  totals.passed += counts.passed;
  totals.failed += counts.failed;
  const seconds = ((Date.now() - startedMs) / 1000).toFixed(1);
  console.error(`${ok ? "ok    " : "FAILED"} ${name} (${counts.passed} passed, ${counts.failed} failed, ${seconds} s)`);
  if (!ok)
    console.error(
      output
        .split("\n")
        .filter((line) => !line.startsWith("(pass)"))
        .slice(-200)
        .join("\n"),
    );
}

async function single(name, command, options) {
  const startedMs = Date.now();
  const { code, output } = await run(command, options);
  report(name, code === 0, { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1 }, startedMs, output);
  return code === 0;
}

async function tests(name, files, env = {}, limitMs = HEAVY_FILE_LIMIT_MS) {
  const startedMs = Date.now();
  const { code, output } = await run([bun, "test", ...files], {
    env,
    limitMs,
    live: process.env.OLLAMA_TEST_LONG === "1",
  });
  const count = (word) =>
    [...output.matchAll(new RegExp(`^ *(\\d+) ${word}$`, "gm"))].reduce((sum, match) => sum + Number(match[1]), 0);
  const counts = { passed: count("pass"), failed: count("fail") };
  for (const [line] of output.matchAll(/^(?:FIGURES|SKIPPED:) .*$/gm)) told.add(line);
  // A run that died, or that ran nothing, must not look like a green one.
  if ((code !== 0 || counts.passed === 0) && counts.failed === 0) counts.failed = 1;
  report(name, counts.failed === 0, counts, startedMs, output);
}

const all = readdirSync(join(root, "test"), { recursive: true })
  .map((file) => join("test", String(file)))
  .filter((file) => file.endsWith(".test.ts") && statSync(join(root, file)).isFile())
  .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
  .sort();
const fast = all.filter((file) => !file.endsWith(".heavy.test.ts"));
const heavy = all.filter((file) => file.endsWith(".heavy.test.ts"));

if (words.length === 0) {
  await single("format", [bin("oxfmt"), "--check", ...places]);
  await single("lint", [bin("oxlint"), "--type-aware", ...places]);
  await single("types", [bin("tsc"), "-p", "tsconfig.json"]);
}
if (fast.length > 0) await tests(`fast tests (${fast.length} files)`, fast);
if (heavy.length > 0) {
  const built = await single("build", [process.execPath, join(root, "scripts/bun.mjs"), "scripts/build-targets.ts"]);
  const model = fetchSmallModel();
  const binary = join(root, "dist", process.platform === "win32" ? "ollama.exe" : "ollama");
  if (built && existsSync(binary)) {
    for (const file of heavy) await tests(file, [file], { OLLAMA_BINARY: binary, OLLAMA_SMALL_MODEL: model });
  }
}
for (const line of told) console.log(line);
console.log(`${totals.passed} passed, ${totals.failed} failed`);
process.exitCode = totals.failed > 0 || totals.passed === 0 ? 1 : 0;
