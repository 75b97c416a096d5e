// Key → what happens to the text, and what the editor's loop has to do about it. Decides only; writes nothing.

import type { EditBuffer } from "./buffer.ts";
import type { HistoryWalk } from "./history.ts";
import type { Key, KeyName } from "./keys.ts";

export type Effect = "redraw" | "submit" | "interrupt" | "eof" | "clear-screen" | "suspend" | "edit";

/** Ollama compat: the Tab key means eight blanks. */
const TYPED_TAB = " ".repeat(8);

export function applyKey(key: Key, buffer: EditBuffer, history: HistoryWalk): Effect {
  if (key.is === "key") return applyNamedKey(key.name, buffer, history);
  buffer.insert(key.text);
  return "redraw";
}

function applyNamedKey(name: KeyName, buffer: EditBuffer, history: HistoryWalk): Effect {
  switch (name) {
    case "enter":
      return "submit";
    case "interrupt":
    case "clear-screen":
    case "suspend":
    case "edit":
      return name;
    case "delete-or-eof":
      if (buffer.isEmpty) return "eof";
      buffer.delete();
      return "redraw";
    // Up and Down walk through the lines of a message first.
    case "up":
      if (!buffer.up()) recall(history.previous(buffer.text), buffer);
      return "redraw";
    case "down":
      if (!buffer.down()) recall(history.next(), buffer);
      return "redraw";
    case "history-previous":
      recall(history.previous(buffer.text), buffer);
      return "redraw";
    case "history-next":
      recall(history.next(), buffer);
      return "redraw";
    default:
      EDITS[name](buffer);
      return "redraw";
  }
}

type EditName = Exclude<
  KeyName,
  | "enter"
  | "interrupt"
  | "clear-screen"
  | "suspend"
  | "edit"
  | "delete-or-eof"
  | "up"
  | "down"
  | "history-previous"
  | "history-next"
>;

const EDITS: Readonly<Record<EditName, (buffer: EditBuffer) => void>> = {
  newline: (buffer) => buffer.insert("\n"),
  tab: (buffer) => buffer.insert(TYPED_TAB),
  backspace: (buffer) => buffer.backspace(),
  delete: (buffer) => buffer.delete(),
  left: (buffer) => buffer.left(),
  right: (buffer) => buffer.right(),
  home: (buffer) => buffer.home(),
  end: (buffer) => buffer.end(),
  "word-left": (buffer) => buffer.wordLeft(),
  "word-right": (buffer) => buffer.wordRight(),
  "delete-word": (buffer) => buffer.deleteWord(),
  "delete-to-end": (buffer) => buffer.deleteToEnd(),
  "delete-to-start": (buffer) => buffer.deleteToStart(),
};

function recall(entry: string | undefined, buffer: EditBuffer): void {
  if (entry !== undefined) buffer.replace(entry);
}
