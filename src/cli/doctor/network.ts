// Checks of the server's address: whether a server answers there, who holds the port if not, and whether others than this
// machine can use it without a key.

import { networkInterfaces } from "node:os";
import type { Client } from "../../api/client.ts";
import type { AccessStatus } from "../../api/responses.ts";
import type { ProcessResponse } from "../../api/schema/models.ts";
import { toAppError } from "../../base/errors.ts";
import { type HostAddress, hostPort, isLoopback } from "../../base/host.ts";
import { type Listener, listenersOn } from "../../base/listeners.ts";
import { VERSION } from "../../version.ts";
import type { CliContext } from "../context.ts";
import type { Finding } from "./finding.ts";

const TIMEOUT_MS = 3000;

export async function networkFindings({ config, client }: CliContext): Promise<Finding[]> {
  const { host } = config;
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const answer = await client.version({ signal }).then(
    (version): ServerAnswer => ({ kind: "answered", version }),
    (error: unknown): ServerAnswer => {
      const { fault, message } = toAppError(error);
      return fault === "unauthorized" ? { kind: "locked" } : { kind: "silent", reason: message };
    },
  );
  const isHere = isLoopback(host.hostname) || isEverywhere(host.hostname) || ownAddresses().includes(host.hostname);
  const listeners = isHere ? listenersOn(host.port) : undefined;
  return [
    judgePort(host, answer, listeners),
    judgeExposure(host, answer.kind !== "silent" && isHere ? await exposure(client, host) : undefined),
    ...(answer.kind === "answered" ? await client.listRunning({ signal }).then(judgeEngines, () => []) : []),
  ];
}

/** Engines elsewhere that models were served by lately; nothing where there are none. */
export function judgeEngines({ models }: ProcessResponse): Finding[] {
  const remote = models.filter(({ remote_host = "" }) => remote_host !== "");
  return remote.map(({ name, remote_host = "", remote_failure }): Finding => {
    const check = "engine";
    if (remote_failure === undefined) return { check, level: "ok", summary: `${remote_host} answers for ${name}` };
    return {
      check,
      level: "problem",
      summary: `${remote_host}, which serves ${name}, cannot be reached: ${remote_failure}`,
      advice:
        "Start the engine or correct its address; 'ollama remote list' shows which hosts are allowed and with which key.",
    };
  });
}

export type ServerAnswer =
  | { readonly kind: "answered"; readonly version: string }
  /** It wants a key, or another one than it was sent. */
  | { readonly kind: "locked" }
  | { readonly kind: "silent"; readonly reason: string };

export function judgePort(
  host: HostAddress,
  answer: ServerAnswer,
  listeners: readonly Listener[] | undefined,
): Finding {
  const check = "server";
  const where = hostPort(host);
  const holder = (listeners ?? []).map(({ process }) => process).find((process) => process !== undefined);
  const by = holder === undefined ? "" : `, held by ${holder.name} (process ${holder.pid})`;
  if (answer.kind === "answered") {
    const summary = `${where} answers with version ${answer.version}${by}`;
    if (answer.version === VERSION) return { check, level: "ok", summary };
    return {
      check,
      level: "note",
      summary: `${summary}; this program is ${VERSION}`,
      advice: "If that is not intended, stop the other server and start this one with 'ollama serve'.",
    };
  }
  if (answer.kind === "locked") {
    return {
      check,
      level: "warning",
      summary: `${where} answers, but not without an API key that it knows${by}`,
      advice: "Set OLLAMA_API_KEY; 'ollama key create', by who runs the server, makes one.",
    };
  }
  if (listeners !== undefined && listeners.length > 0) {
    return {
      check,
      level: "problem",
      summary: `${where} is taken by something that is no Ollama server${by}`,
      advice: `${holder === undefined ? `Find it with sudo ss -ltnp 'sport = :${host.port}' and stop it` : "Stop it"}, or set OLLAMA_HOST to another port.`,
    };
  }
  const isHere = listeners !== undefined;
  return {
    check,
    level: isHere ? "note" : "warning",
    summary: isHere ? `none runs at ${where}; the port is free` : `none answers at ${where} (${answer.reason})`,
    advice: isHere ? "Start one with 'ollama serve'." : "Start it there, or set OLLAMA_HOST to where a server runs.",
  };
}

export interface Exposure {
  /** Where others reach it, or would. */
  readonly address: string;
  readonly access: "managed" | "open" | "key needed" | "closed";
}

/** What the server says of itself: its settings need not be those of this shell. */
async function exposure(client: Client, host: HostAddress): Promise<Exposure | undefined> {
  const said = await client.accessStatus({ signal: AbortSignal.timeout(TIMEOUT_MS) }).catch(() => undefined);
  return said === undefined ? probedExposure(host) : statedExposure(said);
}

export function statedExposure(said: AccessStatus): Exposure {
  const address = said.listen;
  if (!said.exposed) return { address, access: "closed" };
  if (said.keys_required) return { address, access: "key needed" };
  return { address, access: said.remote_management ? "managed" : "open" };
}

/** A server that does not say (Ollama's own, or one of another account) is asked at this machine's address in its network. */
async function probedExposure({ scheme, port }: HostAddress): Promise<Exposure | undefined> {
  const [address] = ownAddresses();
  if (address === undefined) return undefined;
  try {
    const url = `${scheme}://${hostPort({ hostname: address, port })}/api/tags`;
    const { status } = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS), proxy: false });
    return { address, access: status === 401 || status === 403 ? "key needed" : "open" };
  } catch {
    return { address, access: "closed" };
  }
}

/** Undefined exposure: not asked, because no server runs here. */
export function judgeExposure(host: HostAddress, exposed: Exposure | undefined): Finding {
  const check = "network access";
  const advice =
    "Make a key with 'ollama key create', keep the port closed in the firewall, or set OLLAMA_HOST to 127.0.0.1.";
  if (exposed?.access === "open" || exposed?.access === "managed") {
    const may = exposed.access === "managed" ? "use, replace and delete its models" : "use its models";
    const summary = `anyone who reaches ${exposed.address} can ${may}`;
    return { check, level: "warning", summary, advice };
  }
  if (exposed?.access === "key needed") {
    return { check, level: "ok", summary: `reachable at ${exposed.address}, with a key only` };
  }
  if (exposed === undefined && isEverywhere(host.hostname)) {
    const summary = `OLLAMA_HOST=${host.hostname} lets every machine of the network in once a server runs`;
    return { check, level: "warning", summary, advice };
  }
  if (isLoopback(host.hostname) || isEverywhere(host.hostname)) {
    return { check, level: "ok", summary: "from this machine only" };
  }
  return {
    check,
    level: "note",
    summary: `the server is at ${host.hostname}; who else can reach it is not known here`,
  };
}

function isEverywhere(hostname: string): boolean {
  return hostname === "0.0.0.0" || hostname === "::";
}

/** IPv4 addresses by which others reach this machine. */
function ownAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family, internal }) => family === "IPv4" && !internal)
    .map(({ address }) => address);
}
