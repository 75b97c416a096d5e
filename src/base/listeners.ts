// Who listens on a TCP port, from Linux's /proc: the socket's inode in net/tcp, then the process that holds it open. Another
// user's processes cannot be looked into; then only the addresses are known. `root` is injectable for tests.

import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

export interface Listener {
  /** As written in URLs, without brackets: "127.0.0.1", "0.0.0.0", "::". */
  readonly address: string;
  /** undefined: a process of another user. */
  readonly process: { readonly pid: number; readonly name: string } | undefined;
}

const LISTEN_STATE = "0A";

/** undefined where there is no /proc to ask. */
export function listenersOn(port: number, root = "/"): Listener[] | undefined {
  const rows = ["proc/net/tcp", "proc/net/tcp6"].map((file) => readText(join(root, file)));
  if (rows.every((text) => text === undefined)) return undefined;
  const sockets = rows.flatMap((text) => parseSockets(text ?? "")).filter((socket) => socket.port === port);
  return sockets.map(({ address, inode }) => ({ address, process: ownerOf(inode, root) }));
}

function parseSockets(table: string): { address: string; port: number; inode: string }[] {
  return table.split("\n").flatMap((line) => {
    const [, local = "", , state, , , , , , inode = ""] = line.trim().split(/\s+/);
    const [host = "", port = ""] = local.split(":");
    return state === LISTEN_STATE ? [{ address: readAddress(host), port: Number.parseInt(port, 16), inode }] : [];
  });
}

/** Words of four bytes, each in the processor's own order, which is little-endian wherever this runs. */
function readAddress(hex: string): string {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) =>
    (word.match(/../g) ?? []).toReversed().map((byte) => Number.parseInt(byte, 16)),
  );
  if (bytes.length === 4) return bytes.join(".");
  if (bytes.every((byte) => byte === 0)) return "::";
  if (bytes.slice(0, 15).every((byte) => byte === 0) && bytes[15] === 1) return "::1";
  const isMapped = bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255;
  if (isMapped) return bytes.slice(12).join(".");
  const groups = Array.from({ length: 8 }, (_, i) =>
    ((bytes[2 * i] ?? 0) * 256 + (bytes[2 * i + 1] ?? 0)).toString(16),
  );
  return groups.join(":");
}

function ownerOf(inode: string, root: string): Listener["process"] {
  const wanted = `socket:[${inode}]`;
  for (const pid of names(join(root, "proc")).filter((name) => /^\d+$/.test(name))) {
    const descriptors = join(root, "proc", pid, "fd");
    if (!names(descriptors).some((fd) => linkOf(join(descriptors, fd)) === wanted)) continue;
    return { pid: Number(pid), name: readText(join(root, "proc", pid, "comm"))?.trim() ?? "?" };
  }
  return undefined;
}

function names(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
