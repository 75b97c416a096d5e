// `ollama key create|list|revoke`: the API keys of this account's servers. Works on files, with or without a running server, which
// sees the change at its next request.

import { parseScopes } from "../../access/api-key.ts";
import { KeyStore } from "../../access/key-store.ts";
import { AppError, toAppError } from "../../base/errors.ts";
import { clientUrl } from "../../base/host.ts";
import { humanTime } from "../../base/human-time.ts";
import { parseRfc3339 } from "../../base/rfc3339.ts";
import type { Invocation } from "../command.ts";
import type { keyFlags } from "../command-flags.ts";
import type { CliContext } from "../context.ts";
import { renderTable } from "../ui/table.ts";

type KeyInvocation = Invocation<typeof keyFlags>;

export async function run(input: KeyInvocation, context: CliContext): Promise<void> {
  const [action = "", ...names] = input.args;
  const store = new KeyStore(context.config.homeDir);
  switch (action) {
    case "create":
      return create(store, names, input, context);
    case "list":
    case "ls":
      return list(store, names, input, context);
    case "revoke":
    case "rm":
      return revoke(store, names, input, context);
    default:
      throw new AppError("invalid", `unknown action "${action}": use key create, key list or key revoke`);
  }
}

async function create(
  store: KeyStore,
  names: readonly string[],
  input: KeyInvocation,
  context: CliContext,
): Promise<void> {
  if (names.length > 1) throw new AppError("invalid", `key create takes one name, received ${names.length}`);
  const { flags, given } = input;
  const wasOpen = !store.table().required;
  const { key, text } = await store.create({
    name: names[0],
    scopes: parseScopes(given.has("scope") ? flags.scope : "infer"),
    limit: flags.limit,
    budget: flags.budget,
  });
  context.stdout.write(`${text}\n`);
  const notes = [`Key "${key.name}" may do: ${key.scopes.join(", ")}. It is shown this once; only its hash is kept.`];
  if (wasOpen) {
    notes.push(
      "From now on every request needs a key, also from programs on this machine (OLLAMA_KEYLESS_LOOPBACK=1 lets those in without).",
      "This account's own ollama commands need none on this machine.",
    );
  }
  if (!(await isKnownToServer(context, text))) {
    notes.push(
      `Warning: the server at ${clientUrl(context.config.host)} does not know this key: it runs as another account or with another HOME. Make the key there, for example: sudo -u ollama -H ollama key create`,
    );
  }
  context.stderr.write(`${notes.join("\n")}\n`);
}

/** True as well where no server answers, or one that is no business of these keys. */
async function isKnownToServer({ client }: CliContext, key: string): Promise<boolean> {
  try {
    const usage = await client.usage({ authorization: `Bearer ${key}`, signal: AbortSignal.timeout(2000) });
    return usage.key !== "";
  } catch (error) {
    return toAppError(error).fault !== "unauthorized";
  }
}

function list(store: KeyStore, names: readonly string[], { given }: KeyInvocation, context: CliContext): void {
  if (names.length > 0 || given.size > 0) throw new AppError("invalid", "key list takes no names and no flags");
  const { keys, problems } = store.table();
  for (const problem of problems) context.stderr.write(`Warning: ${problem}\n`);
  const rows = keys.map((key) => [
    key.name,
    key.id,
    key.scopes.join(","),
    orNone(key.limit),
    orNone(key.budget),
    humanTime(parseRfc3339(key.createdAt), "Never"),
  ]);
  context.stdout.write(renderTable(["NAME", "ID", "SCOPES", "LIMIT", "BUDGET", "CREATED"], rows));
}

async function revoke(
  store: KeyStore,
  names: readonly string[],
  { given }: KeyInvocation,
  context: CliContext,
): Promise<void> {
  if (names.length === 0) throw new AppError("invalid", "key revoke needs the name or id of a key");
  if (given.size > 0) throw new AppError("invalid", "key revoke takes no flags");
  for (const name of names) {
    const key = await store.revoke(name);
    context.stdout.write(`revoked '${key.name}' (${key.id})\n`);
  }
  if (store.table().keys.length > 0) return;
  context.stderr.write(
    `No keys are left. Servers of this account stay closed to everyone but this account on this machine; to serve without keys again, delete ${store.directory}\n`,
  );
}

function orNone(value: number): string {
  return value === 0 ? "-" : String(value);
}
