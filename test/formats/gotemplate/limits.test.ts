// A hostile template or hostile data costs bounded time and memory and fails with an AppError.

import { describe, expect, test } from "bun:test";
import { AppError } from "../../../src/base/errors.ts";
import { Budget } from "../../../src/formats/gotemplate/budget.ts";
import { executeTemplate } from "../../../src/formats/gotemplate/evaluate.ts";
import { isBuiltin } from "../../../src/formats/gotemplate/functions.ts";
import { parseTemplate } from "../../../src/formats/gotemplate/parse.ts";
import { anyMap, fromJson } from "../../../src/formats/gotemplate/value.ts";

function run(source: string, data: unknown = {}, budget?: Budget): string {
  const template = parseTemplate(source, isBuiltin);
  return executeTemplate(template, fromJson(data), budget ? { budget } : {});
}

/** The error under a tenth of the usual limits, so that reaching them is quick. */
function failure(source: string, data?: unknown, steps = 400_000): string {
  const started = performance.now();
  let message = "no error";
  try {
    run(source, data, new Budget({ steps, outputChars: 6_000_000 }));
  } catch (error) {
    expect(error).toBeInstanceOf(AppError);
    message = error instanceof AppError ? error.message : "";
  }
  expect(performance.now() - started).toBeLessThan(2000);
  return message;
}

const tooManySteps = "template: execution takes too many steps";
const tooLarge = "template: output is too large";

describe("an execution ends", () => {
  test("when loops run on", () => {
    expect(() => run("{{ range 1000000000000 }}{{ end }}")).toThrow(tooManySteps);
    expect(failure("{{ range 100000 }}{{ range 100000 }}x{{ end }}{{ end }}")).toBe(tooManySteps);
  });

  test("when the output grows without end", () => {
    expect(failure('{{ range 100000 }}{{ printf "%1000000d" 1 }}{{ end }}', {}, 4_000_000)).toBe(tooLarge);
    expect(failure(`{{ printf "${"%1000000d".repeat(1000)}" ${"1 ".repeat(1000)} }}`, {}, 4_000_000)).toBe(tooLarge);
  });

  test("when a text doubles again and again", () => {
    const source = '{{ $x := "0123456789" }}{{ range 100 }}{{ $x = print $x $x }}{{ end }}{{ len $x }}';
    expect(failure(source, {}, 4_000_000)).toBe(tooLarge);
  });

  test("when long texts are compared, measured or cut again and again", () => {
    const data = { a: `${"é".repeat(1_000_000)}a`, b: `${"é".repeat(1_000_000)}b` };
    expect(failure("{{ range 1000000 }}{{ if lt $.a $.b }}{{ end }}{{ end }}", data)).toBe(tooManySteps);
    expect(failure("{{ range 1000000 }}{{ if len $.a }}{{ end }}{{ end }}", data)).toBe(tooManySteps);
    expect(failure("{{ range 1000000 }}{{ if slice $.a 1 }}{{ end }}{{ end }}", data)).toBe(tooManySteps);
  });

  test("when a template calls itself", () => {
    expect(failure('{{ define "t" }}{{ template "t" . }}{{ end }}{{ template "t" . }}')).toContain(
      "exceeded maximum template depth",
    );
    const nested = `{{ define "t" }}${"{{ if true }}".repeat(400)}{{ template "t" . }}${"{{ end }}".repeat(400)}{{ end }}{{ template "t" . }}`;
    expect(failure(nested)).toContain("exceeded maximum template depth");
  });

  test("when large maps are walked again and again", () => {
    const data = { m: Object.fromEntries(Array.from({ length: 50_000 }, (_, index) => [`k${index}`, index])) };
    expect(failure("{{ range 1000000 }}{{ range $k, $v := $.m }}{{ break }}{{ end }}{{ end }}", data)).toBe(
      tooManySteps,
    );
  });

  test("when very many variables are looked up", () => {
    const declared = Array.from({ length: 20_000 }, (_, index) => `{{ $v${index} := 1 }}`).join("");
    expect(failure(`${declared}{{ range 10000000 }}{{ if $v0 }}{{ end }}{{ end }}`)).toBe(tooManySteps);
  });
});

describe("parsing ends", () => {
  test("with an error where blocks or parentheses are nested too deeply", () => {
    expect(failure("{{ if true }}".repeat(50_000))).toBe("template: :1: max expression depth exceeded");
    expect(failure(`{{ ${"(".repeat(100_000)}`)).toBe("template: :1: max expression depth exceeded");
  });

  test("before it begins where the source is larger than any template", () => {
    expect(failure("x".repeat(1_100_000))).toBe("template: source is too large");
  });

  test("in time proportional to the source", () => {
    const started = performance.now();
    expect(run("{{/* c */}}x {{ `raw` }}\n".repeat(20_000))).toHaveLength(20_000 * 6);
    expect(run(`{{ print ${"1 ".repeat(20_000)}}}`)).toHaveLength(20_000 * 2 - 1);
    expect(performance.now() - started).toBeLessThan(3000);
  });
});

test("what real templates need stays far below the limits", () => {
  const messages = Array.from({ length: 5000 }, (_, index) => ({
    role: index % 2 ? "assistant" : "user",
    content: "word ".repeat(200),
  }));
  const source =
    "{{ range $i, $m := .m }}{{ $last := eq (len (slice $.m $i)) 1 }}{{ if eq .role `user` }}<u>{{ .content }}{{ else }}<a>{{ .content }}{{ end }}{{ if $last }}!{{ end }}{{ end }}";
  expect(run(source, { m: messages }).length).toBe(5000 * 1003 + 1);
});

test("a shared budget counts all executions together", () => {
  const budget = new Budget({ steps: 100, outputChars: 100 });
  expect(run("{{ range 10 }}x{{ end }}", {}, budget)).toBe("x".repeat(10));
  expect(() => {
    for (let turn = 0; turn < 20; turn++) run("{{ range 10 }}x{{ end }}", {}, budget);
  }).toThrow(tooManySteps);
});

test("names from JavaScript's object prototype mean nothing", () => {
  expect(run("{{ .constructor }} {{ .toString }} {{ .__proto__ }}", JSON.parse('{"a":1}'))).toBe(
    "<no value> <no value> <no value>",
  );
  expect(() => parseTemplate("{{ constructor }}", isBuiltin)).toThrow(
    'template: :1: function "constructor" not defined',
  );
  const template = parseTemplate("{{ .hasOwnProperty }}", isBuiltin);
  expect(executeTemplate(template, anyMap({}))).toBe("<no value>");
});
