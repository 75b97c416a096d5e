// Every case of test/fixtures/modelfile, recorded from Ollama's own parser, through ours.

import { describe, expect, test } from "bun:test";
import { AppError } from "../../../src/base/errors.ts";
import { interpretModelfile } from "../../../src/formats/modelfile/interpret.ts";
import { parseModelfile } from "../../../src/formats/modelfile/parse.ts";
import { modelfileToText } from "../../../src/formats/modelfile/print.ts";
import recorded from "../../fixtures/modelfile/goldens.json";

interface Golden {
  name: string;
  text?: string;
  hex?: string;
  error?: string;
  commands?: { name: string; args: string }[];
  printed?: string;
  request?: Record<string, unknown>;
  requestError?: string;
  warnings?: string;
}

const goldens: Golden[] = recorded;

function sourceOf(golden: Golden): Uint8Array {
  return golden.hex === undefined ? new TextEncoder().encode(golden.text ?? "") : Buffer.from(golden.hex, "hex");
}

function messageOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof AppError && error.fault === "invalid") return error.message;
    throw error;
  }
  return "no error";
}

/** What Ollama would send for this Modelfile; fields that are empty are left out, as its JSON leaves them out. */
function requestOf(golden: Golden): Record<string, unknown> {
  const content = interpretModelfile(parseModelfile(sourceOf(golden)));
  const fields: Record<string, unknown> = {
    from: content.from.at(-1),
    license: content.licenses,
    messages: content.messages,
    parameters: content.parameters,
    template: content.template,
    system: content.system,
    renderer: content.renderer,
    parser: content.parser,
    requires: content.requires,
  };
  const isEmpty = (value: unknown) => Object.keys(Object(value)).length === 0 && typeof value !== "number";
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== "" && !isEmpty(value)));
}

describe("Modelfile goldens", () => {
  test("there are enough of them to mean something", () => expect(goldens.length).toBeGreaterThan(100));

  test.each(goldens.filter((golden) => golden.error !== undefined))(
    "$name is refused as Ollama refuses it",
    (golden) => {
      expect(messageOf(() => parseModelfile(sourceOf(golden)))).toBe(golden.error ?? "");
    },
  );

  test.each(goldens.filter((golden) => golden.commands !== undefined))("$name parses and prints the same", (golden) => {
    const modelfile = parseModelfile(sourceOf(golden));
    expect([...modelfile.commands]).toEqual(golden.commands ?? []);
    expect(modelfileToText(modelfile)).toBe(golden.printed ?? "");
  });

  test.each(goldens.filter((golden) => golden.request !== undefined))("$name means the same request", (golden) => {
    const { model: _model, stream: _stream, ...wanted } = golden.request ?? {};
    for (const [key, value] of Object.entries(wanted)) if (value === "" || value === null) delete wanted[key];
    expect(requestOf(golden)).toEqual(wanted);
    const { warnings } = interpretModelfile(parseModelfile(sourceOf(golden)));
    expect(warnings.map((line) => `${line}\n`).join("")).toBe(golden.warnings ?? "");
  });

  test.each(goldens.filter((golden) => golden.requestError !== undefined))(
    "$name cannot become a request",
    (golden) => {
      const parsed = parseModelfile(sourceOf(golden));
      expect(messageOf(() => interpretModelfile(parsed))).toBe(golden.requestError ?? "");
    },
  );
});
