// Tables against tablewriter itself, the library behind Ollama's tables (recorded in test/fixtures/cli).

import { expect, test } from "bun:test";
import { renderBlock, renderTable } from "../../../src/cli/ui/table.ts";
import recorded from "../../fixtures/cli/goldens.json";

interface Table {
  title?: string;
  header?: string[];
  rows: string[][];
  text: string;
}

const tables: Table[] = recorded.tables;
const numbered = tables.map((table, index) => ({ ...table, label: `${index} (${table.title ?? table.header?.[1]})` }));

test.each(numbered.filter((table) => table.header !== undefined))("list $label", ({ header = [], rows, text }) => {
  expect(renderTable(header, rows)).toBe(text);
});

test.each(numbered.filter((table) => table.title !== undefined))("block $label", ({ title = "", rows, text }) => {
  const wrapWidth = title === "System" || title === "License" ? 100 : 30;
  expect(
    renderBlock(
      title,
      rows.map((row) => row.slice(1)),
      wrapWidth,
    ),
  ).toBe(text);
});

test("a cell of very many words is wrapped in reasonable time", () => {
  const words = Array.from({ length: 20_000 }, () => "word").join(" ");
  expect(renderBlock("System", [[words]], 100).split("\n").length).toBeGreaterThan(1000);
});
