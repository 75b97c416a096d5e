// What the recorded goldens cannot show: behaviour where Ollama crashes, and bounds that only we have.

import { describe, expect, test } from "bun:test";
import { AppError } from "../../../src/base/errors.ts";
import { parseGoTemplate } from "../../../src/chat/go-template/parse-go-template.ts";
import { renderGoTemplate, type RenderInput } from "../../../src/chat/go-template/render-go-template.ts";

function render(source: string, input: RenderInput): string {
  return renderGoTemplate(parseGoTemplate(source), input);
}

const user = { role: "user", content: "hi" };

test("an else branch after .Response is cut from the last turn", () => {
  const source = "{{ .Prompt }}{{ if .Response }}{{ .Response }}{{ else }}none{{ end }}end\n";
  expect(render(source, { messages: [user] })).toBe("hi");
  expect(render(source, { messages: [user, { role: "assistant", content: "yes" }, user] })).toBe("hiyesend\nhi");
});

test("prompt and suffix fill a gap only when both are given", () => {
  const source = "{{ if .Suffix }}<PRE>{{ .Prompt }}<SUF>{{ .Suffix }}<MID>{{ else }}{{ .Prompt }}{{ end }}";
  expect(render(source, { prompt: "a", suffix: "b" })).toBe("<PRE>a<SUF>b<MID>");
  expect(render(source, { prompt: "", suffix: "b", messages: [user] })).toBe("hi");
});

test("rendering leaves the messages as they were", () => {
  const messages = [user, { ...user }, { role: "assistant", content: "x" }];
  const before = structuredClone(messages);
  render("{{ range .Messages }}{{ .Content }}{{ end }}", { messages });
  expect(messages).toEqual(before);
});

test("dates are those of the given day, across a month's end", () => {
  const template = parseGoTemplate("{{ currentDate }} {{ yesterdayDate }}{{ len .Messages }}");
  expect(renderGoTemplate(template, {}, { now: new Date(2024, 2, 1, 0, 30) })).toBe("2024-03-01 2024-02-290");
});

test("lone surrogates from JSON become U+FFFD", () => {
  expect(render("{{ .Prompt }}", { messages: [{ role: "user", content: "a\ud800b\udc80c" }] })).toBe("a\ufffdb\ufffdc");
});

describe("a hostile template or input fails with an error of its own", () => {
  const refused = (run: () => unknown) => {
    const started = performance.now();
    expect(run).toThrow(AppError);
    expect(performance.now() - started).toBeLessThan(5000);
  };

  test("when turns add up to more than one execution may produce", () => {
    const messages = Array.from({ length: 400 }, () => [user, { role: "assistant", content: "y" }]).flat();
    refused(() => render('{{ .Prompt }}{{ printf "%500000d" 1 }}{{ .Response }}', { messages }));
  });

  test("when arguments are nested too deeply to print", () => {
    let deep: unknown = 1;
    for (let level = 0; level < 50_000; level++) deep = [deep];
    const toolCalls = [{ function: { name: "f", arguments: { deep } } }];
    refused(() => render("{{ range .Messages }}{{ .ToolCalls }}{{ end }}", { messages: [{ ...user, toolCalls }] }));
  });
});
