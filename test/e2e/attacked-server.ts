// The executable as a target: what an attack leaves behind is looked at after each, and it must be nothing.

import { expect } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { digestOf } from "../../src/base/digest.ts";
import { startServer, type TestServer } from "../support/server.ts";

const MIB = 1024 * 1024;

export interface Reply {
  readonly status: number;
  readonly text: string;
}

export class Target implements AsyncDisposable {
  readonly #pid: number;

  private constructor(readonly server: TestServer) {
    this.#pid = server.pid;
  }

  static async start(env: Readonly<Record<string, string>> = {}, hostname = "127.0.0.1"): Promise<Target> {
    return new Target(await startServer({ env, hostname }));
  }

  async send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Reply> {
    const init: RequestInit = { method, headers, redirect: "manual" };
    if (body !== undefined) init.body = body instanceof Uint8Array ? body : JSON.stringify(body);
    const response = await fetch(`${this.server.baseUrl}${path}`, { ...init, proxy: false } as RequestInit);
    return { status: response.status, text: await response.text() };
  }

  post(path: string, body: unknown): Promise<Reply> {
    return this.send("POST", path, body);
  }

  /** Bytes as they are, and the status of the answer: for what no client library would send. */
  async raw(bytes: string | Uint8Array): Promise<number> {
    const socket = connect(this.server.port, "127.0.0.1");
    const text = await new Promise<string>((resolve) => {
      let received = "";
      socket.on("data", (chunk: Buffer) => {
        received += chunk.toString("latin1");
        if (received.includes("\r\n")) resolve(received);
      });
      socket.on("close", () => resolve(received));
      socket.on("error", () => resolve(received));
      socket.write(bytes);
    });
    socket.destroy();
    return Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0);
  }

  /** Uploads a file and makes a model of it. */
  async createFrom(bytes: Uint8Array, more: Readonly<Record<string, unknown>> = {}): Promise<Reply> {
    const digest = digestOf(bytes);
    const upload = await this.send("POST", `/api/blobs/${digest}`, bytes);
    if (upload.status >= 300) return upload;
    return this.post("/api/create", { model: "attack", files: { "model.gguf": digest }, stream: false, ...more });
  }

  get residentBytes(): number {
    const status = readFileSync(`/proc/${this.#pid}/status`, "utf8");
    return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) * 1024;
  }

  get descriptors(): number {
    return readdirSync(`/proc/${this.#pid}/fd`).length;
  }

  /** Still the same process, still answering, with no model that an attack made and without its memory. */
  async expectUnharmed(memoryBefore?: number): Promise<void> {
    const tags = await this.send("GET", "/api/tags");
    expect(tags.status).toBe(200);
    expect(tags.text).not.toContain("attack");
    expect(this.server.pid).toBe(this.#pid);
    if (memoryBefore !== undefined) expect(this.residentBytes - memoryBefore).toBeLessThan(64 * MIB);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
  }
}
