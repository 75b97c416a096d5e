// The container image, judged by the tools that others use: skopeo reads and copies it, docker-registry takes it, umoci
// unpacks it; what was unpacked serves and answers in a root of its own.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { requireDockerRegistry, startDockerRegistry } from "../support/docker-registry.ts";
import { canMakeMachines, FreshMachine } from "../support/fresh-machine.ts";
import { freePort } from "../support/server.ts";

const LIMIT_MS = 120_000;
const work = mkdtempSync(join(tmpdir(), "image-"));
const layout = join(work, "image");
const arch = process.arch === "arm64" ? "arm64" : "amd64";
const able = ["/usr/bin/skopeo", "/usr/bin/umoci", "/usr/bin/dpkg-deb"].every((file) => existsSync(file));
if (!able) console.error("SKIPPED: the container image needs skopeo, umoci and dpkg-deb");

afterAll(() => rmSync(work, { recursive: true, force: true }));

function must(...command: string[]): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync(command);
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${stderr.toString()}`);
  return stdout.toString();
}

describe.skipIf(!able)("the image", () => {
  beforeAll(() => {
    must(process.execPath, join(import.meta.dir, "../../scripts/image.ts"), "--out", layout, arch);
  }, LIMIT_MS);

  test("says of itself what ollama/ollama says", () => {
    const config = JSON.parse(must("skopeo", "inspect", "--config", `oci:${layout}:latest`)) as {
      config: Record<string, unknown>;
    };
    expect(config).toMatchObject({
      architecture: arch,
      os: "linux",
      config: {
        Entrypoint: ["/bin/ollama"],
        Cmd: ["serve"],
        ExposedPorts: { "11434/tcp": {} },
        Volumes: { "/root/.ollama": {} },
      },
    });
    expect(config.config["Env"]).toContain("OLLAMA_HOST=0.0.0.0:11434");
  });

  test(
    "goes through a registry, and what comes out of it serves",
    async () => {
      requireDockerRegistry();
      await using registry = await startDockerRegistry();
      const address = `docker://${registry.host}/ollama:latest`;
      must("skopeo", "copy", "--all", "--dest-tls-verify=false", `oci:${layout}:latest`, address);
      must("skopeo", "copy", "--src-tls-verify=false", address, `oci:${work}/back:latest`);
      must("umoci", "unpack", "--rootless", "--image", `${work}/back:latest`, join(work, "bundle"));
      const root = join(work, "bundle/rootfs");
      for (const path of [
        "bin/ollama",
        "bin/sh",
        "bin/bash",
        "etc/ssl/certs/ca-certificates.crt",
        "usr/share/doc/libc6/copyright",
      ])
        expect([path, existsSync(join(root, path))]).toEqual([path, true]);
      expect(readFileSync(join(root, "bin/ollama"))).toEqual(readFileSync(join(root, "usr/bin/ollama")));
      if (!canMakeMachines()) return console.error("SKIPPED: running what was unpacked needs root");
      await using machine = await FreshMachine.create(root, work);
      const env = { OLLAMA_HOST: `0.0.0.0:${await freePort()}` };
      const server = machine.start("exec /bin/ollama serve > /tmp/log 2>&1", { env });
      const answer = await machine.run(
        "i=0; until /bin/ollama list && grep -q 'libraries ready' /tmp/log; do i=$((i+1)); [ $i -lt 100 ] || exit 1; sleep 0.2; done 2>/dev/null",
        { env },
      );
      server.kill("SIGTERM");
      await server.exited;
      expect(answer).toMatchObject({ exit: 0, output: expect.stringContaining("NAME") });
      expect(machine.exists("/root/.ollama/models")).toBe(true);
    },
    LIMIT_MS,
  );
});
