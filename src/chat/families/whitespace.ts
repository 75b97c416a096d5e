// Whitespace as Go's unicode.IsSpace counts it; JavaScript's \s differs (it has U+FEFF and lacks U+0085).

const WIDE = /[\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;

export function isSpace(char: string | undefined): boolean {
  return char !== undefined && isSpaceAt(char, 0);
}

/** By code, because long runs of whitespace are looked at again and again while they are held back. */
function isSpaceAt(text: string, index: number): boolean {
  const code = text.charCodeAt(index);
  if (code < 0x80) return code === 0x20 || (code >= 0x09 && code <= 0x0d);
  return WIDE.test(text[index] ?? "");
}

export function leadingSpaceLength(text: string): number {
  let length = 0;
  while (length < text.length && isSpaceAt(text, length)) length++;
  return length;
}

export function trailingSpaceLength(text: string): number {
  let length = 0;
  while (length < text.length && isSpaceAt(text, text.length - 1 - length)) length++;
  return length;
}

export function trimStart(text: string): string {
  return text.slice(leadingSpaceLength(text));
}

export function trimEnd(text: string): string {
  return text.slice(0, text.length - trailingSpaceLength(text));
}

export function trim(text: string): string {
  return trimEnd(trimStart(text));
}

/** Length of the longest suffix of `text` that is a proper or full prefix of `tag`. */
export function overlapLength(text: string, tag: string): number {
  for (let length = Math.min(text.length, tag.length); length > 0; length--) {
    if (text.endsWith(tag.slice(0, length))) return length;
  }
  return 0;
}
