// Which of llama.cpp's pre-tokenizers cuts text as a tokenizer.json says. llama.cpp's converter encodes a known text and
// looks up the hash of the ids; here the rules themselves are compared, so a fine-tune with more tokens is known as well.

import { AppError } from "../../base/errors.ts";
import type { Fields } from "../json.ts";
import { stepsOf } from "./tokenizer-json.ts";

const CL100K_TAIL = String.raw` ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`;
const CONTRACTIONS = String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)`;
const WORDS = String.raw`[^\r\n\p{L}\p{N}]?\p{L}+`;
const UPPER = String.raw`[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`;
const LOWER = String.raw`[\p{Ll}\p{Lm}\p{Lo}\p{M}]`;
const CASED_START = String.raw`[^\r\n\p{L}\p{N}]?`;
const SLASH_TAIL = String.raw` ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`;

const BYTES = "bytes";
const BYTE_WORDS = "bytes+words";

interface Known {
  readonly name: string;
  /** Patterns and steps in order, as `signature` writes them. */
  readonly steps: readonly string[];
  /** Whole words that are tokens are not built from merges. */
  readonly ignoresMerges?: true;
}

const split = (pattern: string): string => `split:${pattern}`;

const KNOWN: readonly Known[] = [
  {
    name: "llama-bpe",
    steps: [split(`${CONTRACTIONS}|${WORDS}|\\p{N}{1,3}|${CL100K_TAIL}`), BYTES],
    ignoresMerges: true,
  },
  { name: "dbrx", steps: [split(`${CONTRACTIONS}|${WORDS}|\\p{N}{1,3}|${CL100K_TAIL}`), BYTES] },
  { name: "qwen2", steps: [split(`${CONTRACTIONS}|${WORDS}|\\p{N}|${CL100K_TAIL}`), BYTES] },
  {
    name: "gpt-4o",
    steps: [
      split(
        `${CASED_START}${UPPER}*${LOWER}+${CONTRACTIONS}?|${CASED_START}${UPPER}+${LOWER}*${CONTRACTIONS}?|\\p{N}{1,3}|${SLASH_TAIL}`,
      ),
      BYTES,
    ],
  },
  {
    name: "tekken",
    steps: [split(`${CASED_START}${UPPER}*${LOWER}+|${CASED_START}${UPPER}+${LOWER}*|\\p{N}|${SLASH_TAIL}`), BYTES],
    ignoresMerges: true,
  },
  { name: "smollm", steps: ["digits", BYTE_WORDS] },
  { name: "gpt-2", steps: [BYTE_WORDS] },
];

export function preTokenizerName(root: Fields, model: Fields): string {
  const steps = stepsOf(root, "pre_tokenizer").map(signature);
  const ignoresMerges = model.flag("ignore_merges") === true;
  const same = KNOWN.filter(
    (known) => known.steps.length === steps.length && known.steps.every((s, i) => s === steps[i]),
  );
  const known = same.find((each) => (each.ignoresMerges === true) === ignoresMerges) ?? same[0];
  if (known !== undefined) return known.name;
  const shown = steps.join(", ").slice(0, 300);
  throw new AppError(
    "unsupported",
    `tokenizer.json: no pre-tokenizer of the engine cuts text like this one (${shown}); any other would give wrong tokens`,
  );
}

function signature(step: Fields): string {
  const type = step.text("type") ?? "?";
  switch (type) {
    case "Split": {
      const pattern = step.object("pattern");
      const isolated = step.text("behavior") === "Isolated" && step.flag("invert") !== true;
      // A removed or inverted match keeps the same pieces only where the pattern covers every text, as these do.
      const whole = step.text("behavior") === "Removed" && step.flag("invert") === true;
      const regex = pattern?.text("Regex");
      return regex !== undefined && (isolated || whole) ? split(regex) : `${type}(other)`;
    }
    case "Digits":
      return step.flag("individual_digits") === true ? "digits" : "digits(grouped)";
    case "ByteLevel":
      if (step.flag("add_prefix_space") === true) return "bytes(prefix space)";
      return step.flag("use_regex") === false ? BYTES : BYTE_WORDS;
    default:
      return type;
  }
}
