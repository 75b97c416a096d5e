// A server with the small real model on it, for tests that drive it with other people's clients.

import { fetchSmallModel, smallModelName } from "../../scripts/small-model.mjs";
import { startServer, type TestServer } from "../support/server.ts";

export async function smallModelServer(
  env: Readonly<Record<string, string>> = {},
  hostname = "127.0.0.1",
): Promise<TestServer> {
  const server = await startServer({ env, hostname });
  try {
    const digest = await uploadSmallModel(server);
    await created(server, smallModelName, digest);
    return server;
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

export async function uploadSmallModel({ baseUrl }: TestServer): Promise<string> {
  const bytes = await Bun.file(fetchSmallModel()).bytes();
  const digest = `sha256:${new Bun.CryptoHasher("sha256").update(bytes).digest("hex")}`;
  const response = await fetch(`${baseUrl}/api/blobs/${digest}`, { method: "POST", body: bytes, proxy: false });
  if (!response.ok) throw new Error(`the model could not be uploaded: ${response.status}`);
  return digest;
}

export async function created({ baseUrl }: TestServer, model: string, digest: string): Promise<void> {
  const body = JSON.stringify({ model, files: { "model.gguf": digest } });
  const response = await fetch(`${baseUrl}/api/create`, { method: "POST", body, proxy: false });
  const text = await response.text();
  if (!response.ok || text.includes('"error"')) throw new Error(`${model} could not be created: ${text}`);
}
