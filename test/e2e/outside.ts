// A server's address as other machines see it: this machine's own, beyond loopback.

import { networkInterfaces } from "node:os";
import type { TestServer } from "../support/server.ts";

const outside = Object.values(networkInterfaces())
  .flat()
  .find((entry) => entry?.family === "IPv4" && !entry.internal)?.address;

export function outsideUrl({ port }: Pick<TestServer, "port">): string {
  if (outside === undefined) throw new Error("this machine has no address beyond loopback to test with");
  return `http://${outside}:${port}`;
}
