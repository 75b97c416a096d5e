// Decimal printing as C and Go do it: exact ties round to the even digit. JavaScript's toFixed rounds ties away from zero,
// which shows in sizes such as 2250 bytes ("2.2 KB", not "2.3 KB").

/** Enough digits beyond the wanted ones to tell an exact tie from a double that is merely close to one. */
const EXACT_DIGITS = 60;

export function toFixedEven(value: number, digits: number): string {
  const rounded = value.toFixed(digits);
  if (!Number.isFinite(value) || Math.abs(value) >= 1e21) return rounded;
  const exact = value.toFixed(Math.min(100, digits + EXACT_DIGITS));
  const cut = exact.indexOf(".") + 1 + digits;
  if (!/^50*$/.test(exact.slice(cut))) return rounded;
  const truncated = digits === 0 ? exact.slice(0, exact.indexOf(".")) : exact.slice(0, cut);
  return Number(truncated.at(-1)) % 2 === 0 ? truncated : rounded;
}
