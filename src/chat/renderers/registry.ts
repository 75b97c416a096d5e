// The renderers by the name that a model's config gives (Ollama: model/renderers/renderer.go).

import { AppError } from "../../base/errors.ts";
import { cogito } from "./cogito.ts";
import { cohere } from "./cohere.ts";
import { deepseek31 } from "./deepseek3.ts";
import { functionGemma } from "./functiongemma.ts";
import { gemma4, gemma4Large, gemma4Small } from "./gemma4.ts";
import { glimmer } from "./glimmer.ts";
import { glm47, glmOcr } from "./glm.ts";
import { laguna, poolsideV1 } from "./laguna.ts";
import { lfm2, lfm2Thinking } from "./lfm2.ts";
import { nemotron35Nano, nemotron3Nano } from "./nemotron.ts";
import { olmo3, olmo31, olmo332bThink, olmo3Think } from "./olmo3.ts";
import { qwen3Coder } from "./qwen3-coder.ts";
import { qwen3VlInstruct, qwen3VlThinking } from "./qwen3-vl.ts";
import { ornith, qwen35, qwen38 } from "./qwen35.ts";
import type { Renderer } from "./renderer.ts";

const RENDERERS: ReadonlyMap<string, Renderer> = new Map(
  [
    cogito,
    cohere,
    deepseek31,
    functionGemma,
    gemma4,
    gemma4Large,
    gemma4Small,
    glimmer,
    glm47,
    glmOcr,
    laguna,
    lfm2,
    lfm2Thinking,
    nemotron35Nano,
    nemotron3Nano,
    olmo3,
    olmo31,
    olmo332bThink,
    olmo3Think,
    ornith,
    poolsideV1,
    qwen35,
    qwen38,
    qwen3Coder,
    qwen3VlInstruct,
    qwen3VlThinking,
  ].map((renderer) => [renderer.name, renderer]),
);

export const rendererNames: readonly string[] = [...RENDERERS.keys()];

export function rendererFor(name: string): Renderer | undefined {
  return RENDERERS.get(name);
}

/** As `rendererFor`, with Ollama's words for a name that it does not know. */
export function requireRenderer(name: string): Renderer {
  const renderer = RENDERERS.get(name);
  if (renderer === undefined) throw new AppError("internal", `unknown renderer ${JSON.stringify(name)}`);
  return renderer;
}
