// The registry of output formats under Ollama's parser names (model/parsers/parsers.go); the interface is in output-family.ts.

import { cohere } from "./families/cohere.ts";
import { cogito, deepseek3 } from "./families/deepseek.ts";
import { functionGemma, gemma4, gemma4NoThinking } from "./families/gemma.ts";
import { glimmer } from "./families/glimmer.ts";
import { glm47, glmOcr } from "./families/glm.ts";
import { harmony } from "./families/harmony.ts";
import { laguna, poolsideV1 } from "./families/laguna.ts";
import { lfm2, lfm2Thinking } from "./families/lfm2.ts";
import { ministral } from "./families/mistral.ts";
import { olmo3, olmo3Think } from "./families/olmo3.ts";
import { passthrough } from "./families/passthrough.ts";
import { nemotron35Nano, nemotron3Nano, ornith, qwen35, qwen3Coder } from "./families/qwen3-coder.ts";
import { qwen3, qwen3Thinking, qwen3VlInstruct, qwen3VlThinking } from "./families/qwen3.ts";
import type { OutputFamily } from "./output-family.ts";

const FAMILIES: ReadonlyMap<string, OutputFamily> = new Map(
  [
    cogito,
    cohere,
    deepseek3,
    functionGemma,
    gemma4,
    gemma4NoThinking,
    glimmer,
    glm47,
    glmOcr,
    harmony,
    laguna,
    lfm2,
    lfm2Thinking,
    ministral,
    nemotron35Nano,
    nemotron3Nano,
    olmo3,
    olmo3Think,
    ornith,
    passthrough,
    poolsideV1,
    qwen3,
    qwen35,
    qwen3Coder,
    qwen3Thinking,
    qwen3VlInstruct,
    qwen3VlThinking,
  ].map((family) => [family.name, family]),
);

/** The family that a model's config names as its parser; Ollama ignores names it does not know. */
export function familyFor(parserName: string): OutputFamily | undefined {
  return FAMILIES.get(parserName);
}

export const familyNames: readonly string[] = [...FAMILIES.keys()];
