// `ollama serve`: runs the server in this process until it is told to stop.

import type { CliContext } from "../context.ts";

export async function run(_input: unknown, { config }: CliContext): Promise<void> {
  const { liftRequestLimit } = await import("../../runner/self.ts");
  liftRequestLimit();
  const { serve } = await import("../../server/serve.ts");
  await serve(config);
}
