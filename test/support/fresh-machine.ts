// A fresh machine to install on: a root file system under an overlay, in a mount namespace of its own. What a test changes
// lies in the overlay's upper layer, so that layer is the exact difference; all of it is gone with the holder process.

import { existsSync, lstatSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Outcome {
  readonly exit: number;
  /** Both streams. */
  readonly output: string;
}

export interface RunOptions {
  readonly user?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Root, and a kernel that lets us mount. */
export function canMakeMachines(): boolean {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return false;
  return Bun.spawnSync(["unshare", "--mount", "true"], { stdout: "ignore", stderr: "ignore" }).exitCode === 0;
}

export class FreshMachine implements AsyncDisposable {
  private constructor(
    readonly lower: string,
    readonly folder: string,
    readonly holder: Bun.Subprocess<"pipe", "pipe", "inherit">,
  ) {}

  /** `lower` is the root file system beneath; `share` a directory to see below /share, read-only. */
  static async create(lower: string, share: string): Promise<FreshMachine> {
    const folder = await mkdtemp(join(tmpdir(), "machine-"));
    const script = `
set -e
mount -t tmpfs tmpfs ${folder}
mkdir ${folder}/upper ${folder}/work ${folder}/root
mount -t overlay overlay -o lowerdir=${lower},upperdir=${folder}/upper,workdir=${folder}/work ${folder}/root
cd ${folder}/root
mkdir -p run tmp proc share dev
for place in run tmp dev; do mount -t tmpfs -o mode=1777 tmpfs $place; done
mount -t proc proc proc
for node in null zero urandom random; do touch dev/$node; mount --bind /dev/$node dev/$node; done
mkdir -p etc
cat /etc/resolv.conf > etc/resolv.conf 2>/dev/null || true
mount --bind ${share} share
echo ready
read line`;
    const holder = Bun.spawn(["unshare", "--mount", "--propagation", "private", "sh", "-c", script], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    });
    const reader = holder.stdout.getReader();
    const { value } = await reader.read();
    if (!new TextDecoder().decode(value).includes("ready")) throw new Error("the machine could not be made");
    return new FreshMachine(lower, folder, holder);
  }

  /** Runs a shell script in it, as root or as another user; the environment is a bare one. */
  async run(script: string, options: RunOptions = {}): Promise<Outcome> {
    const child = Bun.spawn(this.#command(script, options), { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
    const [stdout, stderr, exit] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    return { exit, output: stdout + stderr };
  }

  /** The same, without waiting; the caller ends it. */
  start(script: string, options: RunOptions = {}): Bun.Subprocess {
    return Bun.spawn(this.#command(script, options), { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
  }

  #command(script: string, { user = "root", env = {} }: RunOptions): string[] {
    const home = user === "root" ? "/root" : `/home/${user}`;
    const base = {
      PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      HOME: home,
      LANG: "C.UTF-8",
      ...env,
    };
    const assignments = Object.entries(base).map(([name, value]) => `${name}=${value}`);
    const identity = user === "root" ? [] : ["--userspec", `${user}:${user}`];
    const enter = [
      "nsenter",
      "--mount",
      `--target=${this.holder.pid}`,
      "--",
      "chroot",
      ...identity,
      join(this.folder, "root"),
    ];
    return [...enter, "env", "-i", ...assignments, "sh", "-c", script];
  }

  /** Every path that is not as it was at first, and what became of it; volatile places are left out. */
  changes(): ReadonlyMap<string, "added" | "changed" | "removed"> {
    const upper = this.#seenFromHere("upper");
    const found = new Map<string, "added" | "changed" | "removed">();
    for (const entry of readdirSync(upper, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name).slice(upper.length);
      if (/^\/(run|tmp|proc|sys|dev|share)(\/|$)|^\/etc\/resolv.conf$/.test(path)) continue;
      // useradd keeps the files as they were before the last change.
      if (/^\/etc\/(passwd|group|shadow|gshadow|subuid|subgid)-$|^\/etc\/\.pwd\.lock$/.test(path)) continue;
      const before = join(this.lower, path);
      const wasThere = lstatSync(before, { throwIfNoEntry: false }) !== undefined;
      if (entry.isCharacterDevice()) found.set(path, "removed");
      else if (!wasThere) found.set(path, "added");
      else if (entry.isFile() && !readFileSync(before).equals(readFileSync(join(upper, path))))
        found.set(path, "changed");
    }
    return found;
  }

  read(path: string): string {
    return readFileSync(join(this.#seenFromHere("root"), path), "utf8");
  }

  #seenFromHere(part: "upper" | "root"): string {
    return `/proc/${this.holder.pid}/root${join(this.folder, part)}`;
  }

  exists(path: string): boolean {
    return existsSync(join(this.#seenFromHere("root"), path));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    void this.holder.stdin.end();
    this.holder.kill("SIGKILL");
    await this.holder.exited;
    await rm(this.folder, { recursive: true, force: true });
  }
}
