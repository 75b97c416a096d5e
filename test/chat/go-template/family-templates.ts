// The Go templates of about a hundred model families, from the table inside @huggingface/ollama-utils, which the
// package does not export.

import { OLLAMA_CHAT_TEMPLATE_MAPPING } from "../../../node_modules/@huggingface/ollama-utils/src/chat-template-automap.ts";

export interface FamilyTemplate {
  readonly model: string;
  readonly template: string;
}

export function familyTemplates(): readonly FamilyTemplate[] {
  return OLLAMA_CHAT_TEMPLATE_MAPPING.map(({ model, ollama }) => ({ model, template: ollama.template }));
}
