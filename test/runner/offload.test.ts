// Which layers go to which GPU, decided for devices as real machines report them.

import { expect, test } from "bun:test";
import type { DeviceFacts } from "../../src/runner/llama/devices.ts";
import { type OffloadModel, type OffloadWishes, planOffload } from "../../src/runner/offload.ts";
import { seededRandom } from "../support/seeded-random.ts";

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

function device(
  backend: string,
  index: number,
  kind: DeviceFacts["kind"],
  description: string,
  memory: readonly [total: number, free: number],
): DeviceFacts {
  const [totalBytes, freeBytes] = memory;
  return { name: `${backend}${index}`, description, kind, backend, totalBytes, freeBytes };
}

const cpu = device("CPU", 0, "cpu", "AMD EPYC", [64 * GIB, 48 * GIB]);

// As `--list-devices` of llama.cpp printed them, from public reports (llama.cpp pull request 23676, issue threads).
const MACHINES = {
  "two RTX 5090": [
    device("CUDA", 0, "gpu", "NVIDIA GeForce RTX 5090", [33_670_758_400, 33_124_450_304]),
    device("CUDA", 1, "gpu", "NVIDIA GeForce RTX 5090", [33_661_911_040, 33_040_105_472]),
    cpu,
  ],
  "RTX 3080 through Vulkan": [device("Vulkan", 0, "gpu", "NVIDIA GeForce RTX 3080", [10_051 * MIB, 9_283 * MIB]), cpu],
  "RTX 5060": [device("CUDA", 0, "gpu", "NVIDIA GeForce RTX 5060", [8_123 * MIB, 7_031 * MIB]), cpu],
  "Radeon gfx1151 with shared memory": [
    device("Vulkan", 0, "igpu", "AMD Radeon(TM) Graphics", [110_511 * MIB, 110_357 * MIB]),
    cpu,
  ],
  "Apple M5": [device("Metal", 0, "gpu", "Apple M5", [12_124 * MIB, 12_123 * MIB]), cpu],
  "no GPU": [cpu],
} satisfies Record<string, DeviceFacts[]>;

/** Layers of equal size, as published files have them (weights only; Q4_K_M). */
function model(layers: number, layerMiB: number, headMiB: number, kvBytesPerToken: number): OffloadModel {
  return {
    bytes: {
      layers: Array.from({ length: layers }, () => layerMiB * MIB),
      input: headMiB * MIB,
      output: headMiB * MIB,
    },
    kvBytesPerToken,
    recurrentBytesPerSequence: 0,
  };
}
const llama8b = model(32, 130, 411, 131_072);
const qwen32b = model(64, 280, 620, 262_144);
const llama70b = model(80, 495, 820, 327_680);

const wishes: OffloadWishes = {
  gpuLayers: -1,
  mainGpu: undefined,
  spread: false,
  overheadBytes: 0,
  context: 8192,
  hostCacheBytes: 16 * GIB,
};

test.each([
  ["two RTX 5090", llama8b, { layers: [33], devices: [0] }],
  ["two RTX 5090", qwen32b, { layers: [65], devices: [0] }],
  ["two RTX 5090", llama70b, { gpuLayers: 81, devices: [0, 1] }],
  ["RTX 3080 through Vulkan", llama8b, { layers: [33], devices: [0] }],
  ["RTX 5060", llama8b, { layers: [33], devices: [0] }],
  ["Radeon gfx1151 with shared memory", llama70b, { layers: [81], devices: [0] }],
  ["Apple M5", llama8b, { layers: [33], devices: [0] }],
  ["no GPU", llama8b, { layers: [], devices: [], gpuLayers: 0, vramBytes: 0, cacheBudgetBytes: 16 * GIB }],
] as const)("%s: the layers lie where they fit", (machine, weights, expected) => {
  expect(planOffload(weights, MACHINES[machine], wishes)).toMatchObject(expected);
});

test("what does not fit stays on the CPU, the last layers go to the GPU", () => {
  const plan = planOffload(qwen32b, MACHINES["RTX 3080 through Vulkan"], wishes);
  expect(plan.gpuLayers).toBeGreaterThan(20);
  expect(plan.gpuLayers).toBeLessThan(40);
  expect(plan.totalLayers).toBe(65);
  const held = plan.vramBytes + plan.cacheShare * wishes.context * qwen32b.kvBytesPerToken;
  expect(held).toBeLessThan(9_283 * MIB - 700 * MIB);
  // One more would not have fitted.
  expect(held + 280 * MIB + (wishes.context * qwen32b.kvBytesPerToken) / 64).toBeGreaterThan(9_283 * MIB - 713 * MIB);
});

test("two equal GPUs share a model evenly", () => {
  const { layers } = planOffload(llama70b, MACHINES["two RTX 5090"], wishes);
  expect(Math.abs((layers[0] ?? 0) - (layers[1] ?? 0))).toBeLessThanOrEqual(3);
});

test("a model that fits one GPU is spread when that is asked for", () => {
  expect(planOffload(llama8b, MACHINES["two RTX 5090"], { ...wishes, spread: true }).devices).toEqual([0, 1]);
});

test("main_gpu chooses one; one that is not there is refused", () => {
  expect(planOffload(llama8b, MACHINES["two RTX 5090"], { ...wishes, mainGpu: 1 }).devices).toEqual([1]);
  expect(() => planOffload(llama8b, MACHINES["two RTX 5090"], { ...wishes, mainGpu: 2 })).toThrow(
    "main_gpu is 2, but the GPUs here are 0 to 1",
  );
  expect(planOffload(llama8b, MACHINES["no GPU"], { ...wishes, mainGpu: 0 }).gpuLayers).toBe(0);
});

test.each([
  [0, 0],
  [10, 10],
  [33, 33],
  [999, 33],
])("num_gpu %i puts %i layers of an 8B model on the GPU", (gpuLayers, expected) => {
  expect(planOffload(llama8b, MACHINES["RTX 5060"], { ...wishes, gpuLayers }).gpuLayers).toBe(expected);
});

test("a num_gpu beyond the estimate is tried all the same, in proportion to the room", () => {
  const plan = planOffload(llama70b, MACHINES["two RTX 5090"], { ...wishes, gpuLayers: 81, context: 131_072 });
  expect(plan.gpuLayers).toBe(81);
  expect(plan.layers).toEqual([41, 40]);
});

test("bytes that shall stay free are left alone", () => {
  const plan = planOffload(llama8b, MACHINES["RTX 5060"], { ...wishes, overheadBytes: 4 * GIB });
  expect(plan.gpuLayers).toBeLessThan(33);
});

test("an integrated GPU is not used beside a discrete one", () => {
  const both = [...MACHINES["Radeon gfx1151 with shared memory"], ...MACHINES["RTX 5060"]];
  expect(planOffload(llama8b, both, wishes).devices).toEqual([2]);
});

test("the cache may grow until the first device is full, never beyond", () => {
  const plan = planOffload(llama8b, MACHINES["RTX 3080 through Vulkan"], wishes);
  const room = 9_283 * MIB - 713 * MIB - plan.vramBytes;
  expect(plan.cacheBudgetBytes).toBeLessThanOrEqual(room);
  expect(plan.cacheBudgetBytes).toBeGreaterThan(room * 0.8);
  const partly = planOffload(qwen32b, MACHINES["RTX 3080 through Vulkan"], { ...wishes, hostCacheBytes: 1 * GIB });
  expect(partly.cacheBudgetBytes * (1 - partly.cacheShare)).toBeLessThanOrEqual(1 * GIB + 1);
});

test("for any machine and model the plan holds what it says", () => {
  const source = seededRandom(11);
  const random = () => source.next();
  for (let round = 0; round < 5_000; round++) {
    const devices = Array.from({ length: Math.floor(random() * 4) }, (_, i) => {
      const total = Math.floor(random() * 80 * GIB);
      return device("CUDA", i, random() < 0.8 ? "gpu" : "igpu", "any", [total, Math.floor(total * random())]);
    });
    const layers = 1 + Math.floor(random() * 90);
    const weights = model(layers, Math.floor(random() * 500), Math.floor(random() * 900), random() * 400_000);
    const context = Math.floor(random() * 40_000);
    const plan = planOffload(weights, [...devices, cpu], { ...wishes, context, spread: random() < 0.3 });
    expect(plan.layers.reduce((sum, n) => sum + n, 0)).toBe(plan.gpuLayers);
    expect(plan.gpuLayers).toBeLessThanOrEqual(layers + 1);
    expect(plan.layers.every((n) => n > 0)).toBe(true);
    for (const [i, place] of plan.devices.entries()) {
      // The head counts as a layer but holds no cache: never below what the device really takes.
      const least = ((plan.layers[i] ?? 0) - 1) * (weights.bytes.layers[0] ?? 0);
      expect(least).toBeLessThanOrEqual(devices[place]?.freeBytes ?? 0);
    }
  }
});
