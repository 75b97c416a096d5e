// Which addresses are one place to credentials: the same origin, or two names of the same service.

export type SameOrigin = (a: URL, b: URL) => boolean;

/** Hugging Face redirects from one of its names to the other; no other pair is believed to be one service. */
const HUGGING_FACE: ReadonlySet<string> = new Set(["https://hf.co", "https://huggingface.co"]);

/** `names` are the origins of one service. */
export function sameOriginWith(names: ReadonlySet<string> = HUGGING_FACE): SameOrigin {
  return (a, b) => a.origin === b.origin || (names.has(a.origin) && names.has(b.origin));
}
