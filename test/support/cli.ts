// The command line inside a test: real parsing, real HTTP, and a terminal that is only remembered.

import { Client } from "../../src/api/client.ts";
import { plainMessage } from "../../src/base/file-fault.ts";
import { dispatch } from "../../src/cli/cli.ts";
import type { CliContext } from "../../src/cli/context.ts";
import type { EditorTerminal } from "../../src/cli/repl/line-editor.ts";
import type { Choice } from "../../src/cli/ui/choose.ts";
import type { Screen } from "../../src/cli/ui/terminal.ts";
import { readConfig } from "../../src/config.ts";
import type { Finished } from "./program.ts";

export interface CliOptions {
  readonly baseUrl: string;
  readonly home?: string;
  /** undefined: somebody sits at a terminal. */
  readonly stdin?: string;
  /** Instead of a pipe. */
  readonly stdout?: Screen;
  readonly editor?: EditorTerminal;
  /** Instead of a pipe. */
  readonly stderr?: Screen;
  readonly platform?: NodeJS.Platform;
  /** What other programs say of their version. */
  readonly programVersion?: string;
  /** What somebody chooses of a menu. */
  readonly choose?: (message: string, choices: readonly Choice[]) => string | undefined;
}

export class Pipe implements Screen {
  readonly isTerminal = false;
  readonly canRedraw = false;
  readonly hasColor = false;
  readonly columns = 80;
  readonly rows = 24;
  text = "";
  #waiting: (() => void) | undefined;

  write(text: string): void {
    this.text += text;
    this.#waiting?.();
  }

  /** Resolves when the text has been written. */
  async until(wanted: string): Promise<void> {
    while (!this.text.includes(wanted)) {
      await new Promise<void>((resolve) => (this.#waiting = resolve));
    }
  }
}

export class TestCli {
  readonly stdout: Screen;
  /** The menus that were shown. */
  readonly asked: { readonly message: string; readonly choices: readonly Choice[] }[] = [];
  /** The programs that were started. */
  readonly started: { readonly command: readonly string[]; readonly env: Readonly<Record<string, string>> }[] = [];
  readonly out = new Pipe();
  readonly err = new Pipe();
  readonly #options: CliOptions;
  readonly #interrupts = new Set<() => void>();

  constructor(options: CliOptions) {
    this.#options = options;
    this.stdout = options.stdout ?? this.out;
  }

  /** As main does it: an error is one line, and the exit code tells of it. */
  async run(...argv: readonly string[]): Promise<Finished> {
    let exit = 0;
    try {
      await dispatch(argv, this.#context());
    } catch (error) {
      (this.#options.stderr ?? this.err).write(`Error: ${plainMessage(error)}\n`);
      exit = 1;
    }
    return { exit, stdout: this.out.text, stderr: this.err.text };
  }

  /** Ctrl-C, while a command listens to it. */
  interrupt(): void {
    for (const act of this.#interrupts) act();
  }

  #context(): CliContext {
    const { baseUrl, home = "/nonexistent", stdin, editor, stderr, platform, choose } = this.#options;
    return {
      config: readConfig({ HOME: home }),
      client: new Client({ baseUrl, userAgent: "ollama/test" }),
      stdout: this.stdout,
      stderr: stderr ?? this.err,
      stdin: {
        isTerminal: stdin === undefined,
        readAll: () => Promise.resolve(stdin ?? ""),
        editor: () => (editor === undefined ? Promise.reject(new Error("no editor")) : Promise.resolve(editor)),
      },
      platform: platform ?? "linux",
      choose: (message, choices) => {
        this.asked.push({ message, choices });
        return Promise.resolve(choose?.(message, choices));
      },
      runProgram: (command, env) => {
        this.started.push({ command, env });
        return Promise.resolve(0);
      },
      programVersion: () => Promise.resolve(this.#options.programVersion ?? ""),
      onInterrupt: (act) => {
        this.#interrupts.add(act);
        return { [Symbol.dispose]: () => void this.#interrupts.delete(act) };
      },
    };
  }
}

export function runCli(options: CliOptions, ...argv: readonly string[]): Promise<Finished> {
  return new TestCli(options).run(...argv);
}
