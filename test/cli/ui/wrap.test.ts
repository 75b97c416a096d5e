import { describe, expect, test } from "bun:test";
import { WordWrap } from "../../../src/cli/ui/wrap.ts";
import { TestScreen } from "../../support/screen.ts";

function shown(columns: number, ...pieces: string[]): string[] {
  const screen = new TestScreen(columns, 200);
  const wrap = new WordWrap(() => columns);
  for (const piece of pieces) screen.write(wrap.push(piece));
  return screen.lines;
}

const PROSE =
  "Word wrap moves a word that does not fit to the next line, as soon as it turns out that it does not. 日本語の文章は どこでも折り返すことができます。 An emoji 👩‍👩‍👧 is wide, too: 👍👍👍. A-very-long-word-without-any-blank-that-is-wider-than-the-window-has-columns-for ends it.\n\n  - a list\twith a tab";

describe.each([20, 40, 80])("at %i columns", (columns) => {
  test("no line reaches into the last five columns", () => {
    for (const line of shown(columns, PROSE)) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(columns - 5);
  });

  test("it looks the same however the text arrives", () => {
    const whole = shown(columns, PROSE);
    expect(shown(columns, ...Array.from(PROSE))).toEqual(whole);
    expect(shown(columns, ...(PROSE.match(/[^]{1,7}/gu) ?? []))).toEqual(whole);
  });

  test("nothing is lost but blanks at line ends", () => {
    const wanted = PROSE.replace(/\s+/g, "");
    expect(shown(columns, PROSE).join("").replace(/\s+/g, "")).toBe(wanted);
  });
});

test("words are kept whole where they fit a line", () => {
  expect(shown(25, "The quick brown fox jumps over the lazy dog.")).toEqual([
    "The quick brown fox",
    "jumps over the lazy",
    "dog.",
  ]);
});

test("a blank at the edge becomes the line break", () => {
  expect(shown(15, "aaaa bbbbb cccc dd")).toEqual(["aaaa bbbbb", "cccc dd"]);
});

test("a word wider than the line is broken where the line ends", () => {
  expect(shown(15, "aa bbbbbbbbbbbbbbbbbbbbbb c")).toEqual(["aa bbbbbbb", "bbbbbbbbbb", "bbbbb c"]);
});

test("lines of the text stay lines", () => {
  expect(shown(40, "one\r", "\ntwo\n\nthree")).toEqual(["one", "two", "", "three"]);
});

test("it is off where the terminal is narrower than ten columns", () => {
  expect(new WordWrap(() => 9).push("longer than nine columns")).toBe("longer than nine columns");
});

test("a narrower window counts from the next piece on", () => {
  let columns = 80;
  const wrap = new WordWrap(() => columns);
  wrap.push("a few words ");
  columns = 20;
  expect(wrap.push("and more")).toContain("\n");
});

test("endless combining marks and endless words take no quadratic time", () => {
  const wrap = new WordWrap(() => 80);
  for (let count = 0; count < 20_000; count++) wrap.push("\u0301\u0301\u0301");
  expect(wrap.push("x".repeat(200_000)).length).toBeGreaterThan(200_000);
});
