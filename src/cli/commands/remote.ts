// `ollama remote allow|list|forget`: which hosts may serve models to this machine, and with what key. It writes the private file
// itself: whoever can only reach the server's port can allow nothing.

import { readFile } from "node:fs/promises";
import { AppError } from "../../base/errors.ts";
import { isLoopback } from "../../base/host.ts";
import { originOf, remoteUrl } from "../../remotes/address.ts";
import {
  type AllowedRemote,
  checkedAuthority,
  checkedKey,
  checkedVariable,
  readAllowed,
  writeAllowed,
} from "../../remotes/allowed-remotes.ts";
import type { Invocation } from "../command.ts";
import type { remoteFlags } from "../command-flags.ts";
import type { CliContext } from "../context.ts";
import { fileFault } from "../create/file-fault.ts";
import { renderTable } from "../ui/table.ts";

type Input = Invocation<typeof remoteFlags>;

const USAGE =
  "use: ollama remote allow HOST [--key-stdin | --key-env NAME] [--ca FILE], remote list, or remote forget HOST";

export async function run(input: Input, context: CliContext): Promise<void> {
  const [action = "", host] = input.args;
  if (action !== "allow" && input.given.size > 0)
    throw new AppError("invalid", `flags belong to: remote allow; ${USAGE}`);
  if (input.args.length > (action === "list" ? 1 : 2)) throw new AppError("invalid", USAGE);
  switch (action) {
    case "list":
    case "ls":
      return list(context);
    case "allow":
      if (host !== undefined) return allow(host, input, context);
      break;
    case "forget":
    case "rm":
      if (host !== undefined) return forget(host, context);
  }
  throw new AppError("invalid", USAGE);
}

async function allow(host: string, { flags, given }: Input, context: CliContext): Promise<void> {
  const origin = originOf(remoteUrl(host));
  const path = context.config.remotesFile;
  const known = await readAllowed(path);
  const before = known.find((each) => each.origin === origin);
  const secret = given.has("key-stdin") || given.has("key-env") ? await secretOf(flags, context) : secretBefore(before);
  const ca = given.has("ca") ? checkedAuthority(await readText(flags.ca)) : before?.ca;
  const remote: AllowedRemote = { origin, ...secret, ...(ca === undefined ? {} : { ca }) };
  await writeAllowed(path, [...known.filter((each) => each !== before), remote]);
  const { protocol, hostname } = new URL(origin);
  if (protocol === "http:" && !isLoopback(hostname.replace(/^\[|\]$/g, "")))
    context.stderr.write(`warning: ${origin} is not encrypted: the key and all conversations can be read on the way\n`);
  context.stdout.write(`allowed ${origin}${secretText(remote)}\n`);
}

function secretBefore(before: AllowedRemote | undefined): Pick<AllowedRemote, "key" | "keyEnv"> {
  if (before?.keyEnv !== undefined) return { keyEnv: before.keyEnv };
  return before?.key === undefined ? {} : { key: before.key };
}

/** Never an argument: those can be seen by every user of the machine, and stay in the shell's history. */
async function secretOf(
  flags: Input["flags"],
  { stdin, stderr }: CliContext,
): Promise<Pick<AllowedRemote, "key" | "keyEnv">> {
  if (flags["key-stdin"] && flags["key-env"] !== "")
    throw new AppError("invalid", "the key comes from one place: --key-stdin or --key-env");
  if (!flags["key-stdin"]) return { keyEnv: checkedVariable(flags["key-env"]) };
  if (stdin.isTerminal) stderr.write("Type the key, then Enter and Ctrl+D:\n");
  return { key: checkedKey(await stdin.readAll()) };
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw fileFault("read", path, error);
  }
}

async function forget(host: string, { config, stdout }: CliContext): Promise<void> {
  const origin = originOf(remoteUrl(host));
  const known = await readAllowed(config.remotesFile);
  const kept = known.filter((each) => each.origin !== origin);
  if (kept.length === known.length) throw new AppError("not-found", `${origin} was not allowed`);
  await writeAllowed(config.remotesFile, kept);
  stdout.write(`forgot ${origin}\n`);
}

async function list({ config, stdout }: CliContext): Promise<void> {
  const rows = (await readAllowed(config.remotesFile)).map((remote) => [
    remote.origin,
    remote.keyEnv === undefined ? (remote.key === undefined ? "-" : "stored") : `$${remote.keyEnv}`,
    remote.ca === undefined ? "system" : "own",
  ]);
  stdout.write(renderTable(["HOST", "KEY", "AUTHORITY"], rows));
}

function secretText({ key, keyEnv }: AllowedRemote): string {
  if (keyEnv !== undefined) return `, with the key in $${keyEnv}`;
  return key === undefined ? "" : ", with a key";
}
