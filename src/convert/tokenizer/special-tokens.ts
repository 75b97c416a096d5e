// Which tokens begin, end, pad and separate, and whether a prompt gets them: as tokenizer_config.json says, else as the
// tokenizer's own template does, with config.json's ids where no text is given.

import type { Checkpoint } from "../checkpoint.ts";
import { type Fields, isRecord } from "../json.ts";
import { flag, ints, type Metadata, uint } from "../values.ts";
import { stepsOf, type TokenizerJson } from "./tokenizer-json.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** Hugging Face's word → GGUF's ("seperator" is upstream's spelling). */
const KEYS = {
  bos: "bos",
  eos: "eos",
  unk: "unknown",
  sep: "seperator",
  pad: "padding",
  cls: "cls",
  mask: "mask",
} as const;
type Special = keyof typeof KEYS;

export function specialTokenMetadata(
  checkpoint: Checkpoint,
  config: Fields,
  json: TokenizerJson | undefined,
  vocabulary: Vocabulary,
): Metadata {
  const stated = checkpoint.object("tokenizer_config.json");
  const sources = [stated, checkpoint.object("special_tokens_map.json")];
  const metadata: Metadata = new Map();
  const ids = new Map<Special, number>();
  for (const special of Object.keys(KEYS) as Special[]) {
    const id = idFromText(sources, special, vocabulary) ?? idIn(config, special);
    if (id === undefined || id >= vocabulary.rows) continue;
    ids.set(special, id);
    metadata.set(`tokenizer.ggml.${KEYS[special]}_token_id`, uint(id));
  }
  // What BERT calls [CLS] is what llama.cpp begins a text with.
  const cls = ids.get("cls");
  if (cls !== undefined && !ids.has("bos")) metadata.set("tokenizer.ggml.bos_token_id", uint(cls));
  const template = json === undefined ? undefined : templateEnds(json);
  for (const special of ["bos", "eos"] as const) {
    const text = special === "bos" ? template?.first : template?.last;
    const byTemplate =
      template === undefined ? undefined : text !== undefined && vocabulary.idOf(text) === ids.get(special);
    const adds = stated?.flag(`add_${special}_token`) ?? byTemplate;
    if (adds !== undefined) metadata.set(`tokenizer.ggml.add_${special}_token`, flag(adds && ids.has(special)));
  }
  addOtherEnds(metadata, checkpoint, ids.get("eos"), vocabulary.rows);
  return metadata;
}

function idFromText(
  sources: readonly (Fields | undefined)[],
  special: Special,
  vocabulary: Vocabulary,
): number | undefined {
  for (const source of sources) {
    const value = source?.record[`${special}_token`];
    const text = isRecord(value) ? value["content"] : value;
    const id = typeof text === "string" ? vocabulary.idOf(text) : undefined;
    if (id !== undefined) return id;
  }
  return undefined;
}

/** Of a list, the first. */
function idIn(fields: Fields, special: Special): number | undefined {
  const value = fields.record[`${special}_token_id`];
  const [first]: unknown[] = Array.isArray(value) ? value : [value];
  return Number.isSafeInteger(first) && Number(first) >= 0 ? Number(first) : undefined;
}

interface TemplateEnds {
  readonly first: string | undefined;
  readonly last: string | undefined;
}

/** The special tokens a TemplateProcessing puts around one text. */
function templateEnds({ root }: TokenizerJson): TemplateEnds | undefined {
  const template = stepsOf(root, "post_processor").find((step) => step.text("type") === "TemplateProcessing");
  const single = template?.record["single"];
  if (!Array.isArray(single)) return undefined;
  const tokenOf = (entry: unknown): string | undefined => {
    const special = isRecord(entry) ? entry["SpecialToken"] : undefined;
    const id = isRecord(special) ? special["id"] : undefined;
    return typeof id === "string" ? id : undefined;
  };
  return { first: tokenOf(single[0]), last: tokenOf(single.at(-1)) };
}

/** Chat models end in more ways than one. llama.cpp stops at eos, eot and eom, so the others go there. */
function addOtherEnds(metadata: Metadata, checkpoint: Checkpoint, eos: number | undefined, rows: number): void {
  const listed = checkpoint.object("generation_config.json")?.record["eos_token_id"];
  if (!Array.isArray(listed)) return;
  const ends = listed.filter((id): id is number => Number.isSafeInteger(id) && id >= 0 && id < rows);
  if (ends.length === 0) return;
  metadata.set("tokenizer.ggml.eos_token_ids", ints(ends));
  const [eot, eom] = ends.filter((id) => id !== eos);
  if (eot !== undefined) metadata.set("tokenizer.ggml.eot_token_id", uint(eot));
  if (eom !== undefined) metadata.set("tokenizer.ggml.eom_token_id", uint(eom));
}
