// Which file system a path lies on, from Linux's mount table. `root` is injectable for tests.

import { readFileSync } from "node:fs";
import { join } from "node:path";

export interface Mount {
  readonly point: string;
  /** The kernel's name: "ext4", "9p", "nfs4", … */
  readonly type: string;
}

/** undefined where there is no mount table. */
export function mountOf(path: string, root = "/"): Mount | undefined {
  let table: string;
  try {
    table = readFileSync(join(root, "proc/self/mountinfo"), "utf8");
  } catch {
    return undefined;
  }
  let best: Mount | undefined;
  for (const line of table.split("\n")) {
    // … 4: root, 5: mount point, options, any number of tags, "-", type, source
    const [, point = "", type = ""] = /^(?:\S+ ){4}(\S+) .*? - (\S+) /.exec(line) ?? [];
    const place = point.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
    const holds = place !== "" && (place === "/" || path === place || path.startsWith(`${place}/`));
    // Of two mounts on one point the later one is seen.
    if (holds && place.length >= (best?.point.length ?? 0)) best = { point: place, type };
  }
  return best;
}
