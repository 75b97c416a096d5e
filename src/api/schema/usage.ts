// GET /api/usage: what keys have used. Not in Ollama.

import { type Static, Type as t } from "@sinclair/typebox";

export const UsageSpent = t.Object({
  requests: t.Integer(),
  prompt_tokens: t.Integer(),
  generated_tokens: t.Integer(),
});
export type UsageSpent = Static<typeof UsageSpent>;

export const UsageAccount = t.Object({
  /** A key's id; "local" and "remote" are those without a key. */
  id: t.String(),
  name: t.String(),
  /** Tokens a day, and requests at the same time; 0 is no limit. */
  budget: t.Integer(),
  limit: t.Integer(),
  today: UsageSpent,
  /** The last 31 days, today included. */
  month: UsageSpent,
});
export type UsageAccount = Static<typeof UsageAccount>;

export const UsageResponse = t.Object(
  {
    /** UTC. */
    day: t.String(),
    /** The id of the key that asked, "" without one. */
    key: t.String(),
    accounts: t.Array(UsageAccount),
  },
  { title: "UsageResponse" },
);
export type UsageResponse = Static<typeof UsageResponse>;
