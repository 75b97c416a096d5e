// Why a GPU that the system has is not used, told in one sentence each; and how it is seen.

import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type GpuProbe, probeGpus, seenGpus, unusedGpus } from "../../src/runner/gpu.ts";

const root = mkdtempSync(join(tmpdir(), "gpu-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function plug(slot: string, facts: { vendor: string; class: string; device: string }): void {
  const directory = join(root, "sys/bus/pci/devices", slot);
  mkdirSync(directory, { recursive: true });
  for (const [file, text] of Object.entries(facts)) writeFileSync(join(directory, file), `${text}\n`);
}

const nothing: GpuProbe = { devices: [], failures: [] };
const nvidia = { vendor: "NVIDIA", description: "NVIDIA GPU 0x2330 at 0000:19:00.0" } as const;

test("display and 3D controllers of the PCI bus are seen, other devices of the same makers are not", () => {
  plug("0000:00:02.0", { vendor: "0x8086", class: "0x030000", device: "0x3e92" });
  plug("0000:00:1f.3", { vendor: "0x8086", class: "0x040300", device: "0xa348" });
  plug("0000:19:00.0", { vendor: "0x10de", class: "0x030200", device: "0x2330" });
  plug("0000:19:00.1", { vendor: "0x1af4", class: "0x030000", device: "0x1050" });
  expect(seenGpus(root).map(({ description }) => description)).toEqual([
    "Intel GPU 0x3e92 at 0000:00:02.0",
    nvidia.description,
  ]);
  expect(seenGpus(join(root, "nowhere"))).toEqual([]);
});

test("in WSL the GPU that Windows lends is seen, though it is on no bus", () => {
  const wsl = join(root, "wsl");
  mkdirSync(join(wsl, "dev"), { recursive: true });
  writeFileSync(join(wsl, "dev/dxg"), "");
  expect(seenGpus(wsl).map(({ description }) => description)).toEqual(["a GPU of Windows (/dev/dxg)"]);
});

test("a build without GPU libraries names the variant that has them", () => {
  expect(unusedGpus([nvidia], nothing, [])).toEqual([
    `${nvidia.description} is here, but this build computes on the CPU only; install the CUDA variant to use it`,
  ]);
  expect(unusedGpus([{ vendor: "AMD", description: "AMD GPU" }], nothing, [])[0]).toContain(
    "install the Vulkan variant",
  );
});

test("a library that did not load is named with the loader's reason", () => {
  const probe: GpuProbe = {
    devices: [],
    failures: [{ library: "/lib/libggml-cuda.so", reason: "libcublas.so.12: cannot open shared object file" }],
  };
  expect(unusedGpus([nvidia], probe, ["/lib/libggml-cuda.so"])).toEqual([
    `${nvidia.description} is not used: libggml-cuda.so did not load: libcublas.so.12: cannot open shared object file`,
  ]);
});

test("a driver without devices is told, a machine without GPUs has nothing to tell", () => {
  expect(unusedGpus([nvidia], nothing, ["/lib/libggml-cuda.so"])[0]).toContain("its driver shows no device");
  expect(unusedGpus([], nothing, [])).toEqual([]);
});

test("the probe's child says why a library cannot be loaded", async () => {
  const package_ = join(
    import.meta.dir,
    `../../node_modules/@node-llama-cpp/linux-${process.arch}/bins/linux-${process.arch}`,
  );
  const broken = join(root, "libggml-cuda.so");
  writeFileSync(broken, "not a library");
  const probe = await probeGpus(package_, [broken]);
  expect(probe.failures).toHaveLength(1);
  expect(probe.failures[0]?.library).toBe(broken);
  expect(probe.failures[0]?.reason).toMatch(/file too short|invalid ELF header/);
}, 30_000);
