// The engine of the tag-based families: an answer is a walk through named regions, and a tag leads from one to the next.
// A region streams its text, decides by what comes next, or captures until a tag and reads a call from what it captured.
// Only a possible tag or trailing whitespace is ever held back, so the outcome is the same however the text was cut.

import type { OutputEvent, OutputParser } from "../output-family.ts";
import { isSpace, leadingSpaceLength, overlapLength, trailingSpaceLength } from "./whitespace.ts";

export interface ParsedCall {
  id?: string;
  name: string;
  arguments: Record<string, unknown>;
}

/** What a captured text turned out to be; undefined means that it cannot be read as calls. */
export type Captured = { calls: readonly ParsedCall[]; text?: string; malformed?: string } | undefined;

export interface Exit {
  tag: string;
  to: string;
  /** The tag is left for the next region to see. */
  keep?: true;
  /** Whitespace before this tag stays, whatever the region says. */
  keepsSpace?: true;
}

export interface StreamRegion {
  is: "stream";
  emits: "text" | "thinking" | "nothing";
  exits: readonly Exit[];
  /** Whitespace at the start of the region is dropped. */
  trimStart?: boolean;
  /** Whitespace before a tag or the end of the answer: dropped, dropped only before a tag, or kept. */
  trailing: "drop" | "drop-before-tag" | "keep";
}

/** Looks at the text ahead and chooses a region; `drop` characters of it are consumed. "wait" asks for more text. */
export interface ChoiceRegion {
  is: "choice";
  choose(ahead: string, final: boolean): { to: string; drop: number } | "wait";
}

export interface CaptureRegion {
  is: "capture";
  /** The tag that led here, given back with the rest when the call cannot be read. */
  open: string;
  exits: readonly Exit[];
  read(raw: string, closed: boolean): Captured;
}

/** Captures until `scanner` says that the text is complete. */
export interface ScanRegion {
  is: "scan";
  open: string;
  to: string;
  scanner(): Scanner;
  read(raw: string, closed: boolean): Captured;
}

/** Takes the text in pieces; answers how many characters of this piece belong to it, or -1 for all and more to come. */
export type Scanner = (piece: string) => number;

export type Region = StreamRegion | ChoiceRegion | CaptureRegion | ScanRegion;

/** A choice among tags that may come next after optional whitespace. */
export function tagChoice(
  tags: readonly Exit[],
  otherwise: { to: string; dropSpace: boolean },
  options: { trailingSpace?: boolean } = {},
): ChoiceRegion {
  return {
    is: "choice",
    choose(ahead, final) {
      const space = leadingSpaceLength(ahead);
      const rest = ahead.slice(space);
      for (const exit of tags) {
        if (rest.startsWith(exit.tag)) return { to: exit.to, drop: exit.keep ? space : space + exit.tag.length };
      }
      const mayGrow = rest === "" || tags.some((exit) => exit.tag.startsWith(rest));
      if (!final && mayGrow) return "wait";
      const dropped = otherwise.dropSpace || (final && rest === "" && options.trailingSpace !== true);
      return { to: otherwise.to, drop: dropped ? space : 0 };
    },
  };
}

export class SegmentParser implements OutputParser {
  #region: Region;
  #atStart = true;
  #ahead = "";
  #captured: string[] = [];
  #scanner: Scanner | undefined;
  /** All of #ahead is whitespace that means nothing yet and can be no part of a tag. */
  #holdsSpace = false;
  #callIndex = 0;
  #events: OutputEvent[] = [];

  constructor(
    private readonly regions: Readonly<Record<string, Region>>,
    start: string,
  ) {
    this.#region = this.#find(start);
  }

  feed(text: string): OutputEvent[] {
    // A long run of whitespace is held back; looking through it again for every chunk would take quadratic time.
    const skips = this.#holdsSpace && leadingSpaceLength(text) === text.length;
    this.#ahead += text;
    if (skips) return [];
    while (this.#step(false));
    return this.#drain();
  }

  finish(): OutputEvent[] {
    while (this.#step(true));
    return this.#drain();
  }

  /** Consumes what the current region can; true when the region changed and there may be more to do. */
  #step(final: boolean): boolean {
    this.#holdsSpace = false;
    const region = this.#region;
    switch (region.is) {
      case "stream":
        return this.#stream(region, final);
      case "choice":
        return this.#choose(region, final);
      case "capture":
        return this.#capture(region, final);
      case "scan":
        return this.#scan(region, final);
      default:
        return region satisfies never;
    }
  }

  #stream(region: StreamRegion, final: boolean): boolean {
    if (this.#atStart && region.trimStart) {
      this.#ahead = this.#ahead.slice(leadingSpaceLength(this.#ahead));
      if (this.#ahead === "") return false;
    }
    if (this.#ahead === "") return false;
    this.#atStart = false;
    const found = firstExit(this.#ahead, region.exits);
    if (found !== undefined) {
      const before = this.#ahead.slice(0, found.at);
      const keepsSpace = region.trailing === "keep" || found.exit.keepsSpace === true;
      this.#emit(region.emits, keepsSpace ? before : before.slice(0, before.length - trailingSpaceLength(before)));
      this.#ahead = this.#ahead.slice(found.exit.keep ? found.at : found.at + found.exit.tag.length);
      this.#enter(found.exit.to);
      return true;
    }
    const partial = final ? 0 : longestOverlap(this.#ahead, region.exits);
    let end = this.#ahead.length - partial;
    if (region.trailing === "drop" || (region.trailing === "drop-before-tag" && !final)) {
      end -= trailingSpaceLength(this.#ahead.slice(0, end));
    }
    this.#emit(region.emits, this.#ahead.slice(0, end));
    this.#ahead = final ? "" : this.#ahead.slice(end);
    this.#holdsSpace = partial === 0 && this.#ahead !== "" && !region.exits.some((exit) => isSpace(exit.tag[0]));
    return false;
  }

  #choose(region: ChoiceRegion, final: boolean): boolean {
    if (this.#ahead === "") return false;
    const choice = region.choose(this.#ahead, final);
    if (choice === "wait") {
      this.#holdsSpace = leadingSpaceLength(this.#ahead) === this.#ahead.length;
      return false;
    }
    this.#ahead = this.#ahead.slice(choice.drop);
    this.#enter(choice.to);
    return true;
  }

  #capture(region: CaptureRegion, final: boolean): boolean {
    const found = firstExit(this.#ahead, region.exits);
    if (found !== undefined) {
      this.#captured.push(this.#ahead.slice(0, found.at));
      this.#ahead = this.#ahead.slice(found.exit.keep ? found.at : found.at + found.exit.tag.length);
      this.#close(region, found.exit.keep ? "" : found.exit.tag, true);
      this.#enter(found.exit.to);
      return true;
    }
    const held = final ? 0 : longestOverlap(this.#ahead, region.exits);
    this.#captured.push(this.#ahead.slice(0, this.#ahead.length - held));
    this.#ahead = this.#ahead.slice(this.#ahead.length - held);
    if (final) this.#close(region, "", false);
    return false;
  }

  #scan(region: ScanRegion, final: boolean): boolean {
    this.#scanner ??= region.scanner();
    const end = this.#scanner(this.#ahead);
    this.#captured.push(end === -1 ? this.#ahead : this.#ahead.slice(0, end));
    this.#ahead = end === -1 ? "" : this.#ahead.slice(end);
    if (end === -1 && !final) return false;
    this.#close(region, "", end !== -1);
    if (end !== -1) this.#enter(region.to);
    return end !== -1;
  }

  #close(region: CaptureRegion | ScanRegion, close: string, closed: boolean): void {
    const raw = this.#captured.join("");
    this.#captured = [];
    // An opening tag with nothing after it at the end of the answer is still something the model wrote.
    if (!closed && raw === "" && region.open === "") return;
    const captured = region.read(raw, closed);
    if (captured === undefined) {
      this.#events.push({ kind: "malformed-tool-call", text: region.open + raw + close });
      return;
    }
    if (captured.text !== undefined) this.#emit("text", captured.text);
    for (const call of captured.calls)
      this.#events.push({ kind: "tool-call", call: { ...call, index: this.#callIndex++ } });
    if (captured.malformed !== undefined) this.#events.push({ kind: "malformed-tool-call", text: captured.malformed });
  }

  #enter(name: string): void {
    this.#region = this.#find(name);
    this.#atStart = true;
    this.#scanner = undefined;
  }

  #find(name: string): Region {
    const region = this.regions[name];
    if (region === undefined) throw new TypeError(`no region ${name}`);
    return region;
  }

  #emit(kind: "text" | "thinking" | "nothing", text: string): void {
    if (text === "" || kind === "nothing") return;
    const last = this.#events.at(-1);
    if (last?.kind === kind) last.text += text;
    else this.#events.push({ kind, text });
  }

  #drain(): OutputEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }
}

function firstExit(text: string, exits: readonly Exit[]): { at: number; exit: Exit } | undefined {
  let first: { at: number; exit: Exit } | undefined;
  for (const exit of exits) {
    const at = text.indexOf(exit.tag);
    if (at === -1) continue;
    const longerHere = first !== undefined && at === first.at && exit.tag.length > first.exit.tag.length;
    if (first === undefined || at < first.at || longerHere) first = { at, exit };
  }
  return first;
}

function longestOverlap(text: string, exits: readonly Exit[]): number {
  let longest = 0;
  for (const exit of exits) longest = Math.max(longest, overlapLength(text, exit.tag));
  return longest;
}
