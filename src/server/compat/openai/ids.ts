// Ids of answers. Ollama's end in a number below 1000, which soon repeats; clients use them as keys.

export function answerId(prefix: string): string {
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
  return `${prefix}${(BigInt(high) << 20n) | BigInt(low >>> 12)}`;
}

export function unixSeconds(): number {
  return Math.floor(Date.now() / 1000);
}
