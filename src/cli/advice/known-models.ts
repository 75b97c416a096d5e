// A few well-known models of Ollama's library, for suggestions only: nothing is decided by this table, and a name that is
// not in it is as good. Sizes are those of the default tag's download, as the library's pages give them; rounded.

export interface KnownModel {
  readonly name: string;
  readonly sizeBytes: number;
  readonly summary: string;
}

function known(name: string, megabytes: number, summary: string): KnownModel {
  return { name, sizeBytes: megabytes * 1e6, summary };
}

/** Smallest first. */
export const knownModels: readonly KnownModel[] = [
  known("all-minilm", 46, "embeddings, very small"),
  known("smollm2:135m", 271, "chat, the smallest"),
  known("nomic-embed-text", 274, "embeddings"),
  known("qwen3:0.6b", 523, "chat and thinking, very small"),
  known("smollm2:360m", 726, "chat, very small"),
  known("gemma3:1b", 815, "chat, small"),
  known("deepseek-r1:1.5b", 1100, "thinking, small"),
  known("llama3.2:1b", 1300, "chat, small"),
  known("qwen3:1.7b", 1400, "chat and thinking, small"),
  known("llama3.2", 2000, "chat"),
  known("qwen3:4b", 2500, "chat and thinking"),
  known("phi4-mini", 2500, "chat"),
  known("gemma3", 3300, "chat"),
  known("mistral", 4400, "chat"),
  known("deepseek-r1:7b", 4700, "thinking"),
  known("qwen2.5-coder", 4700, "code"),
  known("llama3.1", 4900, "chat"),
  known("qwen3", 5200, "chat and thinking"),
  known("gemma3:12b", 8100, "chat"),
  known("phi4", 9100, "chat"),
  known("qwen3:14b", 9300, "chat and thinking"),
  known("gpt-oss", 14_000, "chat and thinking"),
  known("gemma3:27b", 17_000, "chat"),
  known("qwen3:32b", 20_000, "chat and thinking"),
  known("llama3.3", 43_000, "chat, large"),
  known("gpt-oss:120b", 65_000, "chat and thinking, large"),
];
