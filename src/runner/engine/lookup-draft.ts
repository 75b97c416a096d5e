// Speculation without a draft model: when the end of the text has occurred before, what followed then is proposed again.
// Copying, editing and structured text repeat themselves; other text does not, and then this switches itself off.

/** Fewer tokens in common are chance: free text shares pairs all the time. */
const SHORTEST_MATCH = 3;
/** From here on the text is most likely being copied. */
export const COPYING_MATCH = 6;
/** More in common says nothing more. */
const LONGEST_MATCH = 16;
/** Looking back further costs more than it finds. */
const LOOK_BACK = 4096;

export interface Lookup {
  /** What followed there. */
  readonly tokens: readonly number[];
  /** How many tokens before it are the same here. */
  readonly matched: number;
}

const NOTHING: Lookup = { tokens: [], matched: 0 };

/** Up to `most` tokens that followed the place most like the text's end: most tokens in common, the last of equals. */
export function lookUpDraft(tokens: readonly number[], most: number): Lookup {
  const end = tokens.length;
  const last = tokens[end - 1];
  let best = SHORTEST_MATCH - 1;
  let at = -1;
  for (let i = end - 2; i >= Math.max(0, end - LOOK_BACK); i--) {
    if (tokens[i] !== last) continue;
    let matched = 1;
    while (matched < LONGEST_MATCH && i - matched >= 0 && tokens[i - matched] === tokens[end - 1 - matched]) matched++;
    if (matched <= best) continue;
    best = matched;
    at = i;
    if (matched === LONGEST_MATCH) break;
  }
  return at < 0 ? NOTHING : { tokens: tokens.slice(at + 1, Math.min(at + 1 + most, end)), matched: best };
}

/**
 * Decides how many tokens to draft. A verified token costs `tokenMs`, a step without drafts `stepMs`; drafting pays
 * when the accepted share of the drafted tokens is above the ratio. Starts small, grows while it pays, and rests when it
 * does not, for longer each time.
 */
export class DraftPacing {
  #size: number;
  #rest = 0;
  #restLength = FIRST_REST;
  #accepted: number;
  #recorded = false;

  /** `hopedFor`: the share of drafted tokens expected to be right before anything is known; `first`: how many to begin with. */
  constructor(
    private readonly hopedFor: number,
    private readonly first: number,
  ) {
    this.#size = first;
    this.#accepted = hopedFor;
  }

  /** Drafts have been made, and most of what was drafted was right. */
  get hasPaid(): boolean {
    return this.#recorded && this.#accepted >= PAYING;
  }

  /** Tokens to draft for the next step; 0 while resting. */
  next(stepMs: number, tokenMs: number): number {
    if (this.#rest > 0) {
      this.#rest--;
      return 0;
    }
    // Expected tokens gained must be worth the extra time of verifying them.
    const pays = (accepted: number) => stepMs <= 0 || tokenMs <= 0 || accepted * stepMs > tokenMs * PAYS_FROM;
    if (pays(this.#accepted)) return this.#size;
    // A price that even hope does not pay may change with the next step; bad luck is waited out.
    return pays(this.hopedFor) ? this.#startRest() : 0;
  }

  record(drafted: number, accepted: number): void {
    if (drafted === 0) return;
    this.#recorded = true;
    this.#accepted = this.#accepted * 0.6 + (accepted / drafted) * 0.4;
    if (accepted === drafted) {
      this.#size = Math.min(this.#size * 2, LARGEST_DRAFT);
      this.#restLength = FIRST_REST;
    } else if (accepted === 0) {
      this.#size = Math.max(Math.floor(this.#size / 2), this.first);
      if (this.#accepted < GIVE_UP_BELOW) this.#startRest();
    }
  }

  #startRest(): number {
    this.#rest = this.#restLength;
    this.#restLength = Math.min(this.#restLength * 2, LONGEST_REST);
    this.#accepted = this.hopedFor;
    return 0;
  }
}

export const LARGEST_DRAFT = 16;
const FIRST_REST = 16;
const LONGEST_REST = 512;
const PAYING = 0.7;
const GIVE_UP_BELOW = 0.2;
const PAYS_FROM = 1.1;
