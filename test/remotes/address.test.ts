// Addresses of engines elsewhere, and the private file.

import { expect, test } from "bun:test";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { remoteUrl, remoteUrls } from "../../src/remotes/address.ts";
import { checkedKey, readAllowed, writeAllowed } from "../../src/remotes/allowed-remotes.ts";

test.each([
  ["https://gpu.example/v1/", "https://gpu.example/v1"],
  ["http://gpu.example", "http://gpu.example"],
  ["gpu", "http://gpu:11434"],
  ["gpu:8000/v1", "http://gpu:8000/v1"],
  ["/prefix", "http://localhost:11434/prefix"],
  ["HTTPS://GPU.example:443//v1", "https://gpu.example/v1"],
  ["http://[::1]:8000/v1", "http://[::1]:8000/v1"],
])("%s is %s", (text, url) => expect(remoteUrl(text)).toBe(url));

test.each(["", "ftp://x", "https://", "https://user:pass@x/v1", "https://x/v1?key=1", "file:///etc/passwd"])(
  "%p is refused",
  (text) => expect(() => remoteUrl(text)).toThrow("bad remote"),
);

test("a refused address does not repeat the secret in it", () => {
  expect(() => remoteUrl("https://user:hunter2@x/v1")).toThrow(/^(?!.*hunter2)/s);
});

test("several addresses keep their order and lose their repeats", () => {
  expect(remoteUrls("https://b/v1, https://a/v1,https://b/v1/")).toEqual(["https://b/v1", "https://a/v1"]);
});

test("the file is private, and holds what was written", async () => {
  const folder = await mkdtemp(join(tmpdir(), "remotes-"));
  try {
    const path = join(folder, "deep", "remotes.json");
    expect(await readAllowed(path)).toEqual([]);
    const remotes = [
      { origin: "https://a", key: "k" },
      { origin: "http://b:8000", keyEnv: "KEY" },
    ];
    await writeAllowed(path, remotes);
    expect(await readAllowed(path)).toEqual(remotes);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    await Bun.write(path, "{");
    expect(readAllowed(path)).rejects.toThrow("is damaged");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test("what cannot stand in a header is no key", () => {
  expect(checkedKey(" sk-1\n")).toBe("sk-1");
  for (const text of ["", "a b", "a\r\nx: y", "ü"]) expect(() => checkedKey(text)).toThrow();
});
