// Bytes from a terminal → keys. Sequences may arrive split anywhere: what is not complete yet waits for more. Pasted text
// (bracketed paste) comes out as its own event, with newlines kept and control characters removed.

export type KeyName =
  | "enter"
  | "newline"
  | "tab"
  | "backspace"
  | "delete"
  | "up"
  | "down"
  | "left"
  | "right"
  | "home"
  | "end"
  | "word-left"
  | "word-right"
  | "delete-word"
  | "delete-to-end"
  | "delete-to-start"
  | "clear-screen"
  | "history-previous"
  | "history-next"
  | "interrupt"
  | "delete-or-eof"
  | "suspend"
  | "edit";

export type Key =
  | { readonly is: "key"; readonly name: KeyName }
  | { readonly is: "text"; readonly text: string }
  | { readonly is: "paste"; readonly text: string };

const CONTROLS: Readonly<Record<string, KeyName>> = {
  "\u0001": "home",
  "\u0002": "left",
  "\u0003": "interrupt",
  "\u0004": "delete-or-eof",
  "\u0005": "end",
  "\u0006": "right",
  "\u0007": "edit",
  "\u0008": "backspace",
  "\t": "tab",
  "\u000b": "delete-to-end",
  "\u000c": "clear-screen",
  "\r": "enter",
  "\u000e": "history-next",
  "\u0010": "history-previous",
  "\u0015": "delete-to-start",
  "\u0017": "delete-word",
  "\u001a": "suspend",
  "\u007f": "backspace",
};

/** After ESC: Alt with a key. */
const ALT: Readonly<Record<string, KeyName>> = {
  b: "word-left",
  f: "word-right",
  "\u0008": "delete-word",
  "\u007f": "delete-word",
  "\r": "newline",
  "\n": "newline",
};

/** After ESC [ (without a parameter) and after ESC O. */
const FINAL: Readonly<Record<string, KeyName>> = {
  A: "up",
  B: "down",
  C: "right",
  D: "left",
  H: "home",
  F: "end",
};

/** Whole sequences after ESC [ that carry numbers: the VT and rxvt forms, Ctrl and Alt with arrows, Shift-Enter. */
const NUMBERED: Readonly<Record<string, KeyName>> = {
  "1~": "home",
  "7~": "home",
  "4~": "end",
  "8~": "end",
  "3~": "delete",
  "1;3C": "word-right",
  "1;5C": "word-right",
  "1;3D": "word-left",
  "1;5D": "word-left",
  "13;2u": "newline",
  "27;2;13~": "newline",
};

const PASTE_START = "200~";
const PASTE_END = "\u001b[201~";
const LONGEST_SEQUENCE = 32;

export class KeyDecoder {
  readonly #utf8 = new TextDecoder("utf-8");
  #rest = "";
  #isPasting = false;

  /** An escape sequence has begun; if nothing follows soon, it was the Escape key: see `giveUp`. */
  get isWaiting(): boolean {
    return this.#rest !== "" && !this.#isPasting;
  }

  push(bytes: Uint8Array): Key[] {
    // Ctrl-J comes alone. A line feed among other bytes is the Enter of a line typed ahead while the terminal was not raw
    // (Ollama: readline/readline.go, "draining").
    if (bytes.length === 1 && bytes[0] === 0x0a && this.#rest === "" && !this.#isPasting) {
      return [{ is: "key", name: "newline" }];
    }
    this.#rest += this.#utf8.decode(bytes, { stream: true });
    const keys: Key[] = [];
    for (let taken = this.#take(keys); taken > 0; taken = this.#take(keys)) this.#rest = this.#rest.slice(taken);
    return keys;
  }

  /** Drops an unfinished escape sequence, so that the next key is not taken for its end. */
  giveUp(): void {
    if (!this.#isPasting) this.#rest = "";
  }

  /** Adds what the beginning of `#rest` says; returns how much of it that was, 0 when more is needed. */
  #take(keys: Key[]): number {
    const rest = this.#rest;
    if (rest === "") return 0;
    if (this.#isPasting) return this.#takePaste(keys);
    if (rest.startsWith("\u001b")) return this.#takeEscape(keys);
    const text = /^[^\u0000-\u001f\u007f-\u009f]+/.exec(rest)?.[0];
    if (text !== undefined) {
      keys.push({ is: "text", text });
      return text.length;
    }
    addKey(keys, rest.startsWith("\n") ? "enter" : CONTROLS[rest.charAt(0)]);
    return 1;
  }

  #takeEscape(keys: Key[]): number {
    const rest = this.#rest;
    if (rest.length === 1) return 0;
    if (rest[1] === "O") {
      if (rest.length === 2) return 0;
      addKey(keys, FINAL[rest.charAt(2)]);
      return 3;
    }
    if (rest[1] !== "[") {
      // ESC ESC: the first was a key of its own.
      if (rest[1] === "\u001b") return 1;
      addKey(keys, ALT[rest.charAt(1)]);
      return String.fromCodePoint(rest.codePointAt(1) ?? 0).length + 1;
    }
    // The Linux console sends ESC [ [ A and so on for F1 to F5.
    if (rest[2] === "[") return rest.length === 3 ? 0 : 4;
    const sequence = /^[\u0020-\u003f]*[\u0040-\u007e]/.exec(rest.slice(2, 2 + LONGEST_SEQUENCE))?.[0];
    if (sequence === undefined) return brokenLength(rest);
    if (sequence === PASTE_START) this.#isPasting = true;
    else addKey(keys, sequence.length === 1 ? FINAL[sequence] : NUMBERED[sequence]);
    return 2 + sequence.length;
  }

  #takePaste(keys: Key[]): number {
    const end = this.#rest.indexOf(PASTE_END);
    if (end >= 0) {
      this.#isPasting = false;
      addPaste(keys, this.#rest.slice(0, end));
      return end + PASTE_END.length;
    }
    // Hold back what may be the beginning of the end, and a CR whose LF may follow.
    const ready = this.#rest.replace(/(?:\u001b(?:\[(?:2(?:0(?:1)?)?)?)?|\r)$/, "");
    addPaste(keys, ready);
    return ready.length;
  }
}

/** How long a sequence is that can no longer be completed, or 0 when it still can. */
function brokenLength(rest: string): number {
  const length = 2 + (/^[\u0020-\u003f]*/.exec(rest.slice(2))?.[0].length ?? 0);
  return length < rest.length || length >= 2 + LONGEST_SEQUENCE ? length : 0;
}

function addKey(keys: Key[], name: KeyName | undefined): void {
  if (name !== undefined) keys.push({ is: "key", name });
}

function addPaste(keys: Key[], raw: string): void {
  const text = raw.replace(/\r\n?/g, "\n").replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "");
  if (text !== "") keys.push({ is: "paste", text });
}
