// What is on the screen while a line is edited, checked against a picture drawn without any cleverness.

import { describe, expect, test } from "bun:test";
import { History } from "../../../src/cli/repl/history.ts";
import { LineEditor, type Prompts } from "../../../src/cli/repl/line-editor.ts";
import { TestEditorTerminal } from "../../support/editor-terminal.ts";

const PROMPTS: Prompts = { prompt: ">>> ", altPrompt: "... ", placeholder: "Send a message" };

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

/** The editor as a list of graphemes and an index. */
class Model {
  cells: string[] = [];
  at = 0;

  insert(text: string): void {
    const before = this.cells.slice(0, this.at).join("") + text;
    const all = split(before + this.cells.slice(this.at).join(""));
    this.cells = all;
    // The cursor stands after the grapheme in which the inserted text ends.
    let length = 0;
    this.at = all.findIndex((cell) => (length += cell.length) >= before.length) + 1;
  }

  picture(columns: number): { rows: string[]; row: number; column: number } {
    const rows = [">>> "];
    let cursor = { row: 0, column: 4 };
    for (const [index, cell] of [...this.cells, "end"].entries()) {
      const last = rows.length - 1;
      const fits = Bun.stringWidth(rows[last] ?? "") + (cell === "\n" ? 0 : Bun.stringWidth(cell)) <= columns - 1;
      const isEnd = index === this.cells.length;
      if (!fits && !isEnd) rows.push("... ");
      if (index === this.at) cursor = { row: rows.length - 1, column: Bun.stringWidth(rows.at(-1) ?? "") };
      if (isEnd) break;
      if (cell === "\n") rows.push("... ");
      else rows[rows.length - 1] += cell;
    }
    return { rows: rows.map((row) => row.trimEnd()), ...cursor };
  }
}

function split(text: string): string[] {
  return Array.from(graphemes.segment(text), ({ segment }) => segment);
}

/** The same numbers on every run. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const PIECES = [
  "a",
  "word ",
  " ",
  "日本",
  "語",
  "é",
  "e\u0301",
  "👍",
  "👨‍👩‍👧‍👦",
  "🇩🇪",
  "ｱ",
  "longerword",
  "한국",
  "x\ny",
  "\n",
];

function step(random: (below: number) => number, model: Model): string {
  const from = model.at;
  switch (random(8)) {
    case 0:
      model.at = Math.max(0, model.at - 1);
      return "\x1b[D";
    case 1:
      model.at = Math.min(model.cells.length, model.at + 1);
      return "\x1b[C";
    case 2:
      if (from === 0) return "\x7f";
      model.cells.splice(from - 1, 1);
      model.at = from - 1;
      return "\x7f";
    case 3:
      if (model.cells.length === 0) return "\x1b[D";
      model.cells.splice(from, 1);
      return "\x1b[3~";
    default: {
      const piece = PIECES[random(PIECES.length)] ?? "";
      model.insert(piece);
      return `\x1b[200~${piece}\x1b[201~`;
    }
  }
}

describe.each([20, 40, 80])("at %i columns", (columns) => {
  test.each([1, 2, 3])("random editing looks as it should (seed %i)", async (seed) => {
    const terminal = new TestEditorTerminal(columns, 60);
    const line = new LineEditor(terminal, new History()).readLine({ ...PROMPTS, placeholder: "" });
    const model = new Model();
    const random = randomNumbers(seed * 1000 + columns);
    for (let count = 0; count < 150; count++) {
      await terminal.type(step(random, model));
      const { rows, row, column } = model.picture(columns);
      expect(terminal.screen.lines).toEqual(rows.join("\n").trimEnd().split("\n"));
      expect(terminal.screen.cursor).toEqual({ row, column });
    }
    await terminal.type("\r");
    expect(await line).toEqual({ kind: "line", text: model.cells.join("") });
    expect(terminal.screen.cursor).toEqual({ row: model.picture(columns).rows.length, column: 0 });
  });
});

describe("the window", () => {
  test("may change its width in the middle of a text", async () => {
    const terminal = new TestEditorTerminal(80);
    terminal.screen.write("before\n");
    void new LineEditor(terminal, new History()).readLine(PROMPTS);
    const model = new Model();
    model.insert("The quick brown fox 日本語の文字 jumps over the lazy dog, again and again 👍 and again.");
    await terminal.type(model.cells.join(""), "\x1b[D\x1b[D\x1b[D\x1b[D");
    model.at -= 4;
    for (const columns of [40, 20, 33, 14, 80, 21]) {
      terminal.resizeTo(columns);
      const { rows, row, column } = model.picture(columns);
      expect(terminal.screen.lines).toEqual(["before", ...rows]);
      expect(terminal.screen.cursor).toEqual({ row: row + 1, column });
    }
  });

  test("may be too narrow for the prompt", async () => {
    const terminal = new TestEditorTerminal(6);
    void new LineEditor(terminal, new History()).readLine(PROMPTS);
    await terminal.type("abc日本語def");
    expect(terminal.screen.lines).toEqual(["abc日", "本語d", "ef"]);
  });

  test("may be lower than the text: the part around the cursor shows, and all of it once it is entered", async () => {
    const terminal = new TestEditorTerminal(40, 5);
    const line = new LineEditor(terminal, new History()).readLine(PROMPTS);
    const text = Array.from({ length: 12 }, (_, index) => `line ${index}`).join("\r");
    await terminal.type(`\x1b[200~${text}\x1b[201~`);
    expect(terminal.screen.lines).toEqual([7, 8, 9, 10, 11].map((index) => `... line ${index}`));
    await terminal.type("\x1b[A".repeat(8));
    expect(terminal.screen.lines).toContain("... line 3");
    expect(terminal.screen.scrollback).toEqual([]);
    await terminal.type("!", "\r");
    await line;
    expect([...terminal.screen.scrollback, ...terminal.screen.lines].slice(0, 12)).toEqual(
      Array.from({ length: 12 }, (_, index) => `${index === 0 ? ">>>" : "..."} line ${index}${index === 3 ? "!" : ""}`),
    );
  });
});

describe("the placeholder", () => {
  test("shows while there is no text, with the cursor before it", async () => {
    const terminal = new TestEditorTerminal(40);
    void new LineEditor(terminal, new History()).readLine({ ...PROMPTS, altPlaceholder: "Press Enter to send" });
    await terminal.type("\x02");
    expect(terminal.screen.lines).toEqual([">>> Send a message"]);
    expect(terminal.screen.cursor).toEqual({ row: 0, column: 4 });
    await terminal.type("a");
    expect(terminal.screen.lines).toEqual([">>> a"]);
    await terminal.type("\n");
    expect(terminal.screen.lines).toEqual([">>> a", "... Press Enter to send"]);
    await terminal.type("\x7f\x7f");
    expect(terminal.screen.lines).toEqual([">>> Send a message"]);
    await terminal.type("\r");
    expect(terminal.screen.lines).toEqual([">>>"]);
  });

  test("is cut where the window ends, and grey only where there is colour", async () => {
    const terminal = new TestEditorTerminal(14);
    void new LineEditor(terminal, new History()).readLine(PROMPTS);
    expect(terminal.screen.lines).toEqual([">>> Send a me"]);
    expect(terminal.screen.raw).not.toContain("\x1b[38");
    const colored = new TestEditorTerminal(40);
    colored.screen.hasColor = true;
    void new LineEditor(colored, new History()).readLine(PROMPTS);
    expect(colored.screen.raw).toContain("\x1b[38;5;245mSend a message\x1b[0m");
  });
});

test("Ctrl-L puts the line at the top of an empty screen", async () => {
  const terminal = new TestEditorTerminal(20);
  terminal.screen.write("one\ntwo\n");
  void new LineEditor(terminal, new History()).readLine(PROMPTS);
  await terminal.type("a text of more rows than one", "\x02", "\x0c");
  expect(terminal.screen.lines).toEqual([">>> a text of more", "... rows than one"]);
  expect(terminal.screen.cursor).toEqual({ row: 1, column: 16 });
});

test("one typed character writes little, even below a long text", async () => {
  const terminal = new TestEditorTerminal(80, 100);
  void new LineEditor(terminal, new History()).readLine(PROMPTS);
  await terminal.type(`\x1b[200~${"words ".repeat(500)}\x1b[201~`);
  const before = terminal.screen.raw.length;
  await terminal.type("x");
  expect(terminal.screen.raw.length - before).toBeLessThan(200);
});
