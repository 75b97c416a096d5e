// Where a request came from: what is for programs on this machine alone is not for what a browser or a proxy passes on.

import { isLoopback } from "../base/host.ts";

const addresses = new WeakMap<Request, string>();

export function notePeer(request: Request, address: string | undefined): void {
  if (address !== undefined) addresses.set(request, address.replace(/^::ffff:/i, ""));
}

/** Headers of what speaks for somebody else. */
const PASSED_ON = ["origin", "forwarded", "x-forwarded-for", "x-real-ip", "via"];

export function isLocalProgram(request: Request): boolean {
  const address = addresses.get(request);
  return address !== undefined && isLoopback(address) && !PASSED_ON.some((name) => request.headers.has(name));
}
