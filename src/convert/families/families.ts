// Every family that can be imported, by the class names of config.json.

import { AppError } from "../../base/errors.ts";
import type { Family } from "../family.ts";
import type { Fields } from "../json.ts";
import { bert } from "./bert.ts";
import { gemma2, gemma3 } from "./gemma.ts";
import { llama } from "./llama.ts";
import { nomicBert } from "./nomic-bert.ts";
import { phi3 } from "./phi3.ts";
import { qwen2, qwen3 } from "./qwen.ts";

export const FAMILIES: readonly Family[] = [llama, qwen2, qwen3, gemma2, gemma3, phi3, bert, nomicBert];

export function familyOf(config: Fields): Family {
  const [name] = config.texts("architectures") ?? [];
  const family = FAMILIES.find(({ classes }) => name !== undefined && classes.includes(name));
  if (family !== undefined) return family;
  const known = FAMILIES.flatMap(({ classes }) => classes).join(", ");
  // The first words are Ollama's.
  const problem = name === undefined ? "unknown architecture" : `unsupported architecture ${JSON.stringify(name)}`;
  throw new AppError("unsupported", `${problem}: these can be imported: ${known}; others can be created from a GGUF`);
}
