// An engine that costs nothing, for measuring what stands in front of it: OpenAI's chat stream, `max_tokens` tokens, one every
// BENCH_TOKEN_MS. Prints its port.

const stepMs = Number(process.env["BENCH_TOKEN_MS"] ?? 20);
const encoder = new TextEncoder();
const event = (value: unknown) => encoder.encode(`data: ${JSON.stringify(value)}\n\n`);
const token = event({ choices: [{ index: 0, delta: { content: " word" }, finish_reason: null }] });
const stop = event({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] });

function answer(tokens: number): Response {
  let sent = 0;
  const usage = event({ choices: [], usage: { prompt_tokens: 1, completion_tokens: tokens } });
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (sent > 0 && stepMs > 0) await Bun.sleep(stepMs);
      if (sent++ < tokens) return controller.enqueue(token);
      for (const last of [stop, usage, encoder.encode("data: [DONE]\n\n")]) controller.enqueue(last);
      controller.close();
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  idleTimeout: 0,
  development: false,
  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname === "/v1/models") return Response.json({ data: [{ id: "fast", owned_by: "vllm" }] });
    if (pathname === "/version") return Response.json({ version: "0.32.0" });
    if (pathname !== "/v1/chat/completions") return new Response("Not Found", { status: 404 });
    const { max_tokens = 64 } = (await request.json()) as { max_tokens?: number };
    return answer(max_tokens);
  },
});
console.log(server.port);
