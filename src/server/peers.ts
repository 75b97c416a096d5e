// Where a request came from: what is for programs on this machine alone is not for what a browser or a proxy passes on.

import { isThisMachine } from "../access/decide.ts";

const addresses = new WeakMap<Request, string>();

export function notePeer(request: Request, address: string | undefined): void {
  if (address !== undefined) addresses.set(request, address);
}

/** A browser says so by its Origin. */
export function isLocalProgram(request: Request): boolean {
  return isThisMachine(addresses.get(request), request.headers) && !request.headers.has("origin");
}
