// The tokens of a query and a document as a cross-encoder was trained to see them: <s> query </s></s> document </s> or
// [CLS] query [SEP] document [SEP], as its tokenizer says, or its own template. A document that is too long is cut.

import { AppError } from "../../base/errors.ts";
import type { Model } from "../llama/model.ts";

type Vocabulary = Pick<
  Model,
  "addsBos" | "addsEos" | "addsSep" | "bosToken" | "eosToken" | "sepToken" | "rankTemplate" | "tokenize" | "rawPiece"
>;

/** Throws `invalid` when the query leaves no room for any of the document. */
export function rankTokens(model: Vocabulary, query: string, document: string, limit: number): number[] {
  const pair = model.rankTemplate === undefined ? framed : fromTemplate;
  const text = (value: string) => [...model.tokenize(value, { addSpecial: false, parseSpecial: false })];
  const documentTokens = text(document);
  const tokens = pair(model, text(query), documentTokens, { query, document });
  const excess = tokens.length - limit;
  if (excess <= 0) return tokens;
  for (let kept = documentTokens.length - excess; kept > 0; kept -= CUT_STEP) {
    const start = documentTokens.slice(0, kept);
    const shorter = Buffer.concat(start.map((token) => model.rawPiece(token, false))).toString("utf8");
    const cut = pair(model, text(query), start, { query, document: shorter });
    if (cut.length <= limit) return cut;
  }
  throw new AppError("invalid", `the query leaves no room for a document in a context of ${limit} tokens`);
}

/** Text that was cut may become other tokens, and more of them, inside a template; then a little more is cut. */
const CUT_STEP = 8;

type Pair = (
  model: Vocabulary,
  query: readonly number[],
  document: readonly number[],
  texts: { readonly query: string; readonly document: string },
) => number[];

const framed: Pair = (model, query, document) => {
  const end = model.addsEos ? [model.eosToken] : [];
  const between = model.addsSep ? [model.sepToken] : [];
  return [
    ...(model.addsBos ? [model.bosToken] : []),
    ...query,
    ...end,
    ...between,
    ...document,
    ...(model.addsEos ? end : between),
  ];
};

const fromTemplate: Pair = (model, _query, _document, texts) => {
  const prompt = (model.rankTemplate ?? "").replaceAll(
    /\{(query|document)\}/g,
    (_, name: "query" | "document") => texts[name],
  );
  return [...model.tokenize(prompt, { addSpecial: false, parseSpecial: true })];
};
