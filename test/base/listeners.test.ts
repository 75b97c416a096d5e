// Who listens on a port: read from copies of /proc, and from the real one where there is one.

import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listenersOn } from "../../src/base/listeners.ts";

const HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";
const row = (local: string, state: string, inode: number) =>
  `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0 100 0 0 10 0`;

test("addresses, states and owners are read from the kernel's tables", () => {
  const root = mkdtempSync(join(tmpdir(), "proc-"));
  mkdirSync(join(root, "proc/net"), { recursive: true });
  mkdirSync(join(root, "proc/77/fd"), { recursive: true });
  writeFileSync(join(root, "proc/77/comm"), "thing\n");
  symlinkSync("socket:[501]", join(root, "proc/77/fd/3"));
  // 11434 is 2CAA; 01 is an established connection.
  const v4 = [HEAD, row("0100007F:2CAA", "0A", 501), row("0100007F:2CAA", "01", 502), row("00000000:0050", "0A", 503)];
  const v6 = [
    HEAD,
    row("00000000000000000000000000000000:2CAA", "0A", 504),
    row("0000000000000000FFFF00000100007F:0050", "0A", 505),
  ];
  writeFileSync(join(root, "proc/net/tcp"), v4.join("\n"));
  writeFileSync(join(root, "proc/net/tcp6"), v6.join("\n"));
  expect(listenersOn(11434, root)).toEqual([
    { address: "127.0.0.1", process: { pid: 77, name: "thing" } },
    { address: "::", process: undefined },
  ]);
  expect(listenersOn(80, root)).toEqual([
    { address: "0.0.0.0", process: undefined },
    { address: "127.0.0.1", process: undefined },
  ]);
  expect(listenersOn(1, root)).toEqual([]);
  expect(listenersOn(1, join(root, "nothing"))).toBeUndefined();
});

test.if(process.platform === "linux")("this process is found on its own port", async () => {
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("") });
  const found = listenersOn(server.port ?? 0);
  expect(found).toMatchObject([{ address: "127.0.0.1", process: { pid: process.pid } }]);
  await server.stop(true);
});
