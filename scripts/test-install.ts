// `npm run test:install`: install.sh on fresh Debian 11 (must be refused), 12 and 13, as root. The root file systems come
// from debootstrap and are kept in the build cache; `npm test` runs the same tests on this system's own root.

import { existsSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { debianMirror } from "./debian-mirror.ts";
import { cacheDirectory, run } from "./packages.ts";

const mirror = await debianMirror();
const cache = cacheDirectory("roots");
const roots: string[] = [];
for (const suite of ["bookworm", "trixie", "bullseye"]) {
  const root = join(cache, suite);
  if (!existsSync(root)) {
    console.error(`making a root file system of ${suite}`);
    const unfinished = `${root}.unfinished`;
    rmSync(unfinished, { recursive: true, force: true });
    await run([
      "debootstrap",
      "--variant=minbase",
      "--include=ca-certificates,curl,systemd",
      suite,
      unfinished,
      mirror,
    ]);
    renameSync(unfinished, root);
  }
  roots.push(root);
}
const child = Bun.spawn(
  [process.execPath, "test", "test/install/install-sh.heavy.test.ts", "test/install/detection.heavy.test.ts"],
  {
    env: { ...process.env, OLLAMA_TEST_ROOTS: roots.join(",") },
    stdio: ["ignore", "inherit", "inherit"],
  },
);
process.exitCode = await child.exited;
