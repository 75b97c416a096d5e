// Runs Bun from this project's own node_modules. Install scripts are off (.npmrc), so the `bun` package's launcher is
// not linked; the runtime itself arrives as @oven/bun-<os>-<arch> and is called directly.
import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

export function findBun() {
  const oven = join(root, "node_modules", "@oven");
  const names = existsSync(oven) ? readdirSync(oven).sort() : [];
  for (const name of names) {
    for (const file of ["bun", "bun.exe"]) {
      const path = join(oven, name, "bin", file);
      if (existsSync(path)) return path;
    }
  }
  throw new Error("Bun is not installed here; run `npm install` first");
}

/** Runs Bun with the terminal handed through; resolves with its exit code. */
export function runBun(args) {
  return new Promise((resolve, reject) => {
    const child = spawn(findBun(), args, { stdio: "inherit", cwd: root });
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
    child.on("error", reject);
    child.on("exit", (code, signal) => resolve(code ?? (signal ? 1 : 0)));
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exit(await runBun(process.argv.slice(2)));
