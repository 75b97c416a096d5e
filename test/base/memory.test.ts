// Free memory as the scheduler sees it: /proc/meminfo bounded by every cgroup limit on the way up.

import { expect, test } from "bun:test";
import { memoryState } from "../../src/base/memory.ts";
import { fakeRoot } from "../support/fake-root.ts";

const GIB = 1024 ** 3;
const KIB_PER_GIB = 1024 ** 2;
const machine = {
  "proc/meminfo": `MemTotal: ${16 * KIB_PER_GIB} kB\nMemFree: 1 kB\nMemAvailable: ${10 * KIB_PER_GIB} kB\n`,
};
const V2 = { "proc/self/cgroup": "0::/box/inner\n" };

function state(files: Readonly<Record<string, string>>): { total: number; available: number } {
  using root = fakeRoot({ ...machine, ...files });
  const { totalBytes, availableBytes } = memoryState(root.path);
  return { total: totalBytes / GIB, available: availableBytes / GIB };
}

function v2(directory: string, limit: string, current: number, inactiveFile = 0): Record<string, string> {
  const at = `sys/fs/cgroup/${directory}`;
  return {
    [`${at}/memory.max`]: `${limit}\n`,
    [`${at}/memory.current`]: `${current}\n`,
    [`${at}/memory.stat`]: `anon 5\nfile 7\ninactive_file ${inactiveFile}\nactive_file 1\n`,
  };
}

test("without a limit the system's own figures stand", () => {
  expect(state({})).toEqual({ total: 16, available: 10 });
  expect(state({ ...V2, ...v2("box/inner", "max", 3 * GIB) })).toEqual({ total: 16, available: 10 });
});

test("a cgroup limit bounds both figures, and page cache that can be dropped counts as free", () => {
  expect(state({ ...V2, ...v2("box/inner", String(4 * GIB), 3 * GIB, 2 * GIB) })).toEqual({ total: 4, available: 3 });
});

test("a group that is over its limit has nothing left, never less", () => {
  expect(state({ ...V2, ...v2("box/inner", String(GIB), 2 * GIB) })).toEqual({ total: 1, available: 0 });
});

test("a parent with a larger limit but less left binds", () => {
  const files = { ...v2("box/inner", String(4 * GIB), GIB), ...v2("box", String(8 * GIB), 7.5 * GIB) };
  expect(state({ ...V2, ...files })).toEqual({ total: 4, available: 0.5 });
});

test("a limit above the machine's memory is none", () => {
  expect(state({ ...V2, ...v2("box/inner", String(64 * GIB), GIB) })).toEqual({ total: 16, available: 10 });
});

test("version 1 limits count, and its huge number for 'unlimited' does not", () => {
  const group = { "proc/self/cgroup": "9:memory:/docker/x\n0::/docker/x\n" };
  const at = "sys/fs/cgroup/memory/docker/x";
  const used = { [`${at}/memory.usage_in_bytes`]: String(GIB), [`${at}/memory.stat`]: "total_inactive_file 0\n" };
  expect(state({ ...group, ...used, [`${at}/memory.limit_in_bytes`]: String(2 * GIB) })).toEqual({
    total: 2,
    available: 1,
  });
  expect(state({ ...group, ...used, [`${at}/memory.limit_in_bytes`]: "9223372036854771712" })).toEqual({
    total: 16,
    available: 10,
  });
});

test("files that hold no number bound nothing", () => {
  expect(state({ ...V2, ...v2("box/inner", "many", 5) })).toEqual({ total: 16, available: 10 });
});
