// Which of apt's sources is Debian's archive.

import { expect, test } from "bun:test";
import { mirrorOf } from "../../scripts/debian-mirror.ts";

test("the archive is chosen, not updates, security, or other makers' packages", () => {
  const targets = [
    "DEP-11 Debian bookworm http://mirror.example/debian/",
    "Packages Somebody bookworm http://other.example/",
    "Packages Debian bookworm-security http://mirror.example/debian-security/",
    "Packages Debian bookworm-updates http://mirror.example/updates/",
    "Packages Debian bookworm http://mirror.example/debian/",
  ];
  expect(mirrorOf(targets.join("\n"))).toBe("http://mirror.example/debian");
  expect(mirrorOf(targets.slice(0, 4).join("\n"))).toBeUndefined();
  expect(mirrorOf("")).toBeUndefined();
});
