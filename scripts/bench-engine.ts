// An engine that costs nothing, for measuring what stands in front of it: OpenAI's chat stream, `max_tokens` tokens, one every
// BENCH_TOKEN_MS. With BENCH_UPSTREAM it passes requests on to that address instead, and does nothing else: the least that
// a server on this runtime can cost. Prints its port.

const upstream = process.env["BENCH_UPSTREAM"] ?? "";

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
    if (upstream !== "") {
      const passed = await fetch(upstream + pathname, { method: "POST", body: await request.text(), proxy: false });
      return new Response(passed.body, { headers: { "content-type": "text/event-stream" } });
    }
    if (pathname === "/v1/models") return Response.json({ data: [{ id: "fast", owned_by: "vllm" }] });
    if (pathname === "/version") return Response.json({ version: "0.32.0" });
    if (pathname !== "/v1/chat/completions") return new Response("Not Found", { status: 404 });
    const { max_tokens = 64 } = (await request.json()) as { max_tokens?: number };
    return answer(max_tokens);
  },
});
console.log(server.port);
