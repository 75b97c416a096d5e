import { expect, test } from "bun:test";
import { EditBuffer } from "../../../src/cli/repl/buffer.ts";

function bufferWith(text: string): EditBuffer {
  const buffer = new EditBuffer();
  buffer.replace(text);
  return buffer;
}

test("a grapheme that grows together with its right neighbour takes the cursor behind it", () => {
  const buffer = bufferWith("\u0301x");
  buffer.home();
  buffer.insert("e");
  expect(buffer.text).toBe("e\u0301x");
  buffer.insert("!");
  expect(buffer.text).toBe("e\u0301!x");
});

test("tabs are eight columns wide, line breaks none", () => {
  expect(bufferWith("\t\n日").cells.map((cell) => cell.width)).toEqual([8, 0, 2]);
});

test("moving up and down keeps the column as far as it can, also between wide characters", () => {
  const buffer = bufferWith("日本語\nab\nabcdef");
  buffer.left();
  expect(buffer.up()).toBe(true);
  buffer.insert("1");
  expect(buffer.text).toBe("日本語\nab1\nabcdef");
  expect(buffer.up()).toBe(true);
  buffer.insert("2");
  expect(buffer.text).toBe("日2本語\nab1\nabcdef");
  expect(buffer.up()).toBe(false);
  expect(buffer.down()).toBe(true);
  expect(buffer.down()).toBe(true);
  expect(buffer.down()).toBe(false);
});

test("edits at the edges change nothing", () => {
  const buffer = bufferWith("");
  for (const edit of ["left", "right", "backspace", "delete", "deleteWord", "deleteToEnd", "deleteToStart"] as const) {
    buffer[edit]();
    expect([buffer.text, buffer.cursor, buffer.isEmpty]).toEqual(["", 0, true]);
  }
});

test("words end at blanks, tabs and line breaks", () => {
  const buffer = bufferWith("one\ttwo\nthree four");
  const stops: number[] = [];
  while (buffer.cursor > 0) {
    buffer.wordLeft();
    stops.push(buffer.cursor);
  }
  expect(stops).toEqual([14, 8, 4, 0]);
});

test("a large paste is taken in quickly, and so is the key after it", () => {
  const buffer = new EditBuffer();
  buffer.insert("some words\n".repeat(30_000));
  buffer.insert("x");
  buffer.backspace();
  expect(buffer.cells.length).toBe(330_000);
});
