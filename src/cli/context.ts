// What a command is given: settings, the server's client, and the terminal. Tests hand in their own.

import { isatty } from "node:tty";
import { Client } from "../api/client.ts";
import { AppError } from "../base/errors.ts";
import { clientUrl } from "../base/host.ts";
import type { Config } from "../config.ts";
import { VERSION } from "../version.ts";
import type { EditorTerminal } from "./repl/line-editor.ts";
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
    client: new Client({ baseUrl: clientUrl(config.host), userAgent: userAgent() }),
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
    onInterrupt(act) {
      process.on("SIGINT", act);
      return { [Symbol.dispose]: () => void process.off("SIGINT", act) };
    },
  };
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
  return new TextDecoder().decode(Buffer.concat(chunks));
}
