// Thread counts from affinity, cgroup quotas and cores, on machines described by files.

import { describe, expect, test } from "bun:test";
import { affinityCpus, cgroupCpuQuota, countCpuList, countPhysicalCores, usableThreads } from "../../src/base/cpu.ts";
import { fakeRoot } from "../support/fake-root.ts";

const V2 = { "proc/self/cgroup": "0::/box/inner\n" };
const V1 = { "proc/self/cgroup": "5:cpu,cpuacct:/docker/abc\n3:memory:/docker/abc\n" };

function quota(files: Readonly<Record<string, string>>): number {
  using root = fakeRoot(files);
  return cgroupCpuQuota(root.path);
}

function threads(files: Readonly<Record<string, string>>): number {
  using root = fakeRoot(files);
  return usableThreads(root.path);
}

test.each([
  ["0", 1],
  ["0-3", 4],
  ["0-3,8", 5],
  ["0,2,4-5\n", 4],
  ["", 0],
  ["nonsense", 0],
  ["5-2", 0],
])("the CPU list %p holds %i", (list, count) => {
  expect(countCpuList(list)).toBe(count);
});

test("two hyper-threads of a core count once, and the same core id in two packages twice", () => {
  const cpu = (physical: number, core: number) => `physical id\t: ${physical}\ncore id\t\t: ${core}\n`;
  expect(countPhysicalCores([cpu(0, 0), cpu(0, 1), cpu(0, 0), cpu(0, 1)].join("\n"))).toBe(2);
  expect(countPhysicalCores([cpu(0, 0), cpu(1, 0)].join("\n"))).toBe(2);
  expect(countPhysicalCores("processor\t: 0\nBogoMIPS\t: 50.00\n")).toBe(0);
});

describe("the CPU quota", () => {
  test("is unbounded without cgroups or with 'max'", () => {
    expect(quota({})).toBe(Infinity);
    expect(quota({ ...V2, "sys/fs/cgroup/box/inner/cpu.max": "max 100000\n" })).toBe(Infinity);
  });
  test("is max over period", () => {
    expect(quota({ ...V2, "sys/fs/cgroup/box/inner/cpu.max": "150000 100000\n" })).toBe(1.5);
  });
  test("of a parent binds too", () => {
    const files = {
      "sys/fs/cgroup/box/inner/cpu.max": "400000 100000\n",
      "sys/fs/cgroup/box/cpu.max": "200000 100000\n",
      "sys/fs/cgroup/cpu.max": "800000 100000\n",
    };
    expect(quota({ ...V2, ...files })).toBe(2);
  });
  test("is found at the mount when the group's path is the host's", () => {
    expect(quota({ ...V2, "sys/fs/cgroup/cpu.max": "100000 100000\n" })).toBe(1);
  });
  test("is found at the mount when a namespace shows a path that leads out of it", () => {
    const files = { "proc/self/cgroup": "0::/../../other\n", "sys/fs/cgroup/cpu.max": "300000 100000\n" };
    expect(quota(files)).toBe(3);
  });
  test("comes from the v1 files where there is no v2", () => {
    const at = "sys/fs/cgroup/cpu/docker/abc";
    expect(quota({ ...V1, [`${at}/cpu.cfs_quota_us`]: "250000\n", [`${at}/cpu.cfs_period_us`]: "100000\n" })).toBe(2.5);
    expect(quota({ ...V1, [`${at}/cpu.cfs_quota_us`]: "-1\n", [`${at}/cpu.cfs_period_us`]: "100000\n" })).toBe(
      Infinity,
    );
  });
  test.each(["", "garbage", "0 0", "-5 100000", "100000 0"])("%p bounds nothing", (content) => {
    expect(quota({ ...V2, "sys/fs/cgroup/box/inner/cpu.max": content })).toBe(Infinity);
  });
});

test("the affinity mask is read from the kernel's own list", () => {
  using root = fakeRoot({ "proc/self/status": "Name:\tbun\nCpus_allowed:\tff\nCpus_allowed_list:\t0-5,7\n" });
  expect(affinityCpus(root.path)).toBe(7);
});

describe("usable threads", () => {
  const status = "Cpus_allowed_list:\t0-7\n";
  const cores = Array.from({ length: 8 }, (_, i) => `physical id\t: 0\ncore id\t\t: ${i >> 1}\n`).join("\n");

  test("are the cores, not the hyper-threads", () => {
    expect(threads({ "proc/self/status": status, "proc/cpuinfo": cores })).toBe(4);
  });
  test("are the affinity mask where cores are not told", () => {
    expect(threads({ "proc/self/status": status, "proc/cpuinfo": "processor : 0\n" })).toBe(8);
  });
  test("are at most the quota, cut down to a whole processor", () => {
    const files = { "proc/self/status": status, "proc/cpuinfo": cores, ...V2 };
    expect(threads({ ...files, "sys/fs/cgroup/cpu.max": "290000 100000" })).toBe(2);
    expect(threads({ ...files, "sys/fs/cgroup/cpu.max": "50000 100000" })).toBe(1);
    expect(threads({ ...files, "sys/fs/cgroup/cpu.max": "broken" })).toBe(4);
  });
});
