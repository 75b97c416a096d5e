// A real server for heavy tests: the program under test in a home of its own, on a port the system picks. It is ended by
// its process id, whatever happens in the test.

import { createServer } from "node:net";
import { programCommand } from "./program.ts";
import { type TempHome, tempHome } from "./temp-home.ts";

export interface TestServer extends AsyncDisposable {
  readonly baseUrl: string;
  readonly port: number;
  readonly pid: number;
  readonly home: TempHome;
  /** For clients of this server: its home and its OLLAMA_HOST. */
  readonly env: Readonly<Record<string, string>>;
  /** What the server has written so far, both streams. */
  log(): string;
  /** Ends it at once, as a crash would. */
  kill(): Promise<void>;
}

export interface TestServerOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly startMs?: number;
  /** A command that starts the server's: with limits, as another user. */
  readonly launcher?: readonly string[];
  /** Where it listens; 127.0.0.1 unless given. */
  readonly hostname?: string;
  /** A home that outlives the server; its own, which goes with it, unless given. */
  readonly home?: TempHome;
  /** Any free one unless given. */
  readonly port?: number;
}

const POLL_MS = 25;
const STOP_MS = 10_000;

export async function startServer(options: TestServerOptions = {}): Promise<TestServer> {
  const { env = {}, startMs = 60_000, hostname = "127.0.0.1", launcher = [] } = options;
  const home = options.home ?? (await tempHome());
  const port = options.port ?? (await freePort());
  const ownEnv = { ...home.env, OLLAMA_HOST: `${hostname}:${port}`, ...env };
  const child = Bun.spawn([...launcher, ...programCommand(), "serve"], {
    env: ownEnv,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  let log = "";
  const collected = Promise.all([child.stdout, child.stderr].map((stream) => collect(stream, (text) => (log += text))));
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
    await child.exited;
    clearTimeout(timer);
    await collected;
    if (options.home === undefined) await home[Symbol.asyncDispose]();
  };
  const baseUrl = `http://127.0.0.1:${port}`;
  try {
    await untilAnswering(baseUrl, startMs, () => child.exitCode);
  } catch (error) {
    await stop();
    throw new Error(`the server did not start: ${String(error)}\n${log}`, { cause: error });
  }
  return {
    baseUrl,
    port,
    pid: child.pid,
    home,
    env: ownEnv,
    log: () => log,
    async kill() {
      child.kill("SIGKILL");
      await child.exited;
    },
    [Symbol.asyncDispose]: stop,
  };
}

async function collect(stream: ReadableStream<Uint8Array>, add: (text: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of stream) add(decoder.decode(chunk, { stream: true }));
}

/** There is no event to wait for: another process begins to listen. */
async function untilAnswering(baseUrl: string, limitMs: number, exitCode: () => number | null): Promise<void> {
  const endMs = Date.now() + limitMs;
  for (;;) {
    const answer = await fetch(baseUrl, { proxy: false }).catch(() => undefined);
    // One that asks for a key has started too.
    if (answer?.ok === true || answer?.status === 401) return;
    if (exitCode() !== null) throw new Error(`it ended with ${exitCode()}`);
    if (Date.now() > endMs) throw new Error(`no answer within ${limitMs} ms`);
    await Bun.sleep(POLL_MS);
  }
}

export async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}
