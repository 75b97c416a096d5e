// What install.sh takes a machine for, on machines that imitate others: a false uname, /proc, libc or nvidia-smi.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmod, cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { canMakeMachines, FreshMachine } from "../support/fresh-machine.ts";
import { fakeProgram, writeFakeRelease } from "../support/release-server.ts";

const LIMIT_MS = 60_000;
const [lower = "/"] = (process.env["OLLAMA_TEST_ROOTS"] ?? "/").split(",");
const able = canMakeMachines();
if (!able) console.error("SKIPPED: install.sh on fresh machines needs root on Linux, with mount namespaces");

const run = "sh /share/install.sh";
let share = "";

beforeAll(async () => {
  share = await mkdtemp(join(tmpdir(), "release-"));
  await chmod(share, 0o755);
  const targets = ["linux-x64", "linux-arm64", "linux-x64-cuda"];
  const programs = Object.fromEntries(targets.map((target) => [target, fakeProgram("0.51.0")]));
  writeFakeRelease(share, { version: "0.51.0", programs });
  await cp(join(import.meta.dir, "../../install.sh"), join(share, "install.sh"));
});

afterAll(() => rm(share, { recursive: true, force: true }));

describe.skipIf(!able)("it recognises", () => {
  const called = (kernel: string, machine = "x86_64") =>
    `printf '#!/bin/sh\\ncase "$1" in -r) echo ${kernel};; -m) echo ${machine};; *) echo Linux;; esac\\n' > /usr/local/sbin/uname; chmod 755 /usr/local/sbin/uname`;

  test.each([
    [
      "WSL 1",
      called("4.4.0-19041-Microsoft"),
      1,
      "this is WSL 1, which cannot run Ollama; in PowerShell: wsl --set-version",
    ],
    ["WSL 2", called("5.15.90.1-microsoft-standard-WSL2"), 0, "WSL: keep models in the Linux file system"],
    [
      "WSL 2 with a kernel of one's own",
      "mount -t tmpfs tmpfs /proc/sys/fs/binfmt_misc && touch /proc/sys/fs/binfmt_misc/WSLInterop",
      0,
      "/etc/wsl.conf",
    ],
    [
      "a processor that there is no build for",
      called("6.1.0", "riscv64"),
      1,
      "there is no build for riscv64 processors",
    ],
    [
      "musl",
      "rm -f /usr/bin/getconf; printf '#!/bin/sh\\necho musl libc >&2; exit 1\\n' > /usr/bin/ldd; chmod 755 /usr/bin/ldd",
      1,
      "this system uses musl",
    ],
    [
      "a processor without SSE4.2",
      "echo 'flags : fpu sse sse2' > /tmp/cpuinfo; mount --bind /tmp/cpuinfo /proc/cpuinfo",
      1,
      "this processor has no SSE4.2",
    ],
    ["an option it does not know", "true", 1, "unknown option --frob"],
    ["a wrong variant", "true", 1, "OLLAMA_VARIANT is rocm; it can be cpu, cuda or vulkan"],
    ["a missing libstdc++", "rm -f /usr/lib/*/libstdc++.so.6 /lib/*/libstdc++.so.6", 1, "libstdc++.so.6 is missing"],
    [
      "an NVIDIA card",
      "printf '#!/bin/sh\\necho 581.42.01\\n' > /usr/local/bin/nvidia-smi; chmod 755 /usr/local/bin/nvidia-smi",
      0,
      "for linux-x64-cuda",
    ],
    [
      "an NVIDIA driver too old for CUDA",
      "printf '#!/bin/sh\\necho 535.10\\n' > /usr/local/bin/nvidia-smi; chmod 755 /usr/local/bin/nvidia-smi",
      0,
      "CUDA needs 580 or newer",
    ],
  ])(
    "%s",
    async (_what, prepare, exit, words) => {
      await using machine = await FreshMachine.create(lower, share);
      expect(await machine.run(prepare)).toMatchObject({ exit: 0 });
      const option = words.includes("--frob") ? " --frob" : "";
      const variant = words.includes("rocm") ? { OLLAMA_VARIANT: "rocm" } : {};
      const before = [...machine.changes()];
      const outcome = await machine.run(run + option, { env: { OLLAMA_DOWNLOAD_URL: "/share", ...variant } });
      expect([outcome.exit, outcome.output]).toEqual([exit, expect.stringContaining(words)]);
      if (exit !== 0) expect([...machine.changes()]).toEqual(before);
    },
    LIMIT_MS,
  );
});
