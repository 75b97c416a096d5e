// What a command is given: settings, the server's client, and the terminal. Tests hand in their own.

import { isatty } from "node:tty";
import { Client } from "../api/client.ts";
import { AppError } from "../base/errors.ts";
import { clientUrl } from "../base/host.ts";
import type { Config } from "../config.ts";
import { VERSION } from "../version.ts";
import { authorization } from "./authorization.ts";
import type { EditorTerminal } from "./repl/line-editor.ts";
import type { Choice } from "./ui/choose.ts";
import { type Screen, screenOf } from "./ui/terminal.ts";

export interface CliContext {
  readonly config: Config;
  readonly client: Client;
  readonly stdout: Screen;
  readonly stderr: Screen;
  readonly stdin: {
    readonly isTerminal: boolean;
    /** Everything up to its end. */
    readAll(): Promise<string>;
    /** For reading messages from a person. */
    editor(): Promise<EditorTerminal>;
  };
  readonly platform: NodeJS.Platform;
  /** Asks somebody at the terminal; undefined when they leave without an answer. */
  choose(message: string, choices: readonly Choice[]): Promise<string | undefined>;
  /** Runs another program at this terminal until it ends; `env` is added to this process's own. Gives its exit code. */
  runProgram(command: readonly string[], env: Readonly<Record<string, string>>): Promise<number>;
  /** What `PROGRAM --version` says. */
  programVersion(program: string): Promise<string>;
  /** Calls back at Ctrl-C, which then does nothing else, until disposed. */
  onInterrupt(act: () => void): Disposable;
}

/** As much as a server accepts in one request. */
const MAX_STDIN_BYTES = 128 * 1024 * 1024;

export function processContext(config: Config): CliContext {
  const facts = { noColor: config.noColor, term: config.term };
  const stdout = screenOf(process.stdout, facts);
  const stderr = screenOf(process.stderr, facts);
  return {
    config,
    client: new Client({
      baseUrl: clientUrl(config.host),
      userAgent: userAgent(),
      authorization: () => authorization(config),
    }),
    stdout,
    stderr,
    stdin: {
      isTerminal: isatty(0),
      readAll: readStdin,
      async editor() {
        const { stdinTerminal } = await import("./repl/stdin-terminal.ts");
        const { editInteractively } = await import("./repl/edit-interactively.ts");
        return stdinTerminal({
          stdin: process.stdin,
          stdout: process.stdout,
          screen: stdout,
          edit: (text) => editInteractively(text, config.editorCommand, stderr),
        });
      },
    },
    platform: process.platform,
    async choose(message, choices) {
      const { choose } = await import("./ui/choose.ts");
      return choose(message, choices, stdout.rows, { input: process.stdin, output: process.stdout });
    },
    runProgram,
    async programVersion(program) {
      const child = Bun.spawn([program, "--version"], { stdin: "ignore", stdout: "pipe", stderr: "ignore" });
      return new Response(child.stdout).text();
    },
    onInterrupt(act) {
      process.on("SIGINT", act);
      return { [Symbol.dispose]: () => void process.off("SIGINT", act) };
    },
  };
}

async function runProgram(command: readonly string[], env: Readonly<Record<string, string>>): Promise<number> {
  const child = Bun.spawn([...command], {
    stdin: "inherit",
    stdout: "inherit",
    stderr: "inherit",
    env: { ...process.env, ...env },
  });
  // Ctrl-C is meant for the program, which gets it as well.
  const ignore = (): void => {};
  process.on("SIGINT", ignore);
  try {
    return await child.exited;
  } finally {
    process.off("SIGINT", ignore);
  }
}

/** Go's names for machine and system, which registries and servers see from Ollama too (api/client.go). */
function userAgent(): string {
  const arch: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386" };
  const platform: Readonly<Record<string, string>> = { win32: "windows" };
  const machine = `${arch[process.arch] ?? process.arch} ${platform[process.platform] ?? process.platform}`;
  return `ollama/${VERSION} (${machine}) Bun/${Bun.version}`;
}

async function readStdin(): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of Bun.stdin.stream()) {
    bytes += chunk.byteLength;
    if (bytes > MAX_STDIN_BYTES) {
      throw new AppError("too-large", `standard input is larger than ${MAX_STDIN_BYTES} bytes`);
    }
    chunks.push(chunk);
  }
  const all = Buffer.concat(chunks);
  // A model would only see noise, and compute long for it.
  if (all.includes(0)) {
    throw new AppError("invalid", "standard input is not text; to show a model an image, name its file in the prompt");
  }
  return new TextDecoder().decode(all);
}
