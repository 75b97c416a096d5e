// Where this process's cgroup limits stand: every directory from its own group up to the mount, since a limit anywhere
// on the way binds. Empty on systems without cgroups.

import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

export interface CgroupDirectory {
  readonly v2: boolean;
  readonly directory: string;
}

export function cgroupFiles(root: string, controller: "cpu" | "memory"): CgroupDirectory[] {
  let lines: string[];
  try {
    lines = readFileSync(join(root, "proc/self/cgroup"), "utf8").split("\n");
  } catch {
    return [];
  }
  const found: CgroupDirectory[] = [];
  for (const line of lines) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    const v2 = controllers === "";
    if (!v2 && !controllers.split(",").includes(controller)) continue;
    const mount = v2 ? join(root, "sys/fs/cgroup") : join(root, "sys/fs/cgroup", controller);
    // In a container the path is the host's and may not exist below the mount, or lead out of it ("/../.." in a cgroup
    // namespace); the mount itself is then the group.
    const own = join(mount, join("/", path));
    for (let directory = own; directory.startsWith(mount); directory = dirname(directory)) {
      if (existsSync(directory)) found.push({ v2, directory });
    }
  }
  return found;
}
