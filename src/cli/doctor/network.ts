// Checks of the server's address: whether a server answers there, who holds the port if not, and whether others than this
// machine can use it without a key.

import { networkInterfaces } from "node:os";
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
    (error: unknown): ServerAnswer => ({ kind: "silent", reason: toAppError(error).message }),
  );
  const isHere = isLoopback(host.hostname) || isEverywhere(host.hostname) || ownAddresses().includes(host.hostname);
  const listeners = isHere ? listenersOn(host.port) : undefined;
  return [
    judgePort(host, answer, listeners),
    judgeExposure(host, answer.kind === "answered" && isHere ? await exposure(host) : undefined),
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

export type Exposure = { readonly address: string; readonly access: "open" | "key needed" | "closed" };

/** Asked for real, at this machine's own address in its network: the server's settings need not be those of this shell. */
async function exposure(host: HostAddress): Promise<Exposure | undefined> {
  const [address] = ownAddresses();
  if (address === undefined) return undefined;
  try {
    const url = `${host.scheme}://${hostPort({ hostname: address, port: host.port })}/api/tags`;
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
  if (exposed?.access === "open") {
    const summary = `anyone who reaches ${exposed.address} can use its models`;
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
