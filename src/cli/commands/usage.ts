// `ollama usage`: what each API key has used, as the server has counted it.

import type { CliContext } from "../context.ts";
import { renderTable } from "../ui/table.ts";

export async function run(_input: unknown, context: CliContext): Promise<void> {
  const { accounts } = await context.client.usage();
  const rows = accounts.map(({ name, id, budget, today, month }) => {
    const tokensToday = today.prompt_tokens + today.generated_tokens;
    return [
      name,
      id === name ? "-" : id,
      String(today.requests),
      String(tokensToday),
      budget === 0 ? "-" : String(budget),
      budget === 0 ? "-" : String(Math.max(0, budget - tokensToday)),
      String(month.requests),
      String(month.prompt_tokens + month.generated_tokens),
    ];
  });
  const header = ["NAME", "ID", "REQUESTS", "TOKENS TODAY", "BUDGET", "LEFT", "REQUESTS 31D", "TOKENS 31D"];
  context.stdout.write(renderTable(header, rows));
}
