// Soundness: ajv accepts whatever is drawn from a schema's grammar. Completeness: the grammar takes the listed instances,
// compact and indented. Both over the corpus of schemas in test/fixtures/grammar.

import { describe, expect, test } from "bun:test";
import Ajv from "ajv";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { checkGrammar } from "../../../src/formats/grammar/gbnf-check.ts";
import { GrammarMatcher } from "../../../src/formats/grammar/gbnf-match.ts";
import { schemaToGrammar } from "../../../src/formats/grammar/schema-to-gbnf.ts";
import { GrammarSampler } from "../../support/grammar-sampler.ts";
import { type SchemaCase, schemaCases } from "../../support/schema-corpus.ts";
import { seededRandom } from "../../support/seeded-random.ts";

const SAMPLES = 25;

const options = { strict: false, multipleOfPrecision: 9, logger: false } as const;
const current = new Ajv2020(options);
const draft7 = new Ajv(options);
addFormats(current);
addFormats(draft7);

/** ajv as the judge; what no version of it can read (draft 4) is judged by the listed instances only. */
function judge({ schema, draft }: SchemaCase): ((value: unknown) => boolean) | undefined {
  if (draft === 4) return undefined;
  const validate = (draft === 7 ? draft7 : current).compile(schema as object | boolean);
  return (value) => validate(value) === true;
}

function takes(matcher: GrammarMatcher, text: string): boolean {
  const copy = matcher.clone();
  return copy.advanceText(text) && copy.canEnd;
}

test("the corpus is large enough to mean something", () => {
  expect(schemaCases.length).toBeGreaterThanOrEqual(80);
  expect(new Set(schemaCases.map(({ name }) => name)).size).toBe(schemaCases.length);
});

describe.each(schemaCases.map((item) => [item.name, item] as const))("%s", (_, item) => {
  const grammar = checkGrammar(schemaToGrammar(item.schema));
  const matcher = GrammarMatcher.create(grammar);
  const isValid = judge(item);

  test("everything drawn from the grammar is valid and is read back", () => {
    const sampler = new GrammarSampler(grammar);
    const random = seededRandom(1);
    for (let i = 0; i < SAMPLES; i++) {
      const text = sampler.sample(random, 150);
      if (!takes(matcher, text)) throw new Error(`the matcher refuses ${text}`);
      if (isValid?.(JSON.parse(text)) === false) throw new Error(`not valid: ${text}`);
    }
  });

  test("the listed instances fit, however they are indented", () => {
    for (const value of item.valid) {
      for (const indent of [0, 2, "\t"]) {
        const text = JSON.stringify(value, null, indent);
        if (!takes(matcher, text)) throw new Error(`refused: ${text}`);
      }
      if (isValid?.(value) === false) throw new Error(`the corpus lists an invalid value: ${JSON.stringify(value)}`);
    }
  });

  test("the listed counter-examples do not fit", () => {
    for (const value of item.invalid) {
      const text = JSON.stringify(value);
      if (takes(matcher, text)) throw new Error(`accepted: ${text}`);
    }
  });
});
