// A real pseudo-terminal with a shell in it: keys go in, the screen comes out, and the window can be resized and closed.

import { randomUUID } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { programCommand } from "./program.ts";
import type { TempHome } from "./temp-home.ts";

export const hasTmux = Bun.which("tmux") !== null;

const LIMIT_MS = 10_000;
const POLL_MS = 20;

export interface TmuxOptions {
  readonly columns: number;
  readonly rows?: number;
  readonly env?: Readonly<Record<string, string>>;
}

export class Tmux implements AsyncDisposable {
  readonly #socket = `test-${randomUUID().slice(0, 8)}`;

  /** The program under test is `ollama` there; the prompt is "$ ". */
  static async open(home: TempHome, { columns, rows = 24, env = {} }: TmuxOptions): Promise<Tmux> {
    const bin = join(home.path, "bin");
    await mkdir(bin, { recursive: true });
    const words = programCommand().map((word) => `'${word}'`);
    await writeFile(join(bin, "ollama"), `#!/bin/sh\nexec ${words.join(" ")} "$@"\n`, { mode: 0o755 });
    const all = { ...home.env, TERM: "xterm-256color", LANG: "C.UTF-8", ...env, PATH: `${bin}:${home.env["PATH"]}` };
    const pairs = Object.entries({ ...all, PS1: "$ " }).map(([name, value]) => `${name}=${value}`);
    const tmux = new Tmux();
    const size = ["-x", String(columns), "-y", String(rows)];
    // Its own configuration would make the tests those of its author.
    const shell = ["env", "-i", ...pairs, "bash", "--norc", "--noprofile", "-i"];
    await tmux.#do("-f", "/dev/null", "-u", "new-session", "-d", ...size, ...shell);
    await tmux.#do("set-option", "-g", "window-size", "manual");
    await tmux.until((screen) => screen.startsWith("$"));
    return tmux;
  }

  /** Text as it is typed. */
  async type(text: string): Promise<void> {
    await this.#do("send-keys", "-l", text);
  }

  /** Keys by tmux's names: "Enter", "C-c", "Down". */
  async press(...keys: string[]): Promise<void> {
    await this.#do("send-keys", ...keys);
  }

  async run(command: string): Promise<void> {
    await this.type(command);
    await this.press("Enter");
  }

  /** The visible rows, without blanks at their ends and without empty ones at the bottom. */
  async screen(): Promise<string> {
    const text = await this.#do("capture-pane", "-p");
    return text
      .split("\n")
      .map((line) => line.trimEnd())
      .join("\n")
      .trimEnd();
  }

  /** There is no event to wait for: another program draws. */
  async until(isWanted: string | ((screen: string) => boolean)): Promise<string> {
    const test = typeof isWanted === "string" ? (screen: string) => screen.includes(isWanted) : isWanted;
    const endMs = Date.now() + LIMIT_MS;
    for (;;) {
      const screen = await this.screen();
      if (test(screen)) return screen;
      if (Date.now() > endMs) throw new Error(`not what was waited for:\n${screen}`);
      await Bun.sleep(POLL_MS);
    }
  }

  async resize(columns: number, rows = 24): Promise<void> {
    await this.#do("resize-window", "-x", String(columns), "-y", String(rows));
  }

  /** What a shell needs of its terminal: lines and echo, and a cursor that shows. */
  async isSane(): Promise<boolean> {
    await this.run("clear; stty -a | grep -o -E -- '-?\\b(isig|icanon|echo)\\b' | tr '\\n' ' '; echo END");
    const screen = await this.until(/^-?isig .*END$/m.test.bind(/^-?isig .*END$/m));
    const cursor = await this.#do("display-message", "-p", "#{cursor_flag}");
    return screen.startsWith("isig icanon echo END") && cursor.trim() === "1";
  }

  async exitCode(): Promise<number> {
    await this.run("echo code=$?=");
    const screen = await this.until(/code=\d+=/.test.bind(/code=\d+=/));
    return Number(/code=(\d+)=/.exec(screen)?.[1]);
  }

  /** As when its window is closed. */
  async close(): Promise<void> {
    await this.#do("kill-server");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#do("kill-server").catch(() => {});
  }

  async #do(...args: string[]): Promise<string> {
    const child = Bun.spawn(["tmux", "-L", this.#socket, ...args], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
    const [output, errors] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    if ((await child.exited) !== 0) throw new Error(`tmux ${args[0]}: ${errors}`);
    return output;
  }
}
