// Hugging Face pages as model names: hf.co serves every GGUF repository through Ollama's registry protocol, with a
// quantisation or a file name as the tag, so an address copied from the browser becomes such a name.

import { ModelName } from "../models/name.ts";

/** undefined for what is no page of a Hugging Face model or a file in its main branch. */
export function huggingFaceName(text: string): ModelName | undefined {
  const match =
    /^https:\/\/(hf\.co|(?:www\.)?huggingface\.co)\/([\w-]+)\/([\w.-]+?)(?:\/(?:resolve|blob|tree)\/main(?:\/([\w.-]+))?)?\/?(?:\?download=true)?$/i.exec(
      text,
    );
  if (match === null) return undefined;
  const [, , namespace = "", model = "", file] = match;
  return ModelName.of("hf.co", namespace, model, file ?? "latest");
}
