// Every case of test/fixtures/gotemplate/language-cases.json against what Go's text/template made of it.

import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../../../src/base/errors.ts";
import { executeTemplate } from "../../../src/formats/gotemplate/evaluate.ts";
import { isBuiltin } from "../../../src/formats/gotemplate/functions.ts";
import { parseTemplate } from "../../../src/formats/gotemplate/parse.ts";
import {
  ANY_MAP,
  ANY_SLICE,
  boxed,
  BYTES,
  FLOAT64,
  fromJson,
  intValue,
  STRING_SLICE,
  stringValue,
  type Value,
} from "../../../src/formats/gotemplate/value.ts";

interface Golden {
  group: string;
  source: string;
  output?: string;
  error?: string;
}

interface Group {
  name: string;
  data: unknown;
  missingKey?: "zero";
}

const fixtures = join(import.meta.dir, "../../fixtures/gotemplate");
const groups = JSON.parse(readFileSync(join(fixtures, "language-cases.json"), "utf8")) as Group[];
const goldens = readFileSync(join(fixtures, "language-goldens.jsonl"), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as Golden);

/** {"$int": 1} and its kin stand for Go types that JSON cannot express. */
function typed(data: unknown): Value {
  if (Array.isArray(data)) return { kind: "slice", type: ANY_SLICE, items: data.map((item) => boxed(typed(item))) };
  if (typeof data !== "object" || data === null) return fromJson(data);
  if ("$int" in data) return intValue(Number(data.$int));
  if ("$bytes" in data) return { kind: "slice", type: BYTES, items: Buffer.from(String(data.$bytes), "base64") };
  if ("$strings" in data)
    return { kind: "slice", type: STRING_SLICE, items: (data.$strings as string[]).map(stringValue) };
  if ("$float" in data)
    return { kind: "float", type: FLOAT64, value: Number(String(data.$float).replace("Inf", "Infinity")) };
  return {
    kind: "map",
    type: ANY_MAP,
    entries: new Map(Object.entries(data).map(([key, item]) => [key, boxed(typed(item))])),
  };
}

function outcome(source: string, group: Group): Pick<Golden, "output" | "error"> {
  try {
    const template = parseTemplate(source, isBuiltin);
    return { output: executeTemplate(template, typed(group.data), { missingKey: group.missingKey ?? "invalid" }) };
  } catch (error) {
    if (error instanceof AppError) return { error: error.message };
    throw error;
  }
}

describe("a template behaves as in Go:", () => {
  for (const group of groups) {
    const cases = goldens.filter((golden) => golden.group === group.name);
    test.each(cases.map((golden) => [golden.source, golden] as const))(`${group.name}: %s`, (source, golden) => {
      const { output, error } = golden;
      expect(outcome(source, group)).toEqual(error === undefined ? { output: output ?? "" } : { error });
    });
  }
});

test("more than 300 cases are recorded, in the order of the case file", () => {
  expect(goldens.length).toBeGreaterThan(300);
  const sources = JSON.parse(readFileSync(join(fixtures, "language-cases.json"), "utf8")) as { sources: string[] }[];
  expect(goldens.map(({ source }) => source)).toEqual(sources.flatMap((group) => group.sources));
});
