// All families there are: Ollama's by name, and those that only templates imply.

import type { OutputFamily } from "../../../src/chat/output-family.ts";
import { familyFor, familyNames } from "../../../src/chat/output-parser.ts";
import { cohereTemplate } from "../../../src/chat/families/cohere.ts";
import { deepseekTemplateFamily } from "../../../src/chat/families/deepseek.ts";
import { functionary31, functionary32, llama3 } from "../../../src/chat/families/llama3.ts";
import { mistralTemplateFamily } from "../../../src/chat/families/mistral.ts";
import { CALL_FORMATS, templateFamily, type CallFormatName } from "../../../src/chat/families/template-families.ts";

const THINK = { open: "<think>", close: "</think>" };

export const EVERY_FAMILY: readonly OutputFamily[] = [
  ...familyNames.map((name) => familyFor(name)).filter((family) => family !== undefined),
  ...Object.keys(CALL_FORMATS).map((name) => templateFamily(name, CALL_FORMATS[name as CallFormatName], THINK)),
  mistralTemplateFamily("named", { open: "[THINK]", close: "[/THINK]" }),
  mistralTemplateFamily("array", undefined),
  deepseekTemplateFamily(true),
  deepseekTemplateFamily(false),
  cohereTemplate,
  llama3,
  functionary31,
  functionary32,
];
