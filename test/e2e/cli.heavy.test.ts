// Replays recorded runs of the real command line against the program and a server of its own: exit codes, tables, error
// lines and which stream they are on. The model is a tiny one with random weights under the recorded model's name.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdir, writeFile } from "node:fs/promises";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { VERSION } from "../../src/version.ts";
import { type Finished, runProgram } from "../support/program.ts";
import { freePort, startServer, type TestServer } from "../support/server.ts";
import { tinyGguf } from "../support/tiny-gguf.ts";

type Comparison = keyof typeof COMPARISONS;

interface Recorded extends Finished {
  readonly argv: readonly string[];
  readonly stdin?: string;
  readonly note?: "no server" | "port in use";
  readonly compare: Comparison;
  /** What this program says instead, with compare "ours". */
  readonly ours?: string;
}

const recorded = readFileSync(join(import.meta.dir, "../fixtures/cli/recorded.jsonl"), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as Recorded);

const MODELFILES: Readonly<Record<string, string>> = {
  "mf-ok":
    'FROM smollm2:135m\nSYSTEM """two\nlines"""\nPARAMETER num_ctx 1024\nPARAMETER stop a b\nLICENSE MIT\nMESSAGE user hi\n',
  "mf-bad": "FROM smollm2:135m\nPARAMETER temperature hot\n",
  "mf-bad2": "FRM smollm2:135m\n",
};

let server: TestServer;
let folder: string;

beforeAll(async () => {
  server = await startServer();
  folder = join(server.home.path, "modelfiles");
  await mkdir(folder);
  await writeFile(join(folder, "tiny.gguf"), tinyGguf("llama"));
  await writeFile(join(folder, "Modelfile"), "FROM ./tiny.gguf\n");
  for (const [name, text] of Object.entries(MODELFILES)) await writeFile(join(folder, name), text);
  const created = await ollama(["create", "smollm2:135m", "-f", join(folder, "Modelfile")]);
  if (created.exit !== 0) throw new Error(created.stderr);
}, 90_000);

afterAll(() => server[Symbol.asyncDispose]());

function ollama(argv: readonly string[], options: { host?: string; stdin?: string } = {}): Promise<Finished> {
  const { host, stdin = "" } = options;
  const env = host === undefined ? server.env : { ...server.env, OLLAMA_HOST: host };
  return runProgram(argv, { env, stdin, cwd: folder });
}

/** What differs from machine to machine, in the recording's words. */
function neutral(text: string): string {
  return text
    .replaceAll(server.home.modelsDir, "$OLLAMA_MODELS")
    .replace(/sha256([:-])[0-9a-f]{64}/g, "sha256$1$DIGEST")
    .replace(/127\.0\.0\.1:\d+: bind/g, "127.0.0.1:$PORT: bind");
}

function lines(text: string): string[] {
  return neutral(text)
    .split("\n")
    .map((line) => line.trimEnd())
    .filter((line) => line !== "");
}

function names(help: string): string[] {
  const flags = help.match(/^ {2}(?:-\w, | {4})--[\w-]+/gm) ?? [];
  const commands = /Available Commands:\n([^]*?)\n\n/.exec(help)?.[1]?.match(/^ {2}[\w-]+/gm) ?? [];
  return [...flags, ...commands].map((name) => name.trim());
}

const CELLS: Readonly<Record<string, RegExp>> = {
  NAME: /^[\w.]+:\w+$/,
  ID: /^[0-9a-f]{12}$/,
  SIZE: /^[\d.]+ [KMGT]?B$/,
  MODIFIED: / ago$/,
  PROCESSOR: /^(?:100% [CG]PU|\d+%\/\d+% CPU\/GPU)$/,
  CONTEXT: /^\d+$/,
  UNTIL: / from now$/,
};

/** Each row is made of cells padded to their columns and four blanks after each; gives back the header's names. */
function checkTable(text: string): string[] {
  const [head = "", ...rows] = text.trimEnd().split("\n");
  const titles = head.trim().split(/ +/);
  const starts = titles.map((title) => head.indexOf(title));
  expect(rows).not.toEqual([]);
  for (const row of rows) {
    const cells = starts.map((start, index) => row.slice(start, starts[index + 1]));
    for (const [index, cell] of cells.entries()) {
      if (index < cells.length - 1) expect(cell).toEndWith("    ");
      expect(cell.trim()).toMatch(CELLS[titles[index] ?? ""] ?? /^$/);
    }
  }
  return titles;
}

/** An overview without the values that depend on the model. */
function blocks(text: string): string[] {
  const model = ["architecture", "parameters", "context length", "embedding length", "quantization"];
  return lines(text).map((line) => model.find((label) => line.startsWith(`    ${label}  `)) ?? line);
}

function shapes(statistics: string): string[] {
  return lines(statistics).map((line) => line.replace(/(?<=: +)\d[\d.]*(?:[mµn]?s$)?/, "#"));
}

function answer(got: Finished): void {
  // A random model may end its own text with line ends; the two that follow the answer must be there all the same.
  expect(got.stdout).toMatch(/\n\n$/);
  expect(got.stdout).not.toContain("\u001b[");
}

const COMPARISONS = {
  exact(got: Finished, want: Finished) {
    expect(neutral(got.stdout)).toBe(neutral(want.stdout));
    expect(lines(got.stderr)).toEqual(lines(want.stderr));
  },
  version(got: Finished, want: Finished) {
    expect(got).toEqual({ ...want, stdout: want.stdout.replaceAll("0.0.0", VERSION) });
  },
  /** The words are this project's; flags and commands must be there. */
  help(got: Finished, want: Finished) {
    expect(names(got.stdout)).toEqual(expect.arrayContaining(names(want.stdout)));
    expect(got.stderr).toBe("");
  },
  table(got: Finished, want: Finished) {
    expect(checkTable(got.stdout)).toEqual(checkTable(want.stdout));
    expect(got.stderr).toBe("");
  },
  blocks(got: Finished, want: Finished) {
    expect(blocks(got.stdout)).toEqual(blocks(want.stdout));
    expect(got.stderr).toBe("");
  },
  progress(got: Finished, want: Finished) {
    const statuses = (text: string) => lines(text).map((line) => line.replace(/^(?:using existing|creating new) /, ""));
    expect([got.stdout, statuses(got.stderr)]).toEqual([want.stdout, statuses(want.stderr)]);
  },
  answer(got: Finished) {
    answer(got);
    expect(got.stderr).toBe("");
  },
  statistics(got: Finished, want: Finished) {
    answer(got);
    expect(shapes(got.stderr)).toEqual(shapes(want.stderr));
  },
  /** It fails the same way, but says something else on purpose (docs/differences.md). */
  ours(got: Finished, want: Finished, ours: string) {
    expect([got.stdout, want.stdout]).toEqual(["", ""]);
    expect(lines(want.stderr).at(-1)).toStartWith("Error: ");
    expect(lines(got.stderr)).toEqual(lines(ours));
  },
} as const;

for (const [index, run] of recorded.entries()) {
  const note = run.note === undefined ? "" : ` (${run.note})`;
  test(`${index}: ollama ${run.argv.join(" ")}${note}`, async () => {
    const host = run.note === "no server" ? { host: `127.0.0.1:${await freePort()}` } : {};
    const stdin = run.stdin === undefined ? {} : { stdin: run.stdin };
    const argv = run.argv.map((word) => word.replace("$DIR", folder));
    const got = await ollama(argv, { ...host, ...stdin });
    expect(got.exit).toBe(run.exit);
    COMPARISONS[run.compare](got, { exit: run.exit, stdout: run.stdout, stderr: run.stderr }, run.ours ?? "");
  }, 60_000);
}
