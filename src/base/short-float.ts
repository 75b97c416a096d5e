// Numbers of single precision, as Go and every reader of JSON expects them.

const SMALLEST_NORMAL = 2 ** -126;

/** The shortest decimal that is the same float32: Go prints it so, and it is half as long on the wire. */
export function shortFloat(value: number): number {
  const single = Math.fround(value);
  if (single === 0) return single;
  // Six digits always come back as they were; of a number below the normal ones fewer may say all there is.
  for (let digits = Math.abs(single) < SMALLEST_NORMAL ? 1 : 6; digits < 9; digits++) {
    const short = Number(single.toPrecision(digits));
    if (Math.fround(short) === single) return short;
  }
  return Number(single.toPrecision(9));
}
