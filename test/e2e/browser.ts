// A headless Chromium for tests that must see a page as a person does: driven over the DevTools protocol, in a profile of its
// own, ended by its process id.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];

/** Where Chromium is installed here; undefined where it is not. */
export function chromium(): string | undefined {
  return NAMES.map((name) => Bun.which(name)).find((path) => path !== null) ?? undefined;
}

interface Reply {
  readonly id?: number;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly message: string };
}

export class Page implements AsyncDisposable {
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  #last = 0;
  #session: string | undefined;

  private constructor(
    private readonly socket: WebSocket,
    private readonly end: () => Promise<void>,
  ) {
    socket.addEventListener("message", ({ data }) => {
      const reply = JSON.parse(String(data)) as Reply;
      if (reply.id !== undefined) this.#waiting.get(reply.id)?.(reply);
    });
  }

  static async open(program: string, url: string): Promise<Page> {
    const profile = await mkdtemp(join(tmpdir(), "chromium-"));
    const flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--no-proxy-server"];
    const child = Bun.spawn(
      [program, ...flags, "--remote-debugging-port=0", `--user-data-dir=${profile}`, "about:blank"],
      { env: { ...process.env, HOME: profile }, stdin: "ignore", stdout: "ignore", stderr: "pipe" },
    );
    const end = async () => {
      child.kill("SIGTERM");
      await child.exited;
      // Its helper processes write for a moment longer.
      await rm(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    };
    try {
      const socket = new WebSocket(await debuggerAddress(child.stderr));
      await new Promise((resolve, reject) => {
        socket.addEventListener("open", resolve, { once: true });
        socket.addEventListener("error", reject, { once: true });
      });
      const page = new Page(socket, end);
      const { targetId } = await page.#send("Target.createTarget", { url });
      const attached = await page.#send("Target.attachToTarget", { targetId, flatten: true });
      page.#session = String(attached["sessionId"]);
      return page;
    } catch (error) {
      await end();
      throw error;
    }
  }

  /** What an expression comes to in the page, its promise awaited. */
  async evaluate(expression: string): Promise<unknown> {
    const answer = await this.#send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
    if (answer["exceptionDetails"] !== undefined) throw new Error(JSON.stringify(answer["exceptionDetails"]));
    return (answer["result"] as { readonly value?: unknown }).value;
  }

  /** The expression's value as soon as it is truthy, on whatever page comes; undefined when it was not within the limit. */
  async until(expression: string, limitMs: number): Promise<unknown> {
    const endMs = Date.now() + limitMs;
    for (;;) {
      try {
        return await this.evaluate(whenTruthy(expression, endMs - Date.now()));
      } catch (error) {
        // The page went elsewhere while it was watched.
        if (!String(error).includes("context was destroyed") || Date.now() > endMs) throw error;
      }
    }
  }

  async type(text: string): Promise<void> {
    await this.#send("Input.insertText", { text });
  }

  /** Clicks the element as soon as it is there. */
  async click(element: string, limitMs = 60_000): Promise<void> {
    const clicked = await this.until(`((found) => found && (found.click(), true))(${element})`, limitMs);
    if (clicked !== true) throw new Error(`not on the page within ${limitMs} ms: ${element}`);
  }

  async screenshot(path: string): Promise<void> {
    const { data } = await this.#send("Page.captureScreenshot", { format: "png" });
    await Bun.write(path, Buffer.from(String(data), "base64"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.close();
    await this.end();
  }

  async #send(method: string, params: Readonly<Record<string, unknown>>): Promise<Readonly<Record<string, unknown>>> {
    const id = ++this.#last;
    const sessionId = this.#session === undefined ? {} : { sessionId: this.#session };
    const reply = await new Promise<Reply>((resolve, reject) => {
      this.#waiting.set(id, resolve);
      this.socket.addEventListener("close", () => reject(new Error("the browser went away")), { once: true });
      this.socket.send(JSON.stringify({ id, method, params, ...sessionId }));
    });
    this.#waiting.delete(id);
    if (reply.error !== undefined) throw new Error(`${method}: ${reply.error.message}`);
    return reply.result ?? {};
  }
}

function whenTruthy(expression: string, limitMs: number): string {
  return `new Promise((resolve) => {
    const look = () => {
      const value = (() => { try { return ${expression}; } catch { return undefined; } })();
      if (value) { watcher.disconnect(); resolve(value); }
    };
    const watcher = new MutationObserver(look);
    watcher.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
    setTimeout(() => { watcher.disconnect(); resolve(undefined); }, ${limitMs});
    look();
  })`;
}

async function debuggerAddress(stderr: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of stderr) {
    text += decoder.decode(chunk, { stream: true });
    const address = /DevTools listening on (ws:\S+)/.exec(text)?.[1];
    if (address !== undefined) return address;
  }
  throw new Error(`the browser did not start:\n${text}`);
}
