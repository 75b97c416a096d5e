// What the rows of the bench share: prompts that no cache knows, a streamed answer with its times, the raw loop in a process of its
// own, medians, and what /proc says of a process.

import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { usableThreads } from "../src/base/cpu.ts";
import type { RawEmbedTask, RawTask } from "./bench-raw.ts";
import { fetchSmallModel, smallModelName } from "./small-model.mjs";

export const threads = usableThreads();
export const libraries = join(
  import.meta.dir,
  "../node_modules/@node-llama-cpp",
  `linux-${process.arch}`,
  "bins",
  `linux-${process.arch}`,
);

const WORDS =
  "river stone light music garden winter paper ocean market silver engine forest letter bridge summer window".split(
    " ",
  );
let seed = 7;
export function random(): number {
  seed = (seed * 1103515245 + 12345) % 2147483648;
  return seed / 2147483648;
}
export const words = (count: number) =>
  Array.from({ length: count }, () => WORDS[Math.floor(random() * WORDS.length)]).join(" ");
export const shortPrompt = () => `Story ${random().toFixed(6)}: once upon a time there was a ${words(8)} and`;
export const longPrompt = () => `Run ${random().toFixed(9)}. ${words(380)}. Summary:`;

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

export interface Server {
  readonly name: string;
  readonly url: string;
}

export interface StreamResult {
  readonly firstMs: number;
  readonly lastMs: number;
  readonly tokens: number;
  readonly text: string;
  readonly final: Record<string, unknown>;
}

/** An address that ends so speaks OpenAI's dialect (llama.cpp's own server, vLLM); all others speak Ollama's. */
export function speaksOpenAI(url: string): boolean {
  return url.endsWith("/v1");
}

/** One streamed answer; times are from the start of the request. */
export async function stream(
  url: string,
  prompt: string,
  tokens: number,
  options: Record<string, unknown> = {},
): Promise<StreamResult> {
  const openAI = speaksOpenAI(url);
  const startedMs = performance.now();
  const given = { model: smallModelName, prompt };
  const body = openAI
    ? { ...given, max_tokens: tokens, temperature: 0, seed: 1, stream: true, stream_options: { include_usage: true } }
    : { ...given, raw: true, options: { temperature: 0, num_predict: tokens, seed: 1, stop: [], ...options } };
  const response = await fetch(`${url}${openAI ? "/completions" : "/api/generate"}`, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json" },
  });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  let firstMs = 0;
  let text = "";
  let rest = "";
  let final: Record<string, unknown> = {};
  for await (const chunk of response.body ?? []) {
    if (firstMs === 0) firstMs = performance.now() - startedMs;
    const lines = (rest + Buffer.from(chunk).toString("utf8")).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines.map((each) => (openAI ? each.replace(/^data: /, "") : each))) {
      if (line.trim() === "" || line === "[DONE]") continue;
      const { response: piece, error, choices, usage, ...more } = JSON.parse(line) as Line;
      if (error !== undefined) throw new Error(JSON.stringify(error));
      text += openAI ? (choices?.[0]?.text ?? "") : (piece ?? "");
      final = openAI ? { eval_count: usage?.completion_tokens } : more;
    }
  }
  return { firstMs, lastMs: performance.now() - startedMs, tokens: Number(final["eval_count"] ?? 0), text, final };
}

interface Line {
  readonly response?: string;
  readonly error?: unknown;
  readonly choices?: readonly { readonly text?: string }[];
  readonly usage?: { readonly completion_tokens?: number } | null;
  readonly [key: string]: unknown;
}

/** Runs another script of the bench to its end: llama.cpp writes much to stderr, and its threads are its own. */
export async function measureApart<T>(script: string, task: unknown): Promise<T> {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, script)], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "ignore",
  });
  void child.stdin.write(JSON.stringify(task));
  await child.stdin.end();
  return JSON.parse(await new Response(child.stdout).text()) as T;
}

export function raw(prompts: readonly string[], tokens: number, contextPerSequence: number) {
  const task: RawTask = {
    directory: libraries,
    backend: undefined,
    model: fetchSmallModel(),
    threads,
    prompts,
    tokens,
    contextPerSequence,
  };
  return measureApart<{ promptMs: number; totalMs: number; generateMs: number; tokens: number }>("bench-raw.ts", task);
}

export function rawEmbeddings(texts: readonly string[]) {
  const task: RawEmbedTask = { directory: libraries, model: fetchSmallModel(), threads, texts };
  return measureApart<{ totalMs: number }>("bench-raw.ts", task);
}

export function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1024;
}

/** The process that listens on a port of this machine, if it is one that may be looked at. */
export function listenerOf(port: number): number | undefined {
  const LISTENING = "0A";
  const wanted = port.toString(16).toUpperCase().padStart(4, "0");
  const inodes = ["tcp", "tcp6"].flatMap((table) =>
    readFileSync(`/proc/net/${table}`, "utf8")
      .split("\n")
      .map((line) => line.trim().split(/\s+/))
      .filter(([, local = "", , state]) => local.endsWith(`:${wanted}`) && state === LISTENING)
      .map((fields) => `socket:[${fields[9]}]`),
  );
  const holds = (pid: string) => {
    try {
      return readdirSync(`/proc/${pid}/fd`).some((fd) => inodes.includes(readlinkSync(`/proc/${pid}/fd/${fd}`)));
    } catch {
      // It has ended, closed the descriptor, or belongs to somebody else.
      return false;
    }
  };
  const found = readdirSync("/proc").find((name) => /^\d+$/.test(name) && holds(name));
  return found === undefined ? undefined : Number(found);
}

export function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number),
  );
}

/** Milliseconds of processor time, in the programs and in the kernel for them; the kernel counts in hundredths of a second. */
export function processorMs(pids: readonly number[]): { readonly user: number; readonly kernel: number } {
  const sum = { user: 0, kernel: 0 };
  for (const pid of pids) {
    const fields = (readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1] ?? "").split(" ");
    sum.user += Number(fields[11]) * 10;
    sum.kernel += Number(fields[12]) * 10;
  }
  return sum;
}
