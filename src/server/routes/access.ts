// What the server tells about itself to those who watch it: readiness, figures, and who has used what.

import { Elysia } from "elysia";
import type { UsageAccount, UsageResponse, UsageSpent } from "../../api/schema/usage.ts";
import { dayOf, type UsageRow } from "../../access/usage-ledger.ts";
import { jsonResponse } from "../errors.ts";
import type { Gate } from "../gate.ts";
import { currentRequest } from "../request-context.ts";

export function accessRoutes(gate: Gate) {
  const about = (summary: string) => ({ detail: { summary, tags: ["server"] } });
  return new Elysia()
    .get("/ready", () => ready(gate), about("Should it get requests?"))
    .get("/metrics", () => metrics(gate), about("Figures in Prometheus' form"))
    .get("/api/usage", () => jsonResponse(usage(gate)), about("What keys have used"));
}

function ready({ readiness }: Gate): Response {
  return jsonResponse({ status: readiness }, readiness === "ready" ? 200 : 503);
}

async function metrics({ parts }: Gate): Promise<Response> {
  return new Response(await parts.metrics.text(), { headers: { "content-type": parts.metrics.contentType } });
}

/** All of it for who is in charge, else the caller's own. */
function usage({ parts }: Gate): UsageResponse {
  const today = dayOf(Date.now());
  const rows = parts.ledger.rows();
  const { keys } = parts.keys.table();
  const context = currentRequest();
  const known = keys.map(({ id, name, budget, limit }) => ({ id, name, budget, limit }));
  const others = [...new Set(rows.map(({ who }) => who))].filter((who) => !keys.some(({ id }) => id === who));
  const all = [...known, ...others.map((who) => ({ id: who, name: nameOf(who), budget: 0, limit: 0 }))];
  const accounts: UsageAccount[] = all
    .filter(({ id }) => context?.isInCharge === true || id === context?.keyId)
    .map((account) => {
      const own = rows.filter(({ who }) => who === account.id);
      return { ...account, today: sum(own.filter(({ day }) => day === today)), month: sum(own) };
    });
  return { day: today, key: context?.keyId ?? "", accounts };
}

function nameOf(who: string): string {
  return who === "local" || who === "remote" ? who : "(revoked)";
}

function sum(rows: readonly UsageRow[]): UsageSpent {
  const total = (of: (row: UsageRow) => number) => rows.reduce((count, row) => count + of(row), 0);
  return {
    requests: total((row) => row.requests),
    prompt_tokens: total((row) => row.promptTokens),
    generated_tokens: total((row) => row.generatedTokens),
  };
}
