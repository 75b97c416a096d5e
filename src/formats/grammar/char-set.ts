// Sets of Unicode code points as sorted, disjoint, non-touching inclusive ranges in one flat array [low, high, low, high…].
// Every function keeps that form, so two equal sets have equal arrays.

export type CharSet = readonly number[];

export const MAX_CODE_POINT = 0x10ffff;

/** What UTF-8 can carry: every code point except the surrogates. */
export const ALL_CHARS: CharSet = [0, 0xd7ff, 0xe000, MAX_CODE_POINT];

export function charSet(ranges: readonly (readonly [number, number])[]): CharSet {
  const sorted = ranges.filter(([low, high]) => low <= high).sort((a, b) => a[0] - b[0]);
  const out: number[] = [];
  for (const [low, high] of sorted) {
    const last = out[out.length - 1];
    if (last !== undefined && low <= last + 1) out[out.length - 1] = Math.max(last, high);
    else out.push(low, high);
  }
  return out;
}

export function charsOf(text: string): CharSet {
  return charSet(
    Array.from(text, (char) => {
      const code = char.codePointAt(0) ?? 0;
      return [code, code] as const;
    }),
  );
}

export function rangesOf(set: CharSet): [number, number][] {
  const out: [number, number][] = [];
  for (let i = 0; i < set.length; i += 2) out.push([set[i] ?? 0, set[i + 1] ?? 0]);
  return out;
}

export function unionChars(sets: readonly CharSet[]): CharSet {
  return charSet(sets.flatMap((set) => rangesOf(set)));
}

/** The code points of `within` that are not in `set`. */
export function subtractChars(within: CharSet, set: CharSet): CharSet {
  const out: number[] = [];
  let j = 0;
  for (let i = 0; i < within.length; i += 2) {
    let low = within[i] ?? 0;
    const high = within[i + 1] ?? 0;
    while (j < set.length && (set[j + 1] ?? 0) < low) j += 2;
    for (let k = j; k < set.length && (set[k] ?? 0) <= high; k += 2) {
      if ((set[k] ?? 0) > low) out.push(low, (set[k] ?? 0) - 1);
      low = (set[k + 1] ?? 0) + 1;
    }
    if (low <= high) out.push(low, high);
  }
  return out;
}

export function intersectChars(a: CharSet, b: CharSet): CharSet {
  const out: number[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    const low = Math.max(a[i] ?? 0, b[j] ?? 0);
    const high = Math.min(a[i + 1] ?? 0, b[j + 1] ?? 0);
    if (low <= high) out.push(low, high);
    if ((a[i + 1] ?? 0) < (b[j + 1] ?? 0)) i += 2;
    else j += 2;
  }
  return out;
}

export function hasChar(set: CharSet, code: number): boolean {
  let low = 0;
  let high = set.length >> 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((set[middle * 2 + 1] ?? 0) < code) low = middle + 1;
    else high = middle;
  }
  return low * 2 < set.length && (set[low * 2] ?? 0) <= code;
}

/** Whether some code point of low…high is in the set. */
export function overlapsChars(set: CharSet, low: number, high: number): boolean {
  for (let i = 0; i < set.length; i += 2) if ((set[i] ?? 0) <= high && (set[i + 1] ?? 0) >= low) return true;
  return false;
}
