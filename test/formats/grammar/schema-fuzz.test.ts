// Random schemas: each is either refused with an `invalid` error, or ajv accepts all that is drawn from its grammar.

import { expect, test } from "bun:test";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { AppError } from "../../../src/base/errors.ts";
import { checkGrammar } from "../../../src/formats/grammar/gbnf-check.ts";
import { schemaToGrammar } from "../../../src/formats/grammar/schema-to-gbnf.ts";
import { GrammarSampler } from "../../support/grammar-sampler.ts";
import { SchemaMaker } from "../../support/schema-maker.ts";
import { seededRandom } from "../../support/seeded-random.ts";

const SCHEMAS = 120;
const SAMPLES = 12;

const ajv = new Ajv2020({ strict: false, multipleOfPrecision: 9, logger: false });
addFormats(ajv);

function grammarOrRefusal(schema: unknown): string | AppError {
  try {
    return schemaToGrammar(schema);
  } catch (error) {
    if (error instanceof AppError && error.fault === "invalid" && error.message.startsWith("invalid JSON schema"))
      return error;
    throw error;
  }
}

test("whatever is written for a random schema satisfies it", () => {
  const random = seededRandom(11);
  const maker = new SchemaMaker(random);
  let kept = 0;
  for (let i = 0; i < SCHEMAS; i++) {
    const schema = maker.document();
    const grammar = grammarOrRefusal(schema);
    if (grammar instanceof AppError) continue;
    const validate = ajv.compile(schema);
    kept += 1;
    const sampler = new GrammarSampler(checkGrammar(grammar));
    for (let j = 0; j < SAMPLES; j++) {
      const text = sampler.sample(random, 120);
      if (!validate(JSON.parse(text))) throw new Error(`${text} does not satisfy ${JSON.stringify(schema)}`);
    }
  }
  // Refusing everything would be sound too.
  expect(kept).toBeGreaterThan(SCHEMAS / 3);
});
