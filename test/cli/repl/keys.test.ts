import { describe, expect, test } from "bun:test";
import { type Key, KeyDecoder } from "../../../src/cli/repl/keys.ts";

function decode(...chunks: (string | Uint8Array)[]): Key[] {
  const decoder = new KeyDecoder();
  return chunks.flatMap((chunk) => decoder.push(typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk));
}

function names(...chunks: string[]): string[] {
  return decode(...chunks).map((key) => (key.is === "key" ? key.name : `${key.is} ${key.text}`));
}

const KEYS: [bytes: string, name: string][] = [
  ["\x01", "home"],
  ["\x02", "left"],
  ["\x03", "interrupt"],
  ["\x04", "delete-or-eof"],
  ["\x05", "end"],
  ["\x06", "right"],
  ["\x07", "edit"],
  ["\x08", "backspace"],
  ["\t", "tab"],
  ["\n", "newline"],
  ["\x0b", "delete-to-end"],
  ["\x0c", "clear-screen"],
  ["\r", "enter"],
  ["\x0e", "history-next"],
  ["\x10", "history-previous"],
  ["\x15", "delete-to-start"],
  ["\x17", "delete-word"],
  ["\x1a", "suspend"],
  ["\x7f", "backspace"],
  ["\x1bb", "word-left"],
  ["\x1bf", "word-right"],
  ["\x1b\x7f", "delete-word"],
  ["\x1b\r", "newline"],
  ["\x1b[A", "up"],
  ["\x1b[B", "down"],
  ["\x1b[C", "right"],
  ["\x1b[D", "left"],
  ["\x1b[H", "home"],
  ["\x1b[F", "end"],
  ["\x1bOA", "up"],
  ["\x1bOH", "home"],
  ["\x1b[1~", "home"],
  ["\x1b[4~", "end"],
  ["\x1b[3~", "delete"],
  ["\x1b[1;5C", "word-right"],
  ["\x1b[1;3D", "word-left"],
  ["\x1b[13;2u", "newline"],
];

describe("keys", () => {
  test.each(KEYS)("%j is %s", (bytes, name) => expect(names(bytes)).toEqual([name]));

  test.each(KEYS.filter(([bytes]) => bytes.length > 1))("%j is %s even when every byte comes alone", (bytes, name) => {
    expect(names(...Array.from(bytes), "x")).toEqual([name, "text x"]);
  });

  test("unknown sequences leave nothing behind", () => {
    expect(names("\x1b[15~a\x1b[Zb\x1b[[Ac\x1bOPd\x1b[1;2Pe\x1bzf\x1b😀g\x1b[?1;2ch\x00\x12")).toEqual(
      ["a", "b", "c", "d", "e", "f", "g", "h"].map((text) => `text ${text}`),
    );
  });

  test("a sequence that never ends is given up, and so is one that breaks off", () => {
    expect(names(`\x1b[${"1;".repeat(200)}`, "a")).toEqual(["text a"]);
    expect(names("\x1b[1\x03")).toEqual(["interrupt"]);
  });

  test("a lone Escape waits, and can be given up", () => {
    const decoder = new KeyDecoder();
    expect(decoder.push(new Uint8Array([0x1b]))).toEqual([]);
    expect(decoder.isWaiting).toBe(true);
    decoder.giveUp();
    expect(decoder.push(new TextEncoder().encode("b"))).toEqual([{ is: "text", text: "b" }]);
  });

  test("characters may arrive in halves", () => {
    const bytes = new TextEncoder().encode("é😀");
    const keys = decode(...Array.from(bytes, (byte) => new Uint8Array([byte])));
    expect(keys.map((key) => (key.is === "text" ? key.text : key.is)).join("")).toBe("é😀");
  });

  test("a line feed among other bytes was typed ahead as Enter", () => {
    expect(names("one\ntwo\n")).toEqual(["text one", "enter", "text two", "enter"]);
  });
});

describe("bracketed paste", () => {
  test("comes as text with its newlines, however the terminal sends them", () => {
    expect(decode("\x1b[200~a\rb\r\nc\nd\te\x1b[201~f")).toEqual([
      { is: "paste", text: "a\nb\nc\nd\te" },
      { is: "text", text: "f" },
    ]);
  });

  test("loses control characters and escape codes", () => {
    expect(decode("\x1b[200~a\x03\x1b[31mb\u009b\x7f\x1b[201~")).toEqual([{ is: "paste", text: "a[31mb" }]);
  });

  test("is whole again when every byte comes alone", () => {
    const keys = decode(...Array.from("\x1b[200~x\r\ny\x1b[20z\r\x1b[201~w"));
    const pasted = keys.filter((key) => key.is === "paste").map((key) => key.text);
    expect(pasted.join("")).toBe("x\ny[20z\n");
    expect(keys.at(-1)).toEqual({ is: "text", text: "w" });
  });
});
