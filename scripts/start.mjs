// `npm start`: everything from a fresh clone to a chat. Installs, builds the executable, fetches the small real model,
// starts a server if none answers, and chats; with words after `--`, or without a terminal, it answers one prompt and ends.
// A server that it started ends with it.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { installPackages } from "./install.mjs";
import { fetchSmallModel, smallModelName } from "./small-model.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const binary = join(root, "dist", process.platform === "win32" ? "ollama.exe" : "ollama");

function filesBelow(directory) {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

/** A hash of everything that goes into the executable. */
function sourceHash() {
  const hash = createHash("sha256");
  for (const file of [
    ...filesBelow(join(root, "src")),
    join(root, "package-lock.json"),
    join(root, "scripts/build-targets.ts"),
  ]) {
    hash.update(file).update(readFileSync(file));
  }
  return hash.digest("hex");
}

function buildIfNeeded() {
  const stamp = join(root, "dist", ".source-hash");
  const wanted = sourceHash();
  if (existsSync(binary) && existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  console.error("building the executable");
  const built = spawnSync(process.execPath, [join(root, "scripts/bun.mjs"), "scripts/build-targets.ts"], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (built.status !== 0) throw new Error("the build failed; see above");
  writeFileSync(stamp, wanted);
}

async function serverUrl() {
  const host = process.env.OLLAMA_HOST ?? "127.0.0.1:11434";
  const url = /^https?:\/\//.test(host) ? host : `http://${host.includes(":") ? host : `${host}:11434`}`;
  return url.replace("0.0.0.0", "127.0.0.1");
}

async function answers(url) {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(1000) });
    return response.ok;
  } catch {
    return false;
  }
}

async function startServer(url) {
  if (await answers(url)) return undefined;
  console.error(`starting the server at ${url}`);
  const log = [];
  const server = spawn(binary, ["serve"], { stdio: ["ignore", "ignore", "pipe"] });
  server.stderr.on("data", (chunk) => log.push(chunk));
  for (let waited = 0; waited < 200; waited++) {
    if (await answers(url)) return server;
    if (server.exitCode !== null) throw new Error(`the server ended: ${Buffer.concat(log).toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  server.kill();
  throw new Error(`the server does not answer at ${url}: ${Buffer.concat(log).toString()}`);
}

function createModel() {
  const known = spawnSync(binary, ["show", smallModelName, "--license"], { stdio: "ignore" });
  if (known.status === 0) return;
  const model = fetchSmallModel();
  console.error(`creating ${smallModelName}`);
  const work = mkdtempSync(join(tmpdir(), "ollama-start-"));
  try {
    const modelfile = join(work, "Modelfile");
    writeFileSync(modelfile, `FROM ${model}\n`);
    const created = spawnSync(binary, ["create", smallModelName, "-f", modelfile], {
      stdio: ["ignore", "inherit", "inherit"],
    });
    if (created.status !== 0) throw new Error(`${smallModelName} could not be created; see above`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function chat(words) {
  const interactive = process.stdin.isTTY && process.stdout.isTTY && words.length === 0;
  const piped = !process.stdin.isTTY && statSync("/dev/stdin", { throwIfNoEntry: false }) !== undefined;
  const prompt = words.join(" ") || (interactive || piped ? "" : "Say hello in one sentence.");
  const args = ["run", smallModelName, ...(prompt === "" ? [] : [prompt])];
  return new Promise((resolve, reject) => {
    const child = spawn(binary, args, { stdio: "inherit" });
    child.on("error", reject);
    child.on("exit", (code) => resolve(code ?? 1));
  });
}

async function main() {
  installPackages();
  buildIfNeeded();
  const server = await startServer(await serverUrl());
  // Ctrl-C belongs to the chat; this process waits for it and then ends the server it started.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => {});
  try {
    createModel();
    return await chat(process.argv.slice(2));
  } finally {
    server?.kill("SIGTERM");
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`npm start: ${error.message}`);
  process.exitCode = 1;
}
