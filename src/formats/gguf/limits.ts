// The most a GGUF may declare before it is refused, so that hostile numbers cost neither memory nor time.
// String and array limits are Ollama's (fs/gguf/gguf.go), names and layers llama.cpp's; the rest is far above any real model.

export const LIMITS = {
  keys: 16_384,
  keyBytes: 65_535,
  tensors: 32_768,
  tensorNameBytes: 63,
  tensorDimensions: 4,
  stringBytes: 16 * 1024 * 1024,
  arrayItems: 64 * 1024 * 1024,
  /** Everything before the tensor data. */
  metadataBytes: 128 * 1024 * 1024,
  /** Strings up to this size are decoded at once, longer ones when asked for. */
  eagerStringBytes: 64 * 1024,
  eagerStringBytesInAll: 4 * 1024 * 1024,
  layers: 512,
  experts: 1024,
  tokens: 2 * 1024 * 1024,
  tokenBytes: 4096,
  smallestAlignment: 8,
  largestAlignment: 65_536,
} as const;
