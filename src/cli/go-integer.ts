// Integers as Go's strconv.ParseInt(text, 0, 64) reads them: a base prefix (0x, 0b, 0o, or a plain leading 0 for octal) and
// underscores between digits are allowed.

export function parseGoInteger(text: string): number | "invalid syntax" | "value out of range" {
  const match = /^([+-]?)(0x|0b|0o|0(?=[\d_]))?([\da-f_]+)$/i.exec(text);
  const [, sign, prefix = "", body = ""] = match ?? [];
  if (match === null || !underscoresFit(prefix, body)) return "invalid syntax";
  const digits = body.replaceAll("_", "");
  const base = baseOf(prefix);
  if (!base.digits.test(digits)) return "invalid syntax";
  // Any number of this many digits is far out of range, whatever its base.
  if (digits.replace(/^0+/, "").length > 64) return "value out of range";
  const size = BigInt(`${base.prefix}${digits}`);
  const value = sign === "-" ? -size : size;
  return BigInt.asIntN(64, value) === value ? Number(value) : "value out of range";
}

/** Each underscore follows a digit or the prefix and comes before a digit. */
function underscoresFit(prefix: string, body: string): boolean {
  if (prefix === "" && body.startsWith("_")) return false;
  return !body.includes("__") && !body.endsWith("_");
}

function baseOf(prefix: string): { prefix: string; digits: RegExp } {
  switch (prefix.toLowerCase()) {
    case "0x":
      return { prefix: "0x", digits: /^[\da-f]+$/i };
    case "0b":
      return { prefix: "0b", digits: /^[01]+$/ };
    case "0o":
    case "0":
      return { prefix: "0o", digits: /^[0-7]+$/ };
    default:
      return { prefix: "", digits: /^\d+$/ };
  }
}
