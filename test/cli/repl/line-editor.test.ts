import { describe, expect, test } from "bun:test";
import { History } from "../../../src/cli/repl/history.ts";
import { LineEditor, type Prompts, type ReadLineResult } from "../../../src/cli/repl/line-editor.ts";
import { TestEditorTerminal } from "../../support/editor-terminal.ts";

const PROMPTS: Prompts = {
  prompt: ">>> ",
  altPrompt: "... ",
  placeholder: "Send a message (/? for help)",
  altPlaceholder: "Press Enter to send",
};

interface Opened {
  terminal: TestEditorTerminal;
  editor: LineEditor;
  history: History;
  line: Promise<ReadLineResult>;
}

function open(columns = 40, rows = 24, entries: string[] = []): Opened {
  const terminal = new TestEditorTerminal(columns, rows);
  const history = new History();
  for (const entry of entries) history.add(entry);
  const editor = new LineEditor(terminal, history);
  return { terminal, editor, history, line: editor.readLine(PROMPTS) };
}

/** Types, presses Enter, and says what came out. */
async function typed(...chunks: string[]): Promise<string> {
  const { terminal, line } = open();
  await terminal.type(...chunks, "\r");
  const result = await line;
  return result.kind === "line" ? result.text : result.kind;
}

describe("editing", () => {
  const cases: [what: string, keys: string[], text: string][] = [
    ["plain text", ["hello"], "hello"],
    ["Backspace and Ctrl-H", ["abcd\x7f", "\x08"], "ab"],
    ["Ctrl-B and arrows move", ["bd", "\x02", "c", "\x1b[D\x1b[D", "a", "\x1b[C\x1b[C", "!"], "abc!d"],
    ["Ctrl-A and Ctrl-E", ["b", "\x01", "a", "\x05", "c"], "abc"],
    ["Home and End", ["b", "\x1b[H", "a", "\x1b[F", "c"], "abc"],
    ["Alt-B and Alt-F", ["one two", "\x1bb", "x", "\x1bb\x1bb", "y", "\x1bf", "z"], "yonez xtwo"],
    ["Ctrl-K deletes to the end", ["abc", "\x02\x02", "\x0b"], "a"],
    ["Ctrl-U deletes to the start", ["abc", "\x02", "\x15"], "c"],
    ["Ctrl-W deletes the word before", ["one two  ", "\x17"], "one "],
    ["Alt-Backspace does too", ["one two", "\x1b\x7f"], "one "],
    ["Del and Ctrl-D delete forward", ["abc", "\x01", "\x1b[3~", "\x04"], "c"],
    ["Tab is eight blanks", ["a\tb"], "a        b"],
    ["Ctrl-J is a new line", ["a", "\n", "b"], "a\nb"],
    ["paste keeps its lines", ["\x1b[200~one\rtwo\r\x1b[201~", "three"], "one\ntwo\nthree"],
    ["lines above can be edited", ["ab", "\n", "cd", "\x1b[A", "X", "\x1b[B\x01", "Y"], "abX\nYcd"],
    [
      "Ctrl-U and Ctrl-K at a line's edge join lines",
      ["a", "\n", "b", "\n", "c", "\x01\x15", "\x1b[A", "\x05\x0b"],
      "abc",
    ],
    ["Home works within the line", ["ab", "\n", "cd", "\x01", "X"], "ab\nXcd"],
    ["an emoji is one step", ["a👨‍👩‍👧b", "\x02\x02", "x", "\x1b[C", "\x7f"], "axb"],
    ["an accent joins its letter", ["e", "\u0301", "x", "\x02\x7f"], "x"],
    ["a flag typed in halves is one", ["🇩", "🇪", "\x7f", "x"], "x"],
    ["a key typed after an unknown sequence counts", ["\x1b[15~", "a"], "a"],
    ["typing in the middle", ["日語", "\x02", "本"], "日本語"],
  ];
  test.each(cases)("%s", async (_what, keys, text) => expect(await typed(...keys)).toBe(text));

  test("Escape alone is forgotten after a moment", async () => {
    const { terminal, line } = open();
    await terminal.type("a", "\x1b");
    await terminal.passEscapeTimeout();
    await terminal.type("b", "\r");
    expect(await line).toEqual({ kind: "line", text: "ab" });
  });
});

describe("the end of a line", () => {
  test("Enter leaves the cursor below the text", async () => {
    const { terminal, line } = open(20);
    await terminal.type("a text that needs three rows of screen", "\x01", "\r");
    expect((await line).kind).toBe("line");
    expect(terminal.screen.lines).toEqual([">>> a text that nee", "... ds three rows o", "... f screen"]);
    expect(terminal.screen.cursor).toEqual({ row: 3, column: 0 });
    expect(terminal.rawDepth).toBe(0);
    expect(terminal.screen.isPasteBracketed).toBe(false);
  });

  test("Ctrl-C tells what it discards and leaves the cursor after it", async () => {
    const { terminal, line } = open(40);
    await terminal.type("half", "\x01", "\x03");
    expect(await line).toEqual({ kind: "interrupt" });
    expect(terminal.screen.cursor).toEqual({ row: 0, column: 8 });
    expect(terminal.rawDepth).toBe(0);
  });

  test("Ctrl-D ends the input only when there is no text", async () => {
    const { terminal, line } = open();
    await terminal.type("a", "\x04", "\x7f", "\x04");
    expect(await line).toEqual({ kind: "eof" });
    expect(terminal.screen.lines).toEqual([">>>"]);
  });

  test("the end of the bytes ends the input", async () => {
    const { terminal, line } = open();
    await terminal.end();
    expect(await line).toEqual({ kind: "eof" });
    expect(terminal.rawDepth).toBe(0);
  });

  test("keys typed ahead go to the next line", async () => {
    const { terminal, editor, line } = open();
    await terminal.type("one\ntwo\nthr");
    expect(await line).toEqual({ kind: "line", text: "one" });
    expect(await editor.readLine(PROMPTS)).toEqual({ kind: "line", text: "two" });
    const last = editor.readLine(PROMPTS);
    await terminal.type("ee", "\r");
    expect(await last).toEqual({ kind: "line", text: "three" });
    expect(terminal.screen.lines).toEqual([">>> one", ">>> two", ">>> three"]);
  });
});

describe("history", () => {
  test("Up and Down, Ctrl-P and Ctrl-N walk through it and come back to the draft", async () => {
    const { terminal, line } = open(40, 24, ["first", "second"]);
    await terminal.type("draft", "\x1b[A");
    expect(terminal.screen.lines).toEqual([">>> second"]);
    await terminal.type("\x10", "\x10");
    expect(terminal.screen.lines).toEqual([">>> first"]);
    await terminal.type("\x0e", "\x1b[B");
    expect(terminal.screen.lines).toEqual([">>> draft"]);
    await terminal.type("\x1b[B", "!", "\r");
    expect(await line).toEqual({ kind: "line", text: "draft!" });
  });

  test("lines are remembered, empty ones are not", async () => {
    const { terminal, editor, history, line } = open();
    await terminal.type("one", "\r");
    await line;
    const second = editor.readLine(PROMPTS);
    await terminal.type("\r");
    expect(await second).toEqual({ kind: "line", text: "" });
    expect([...history.entries]).toEqual(["one"]);
  });

  test("a message of several lines is walked through line by line", async () => {
    const { terminal, line } = open(40, 24, ["old", "a\nbb\nc"]);
    await terminal.type("\x1b[A", "\x1b[A", "X", "\x1b[A", "\x1b[A");
    expect(terminal.screen.lines).toEqual([">>> old"]);
    await terminal.type("\r");
    expect(await line).toEqual({ kind: "line", text: "old" });
  });
});

describe("leaving for a while", () => {
  test("Ctrl-Z suspends with the terminal restored, and the text is there afterwards", async () => {
    const { terminal, line } = open();
    await terminal.type("keep", "\x02", "\x1a");
    expect(terminal.events).toEqual(["suspend with raw 0"]);
    expect(terminal.screen.lines).toEqual([">>> keep", ">>> keep"]);
    await terminal.type("!", "\r");
    expect(await line).toEqual({ kind: "line", text: "kee!p" });
  });

  test("Ctrl-G hands the text to an editor and takes its answer", async () => {
    const { terminal, line } = open(20);
    terminal.edit = (text) => {
      terminal.events.push(`edit ${text} with raw ${terminal.rawDepth}`);
      return Promise.resolve("from\nelsewhere");
    };
    await terminal.type("a text of more rows than one", "\x07");
    expect(terminal.events).toEqual(["edit a text of more rows than one with raw 0"]);
    expect(terminal.screen.lines).toEqual([">>> from", "... elsewhere"]);
    await terminal.type("\r");
    expect(await line).toEqual({ kind: "line", text: "from\nelsewhere" });
  });

  test("an editor that failed leaves the text as it was", async () => {
    const { terminal, line } = open();
    terminal.edit = () => Promise.resolve(undefined);
    await terminal.type("same", "\x07", "\r");
    expect(await line).toEqual({ kind: "line", text: "same" });
  });

  test("an editor that throws leaves the terminal restored", async () => {
    const { terminal, line } = open();
    terminal.edit = () => Promise.reject(new Error("no editor"));
    const failed = line.catch((error: unknown) => String(error));
    await terminal.type("x", "\x07");
    expect(await failed).toBe("Error: no editor");
    expect(terminal.rawDepth).toBe(0);
    expect(terminal.screen.isPasteBracketed).toBe(false);
  });
});
