// strconv.FormatFloat for float64. Rounding is done on the exact decimal value, half to even, because
// JavaScript's toFixed and toPrecision round halves away from zero.

export type FloatFormat = "e" | "E" | "f" | "g" | "G" | "b" | "x" | "X";

interface Decimal {
  /** Significant digits without trailing zeros; "" for zero. */
  digits: string;
  /** Value = 0.digits × 10^point. */
  point: number;
}

interface Binary {
  mantissa: bigint;
  exponent: number;
}

/** |value| = mantissa × 2^exponent, exactly. */
function decompose(value: number): Binary {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const biased = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & 0xfffffffffffffn;
  return biased === 0
    ? { mantissa: fraction, exponent: -1074 }
    : { mantissa: fraction | (1n << 52n), exponent: biased - 1075 };
}

function trimmed(digits: string, point: number): Decimal {
  const cut = digits.replace(/0+$/, "");
  return cut === "" ? { digits: "", point: 0 } : { digits: cut, point };
}

function shortest(value: number): Decimal {
  if (value === 0) return { digits: "", point: 0 };
  const [mantissa = "", exponent = "0"] = value.toExponential().split("e");
  return trimmed(mantissa.replace(".", ""), Number(exponent) + 1);
}

function exact(value: number): Decimal {
  const { mantissa, exponent } = decompose(value);
  if (mantissa === 0n) return { digits: "", point: 0 };
  const places = Math.max(0, -exponent);
  // m × 2^-k = m × 5^k / 10^k
  const digits = (exponent >= 0 ? mantissa << BigInt(exponent) : mantissa * 5n ** BigInt(places)).toString();
  return trimmed(digits, digits.length - places);
}

/** Keeps `count` leading digits, rounding half to even. */
function rounded(decimal: Decimal, count: number): Decimal {
  if (count < 0) return { digits: "", point: 0 };
  if (count >= decimal.digits.length) return decimal;
  const kept = decimal.digits.slice(0, count);
  const next = decimal.digits.charCodeAt(count) - 48;
  const isHalf = next === 5 && count + 1 === decimal.digits.length;
  const lastIsOdd = count > 0 && (kept.charCodeAt(count - 1) - 48) % 2 === 1;
  if (next < 5 || (isHalf && !lastIsOdd)) return trimmed(kept, decimal.point);
  const up = (BigInt(kept === "" ? "0" : kept) + 1n).toString().padStart(count, "0");
  return trimmed(up, decimal.point + (up.length - count));
}

function digitsPadded(decimal: Decimal, from: number, count: number): string {
  const available = from < 0 ? "" : decimal.digits.slice(from, from + count);
  return available.padEnd(count, "0");
}

function exponential(decimal: Decimal, precision: number, letter: string): string {
  const first = decimal.digits.charAt(0) || "0";
  const rest = precision > 0 ? `.${digitsPadded(decimal, 1, precision)}` : "";
  const exponent = decimal.digits === "" ? 0 : decimal.point - 1;
  return `${first}${rest}${letter}${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
}

function fixed(decimal: Decimal, precision: number): string {
  const whole = decimal.point > 0 ? decimal.digits.slice(0, decimal.point).padEnd(decimal.point, "0") : "0";
  if (precision <= 0) return whole;
  const zeros = Math.min(precision, Math.max(0, -decimal.point));
  const fraction = "0".repeat(zeros) + digitsPadded(decimal, Math.max(0, decimal.point), precision - zeros);
  return `${whole}.${fraction}`;
}

function general(value: number, precision: number, upper: boolean): string {
  const isShortest = precision < 0;
  const wanted = precision === 0 ? 1 : precision;
  const decimal = isShortest ? shortest(value) : rounded(exact(value), wanted);
  const count = decimal.digits.length;
  const digits = isShortest ? count : wanted;
  let limit = digits;
  if (limit > count && count >= decimal.point) limit = count;
  if (isShortest) limit = 6;
  const exponent = decimal.point - 1;
  if (exponent < -4 || exponent >= limit) {
    return exponential(decimal, Math.min(digits, count) - 1, upper ? "E" : "e");
  }
  return fixed(decimal, Math.max(count - decimal.point, 0));
}

function binaryExponent(value: number): string {
  const { mantissa, exponent } = decompose(value);
  return `${mantissa}p${exponent < 0 ? "-" : "+"}${Math.abs(exponent)}`;
}

function hexadecimal(value: number, precision: number, upper: boolean): string {
  let { mantissa, exponent } = decompose(value);
  if (mantissa === 0n) exponent = 0;
  else {
    while (mantissa < 1n << 52n) {
      mantissa <<= 1n;
      exponent--;
    }
    exponent += 52;
  }
  if (precision >= 0 && precision < 13) {
    const shift = BigInt(4 * (13 - precision));
    const rest = mantissa & ((1n << shift) - 1n);
    const half = 1n << (shift - 1n);
    mantissa >>= shift;
    if (rest > half || (rest === half && mantissa % 2n === 1n)) mantissa++;
    mantissa <<= shift;
    if (mantissa >= 1n << 53n) {
      mantissa >>= 1n;
      exponent++;
    }
  }
  const digits = (mantissa & ((1n << 52n) - 1n)).toString(16).padStart(13, "0");
  const fraction = precision < 0 ? digits.replace(/0+$/, "") : digits.slice(0, precision).padEnd(precision, "0");
  const sign = exponent < 0 ? "-" : "+";
  const power = String(Math.abs(exponent)).padStart(2, "0");
  const text = `0x${mantissa >> 52n}${fraction === "" ? "" : `.${fraction}`}p${sign}${power}`;
  return upper ? text.toUpperCase() : text;
}

function magnitude(value: number, format: FloatFormat, precision: number): string {
  switch (format) {
    case "e":
    case "E": {
      const decimal = precision < 0 ? shortest(value) : rounded(exact(value), precision + 1);
      return exponential(decimal, precision < 0 ? Math.max(0, decimal.digits.length - 1) : precision, format);
    }
    case "f": {
      if (precision < 0) {
        const decimal = shortest(value);
        return fixed(decimal, Math.max(0, decimal.digits.length - decimal.point));
      }
      const decimal = exact(value);
      return fixed(rounded(decimal, decimal.point + precision), precision);
    }
    case "g":
    case "G":
      return general(value, precision, format === "G");
    case "b":
      return binaryExponent(value);
    case "x":
    case "X":
      return hexadecimal(value, precision, format === "X");
    default:
      return format satisfies never;
  }
}

/** A negative precision asks for the shortest text that reads back as the same number. */
export function formatFloat(value: number, format: FloatFormat, precision: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value < 0 ? "-Inf" : "+Inf";
  const negative = value < 0 || Object.is(value, -0);
  return (negative ? "-" : "") + magnitude(Math.abs(value), format, precision);
}
