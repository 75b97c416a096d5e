// The editor's terminal on the process's own standard input and output.

import { rawMode, type Screen } from "../ui/terminal.ts";
import { afterSuddenEnd, type EditorTerminal } from "./line-editor.ts";

const ESCAPE_MS = 50;

export interface StdinTerminalOptions {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly screen: Screen;
  readonly edit: (text: string) => Promise<string | undefined>;
}

export function stdinTerminal({ stdin, stdout, screen, edit }: StdinTerminalOptions): EditorTerminal {
  return {
    screen,
    edit,
    read: () => readOnce(stdin),
    raw: () => rawMode(stdin, () => screen.write(afterSuddenEnd)),
    onResize: (act) => {
      stdout.on("resize", act);
      return { [Symbol.dispose]: () => void stdout.off("resize", act) };
    },
    suspend: () => {
      // The whole group, as the terminal itself would do it: shells wait for all of a job. Windows has no such thing.
      if (process.platform !== "win32") process.kill(0, "SIGSTOP");
    },
    escapeTimeout: () => Bun.sleep(ESCAPE_MS),
  };
}

/** Listens only while somebody waits, so that an editor started in between gets all the keys. */
async function readOnce(stdin: NodeJS.ReadStream): Promise<Uint8Array | undefined> {
  if (stdin.readableEnded || stdin.destroyed) return undefined;
  return new Promise((resolve) => {
    const settle = (bytes: Uint8Array | undefined): void => {
      stdin.off("data", onData);
      stdin.off("end", onEnd);
      stdin.off("error", onEnd);
      stdin.pause();
      resolve(bytes);
    };
    const onData = (chunk: Uint8Array | string): void => {
      settle(typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk);
    };
    const onEnd = (): void => settle(undefined);
    stdin.on("data", onData);
    stdin.on("end", onEnd);
    stdin.on("error", onEnd);
    stdin.resume();
  });
}
