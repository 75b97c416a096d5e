// Speculation without a draft model: when the end of the text has occurred before, what followed then is proposed again.
// Copying, editing and structured text repeat themselves; other text does not, and then this switches itself off.

const LONGEST_MATCH = 4;
const SHORTEST_MATCH = 3;
/** Looking back further costs more than it finds. */
const LOOK_BACK = 4096;

/** Up to `most` tokens that followed the last occurrence of the text's end, longest match first. */
export function lookUpDraft(tokens: readonly number[], most: number): number[] {
  const end = tokens.length;
  for (let length = Math.min(LONGEST_MATCH, end - 1); length >= SHORTEST_MATCH; length--) {
    const from = Math.max(0, end - LOOK_BACK);
    for (let start = end - length - 1; start >= from; start--) {
      if (!sameTokens(tokens, start, end - length, length)) continue;
      return tokens.slice(start + length, Math.min(start + length + most, end));
    }
  }
  return [];
}

function sameTokens(tokens: readonly number[], a: number, b: number, length: number): boolean {
  for (let i = length - 1; i >= 0; i--) if (tokens[a + i] !== tokens[b + i]) return false;
  return true;
}

/**
 * Decides how many tokens to draft. A verified token costs `tokenMs`, a step without drafts `stepMs`; drafting pays
 * when the accepted share of the drafted tokens is above the ratio. Starts small, grows while it pays, and rests when it
 * does not, for longer each time.
 */
export class DraftPacing {
  #size = FIRST_DRAFT;
  #rest = 0;
  #restLength = FIRST_REST;
  #accepted = HOPED_FOR;

  /** Tokens to draft for the next step; 0 while resting. */
  next(stepMs: number, tokenMs: number): number {
    if (this.#rest > 0) {
      this.#rest--;
      return 0;
    }
    // Expected tokens gained must be worth the extra time of verifying them.
    const worth = stepMs <= 0 || tokenMs <= 0 || this.#accepted * stepMs > tokenMs * PAYS_FROM;
    return worth ? this.#size : this.#startRest();
  }

  record(drafted: number, accepted: number): void {
    if (drafted === 0) return;
    this.#accepted = this.#accepted * 0.6 + (accepted / drafted) * 0.4;
    if (accepted === drafted) {
      this.#size = Math.min(this.#size * 2, LARGEST_DRAFT);
      this.#restLength = FIRST_REST;
    } else if (accepted === 0) {
      this.#size = Math.max(Math.floor(this.#size / 2), FIRST_DRAFT);
      if (this.#accepted < GIVE_UP_BELOW) this.#startRest();
    }
  }

  #startRest(): number {
    this.#rest = this.#restLength;
    this.#restLength = Math.min(this.#restLength * 2, LONGEST_REST);
    this.#accepted = HOPED_FOR;
    return 0;
  }
}

/** The share of drafted tokens expected to be accepted before anything is known. */
const HOPED_FOR = 0.35;
const FIRST_DRAFT = 3;
export const LARGEST_DRAFT = 16;
const FIRST_REST = 16;
const LONGEST_REST = 512;
const GIVE_UP_BELOW = 0.2;
const PAYS_FROM = 1.1;
