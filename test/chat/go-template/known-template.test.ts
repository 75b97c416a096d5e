// Recognition of shipped chat templates, against Ollama's answers for each of them and for edited copies.

import { describe, expect, test } from "bun:test";
import { detectKnownTemplate } from "../../../src/chat/go-template/known-template.ts";
import known from "../../../src/chat/go-template/known-templates.json" with { type: "json" };
import { readLines } from "./goldens.ts";

interface Detection {
  entry: number;
  edit: "none" | "append" | "drop";
  count: number;
  name: string;
}

function edited({ entry, edit, count }: Detection): string {
  const text = known.chatTemplates[entry]?.chatTemplate ?? "";
  if (edit === "append") return text + "é".repeat(count);
  return edit === "drop" ? Array.from(text).slice(count).join("") : text;
}

const detections = readLines<Detection>("detection-goldens.jsonl");

describe("an embedded chat template is recognised as Ollama recognises it:", () => {
  test.each(known.chatTemplates.map(({ name }, entry) => [entry, name] as const))("entry %d, %s", (entry) => {
    const cases = detections.filter((detection) => detection.entry === entry);
    expect(cases.length).toBeGreaterThan(5);
    for (const detection of cases) {
      expect({ ...detection, name: detectKnownTemplate(edited(detection))?.name ?? "" }).toEqual(detection);
    }
  });
});

test("a recognised template brings its source and stop words", () => {
  const chatTemplate = known.chatTemplates.find(({ name }) => name === "alfred")?.chatTemplate ?? "";
  const found = detectKnownTemplate(chatTemplate);
  expect(found?.template).toStartWith("{{- range .Messages }}<start_{{ .Role }}>");
  expect(found?.stop).toEqual(["<start_system>", "<end_message>", "<start_user>", "<start_assistant>"]);
});

test("a long foreign template is refused without comparing all of it", () => {
  const started = performance.now();
  expect(detectKnownTemplate("{% for m in messages %}{{ m }}".repeat(20_000))).toBeUndefined();
  expect(performance.now() - started).toBeLessThan(1000);
});

test("every template of the table is named by a chat template", () => {
  const named = new Set(known.chatTemplates.map(({ name }) => name));
  expect(known.templates.map(({ name }) => name).sort()).toEqual([...named].sort());
  expect(named.size).toBe(19);
});
