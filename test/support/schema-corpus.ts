// The schemas of test/fixtures/grammar/schemas.json: for each a few values its grammar must take and must refuse.

import corpus from "../fixtures/grammar/schemas.json";

export interface SchemaCase {
  readonly name: string;
  /** Which draft reads it as meant; 2020-12 unless told otherwise. */
  readonly draft?: number;
  readonly schema: unknown;
  /** Written in schema order. */
  readonly valid: readonly unknown[];
  readonly invalid: readonly unknown[];
}

export const schemaCases: readonly SchemaCase[] = corpus;
