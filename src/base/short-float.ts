// Numbers of single precision, as Go and every reader of JSON expects them.

/** The shortest decimal that is the same float32: Go prints it so, and it is half as long on the wire. */
export function shortFloat(value: number): number {
  const single = Math.fround(value);
  for (const digits of [6, 7, 8]) {
    const short = Number(single.toPrecision(digits));
    if (Math.fround(short) === single) return short;
  }
  return Number(single.toPrecision(9));
}
