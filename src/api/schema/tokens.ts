// POST /api/tokenize and /api/detokenize. Not in Ollama.

import { type Static, Type as t } from "@sinclair/typebox";

export const TokenizeRequest = t.Object(
  {
    model: t.Optional(t.String()),
    text: t.Optional(t.String()),
    content: t.Optional(t.String({ description: "Other name for `text`" })),
  },
  { title: "TokenizeRequest", description: "Text to token ids" },
);
export type TokenizeRequest = Static<typeof TokenizeRequest>;

export const TokenizeResponse = t.Object(
  { model: t.String(), tokens: t.Array(t.Integer()) },
  { title: "TokenizeResponse" },
);
export type TokenizeResponse = Static<typeof TokenizeResponse>;

export const DetokenizeRequest = t.Object(
  { model: t.Optional(t.String()), tokens: t.Optional(t.Array(t.Integer(), { goType: "[]int" })) },
  { title: "DetokenizeRequest", description: "Token ids to text" },
);
export type DetokenizeRequest = Static<typeof DetokenizeRequest>;

export const DetokenizeResponse = t.Object({ model: t.String(), text: t.String() }, { title: "DetokenizeResponse" });
export type DetokenizeResponse = Static<typeof DetokenizeResponse>;
