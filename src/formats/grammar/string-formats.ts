// JSON Schema `format` values as patterns. Each pattern holds only texts that are valid for the format (RFC 3339 dates with
// their real days, RFC 3986 URIs, RFC 5321 mail addresses…); rare legal spellings may be missing, wrong ones are not there.

const DATE = (() => {
  const day28 = "(0[1-9]|1[0-9]|2[0-8])";
  const long = "((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01]))";
  const short = "((0[469]|11)-(0[1-9]|[12][0-9]|30))";
  const leap = "([0-9]{2}(0[48]|[2468][048]|[13579][26])|(0[48]|[2468][048]|[13579][26])00)";
  return `([0-9]{4}-(${long}|${short}|02-${day28})|${leap}-02-29)`;
})();
const CLOCK = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?";
const ZONE = "(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])";

const LETTER = "[a-zA-Z0-9]";
const label = (inner: string): string => `${LETTER}([a-zA-Z0-9-]${inner}${LETTER})?`;
/** At most 6 labels of 40: 245 characters, below the 253 that DNS allows. */
const HOST = `${label("{0,38}")}(\\.${label("{0,38}")}){0,5}`;
/** Of a URI, which knows no limit on names. */
const AUTHORITY = `${label("*")}(\\.${label("*")})*(:[0-9]{1,5})?`;
const ATOM = "[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]+";
const EMAIL = `${ATOM}(\\.${ATOM})*@${label("{0,61}")}(\\.${label("{0,61}")})+`;
/** What precedes the "@" has at most 64 characters. */
const EMAIL_START = "^(?=[^@]{1,64}@)";

const OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
const IPV4 = `${OCTET}(\\.${OCTET}){3}`;
const IPV6 = (() => {
  const group = "[0-9a-fA-F]{1,4}";
  const groups = (count: number): string => `(${group}:){${count}}`;
  const full = `${groups(7)}${group}`;
  const shortened = [0, 1, 2, 3, 4, 5, 6].map((before) => {
    const head = before === 0 ? ":" : groups(before);
    const after = 7 - before;
    return `${head}:(${group}(:${group}){0,${after - 1}})?`.replace("{0,0}", "{0}");
  });
  return `(${full}|${shortened.join("|")}|${groups(7)}:)`;
})();

const PCHAR = "([a-zA-Z0-9._~!$&'()*+,;=:@-]|%[0-9a-fA-F]{2})";
const PATH_REST = `(/${PCHAR}*)*`;
const QUERY = `(\\?(${PCHAR}|[/?])*)?(#(${PCHAR}|[/?])*)?`;
const URI = `[a-zA-Z][a-zA-Z0-9+.-]{1,20}:(//${AUTHORITY}${PATH_REST}|${PCHAR}+${PATH_REST})${QUERY}`;
const SEGMENT = PCHAR.replace(":@", "@");
const RELATIVE = `(/${PCHAR}+${PATH_REST}|/|${SEGMENT}+${PATH_REST})${QUERY}`;

const HEX = "[0-9a-fA-F]";
const uuid = (version: string): string => `${HEX}{8}-${HEX}{4}-${version}${HEX}{3}-${HEX}{4}-${HEX}{12}`;
const COUNT = "[0-9]{1,9}";
const TIME_PART = `T((${COUNT}H)(${COUNT}M)?(${COUNT}S)?|(${COUNT}M)(${COUNT}S)?|${COUNT}S)`;
const DATE_PART = `((${COUNT}Y)(${COUNT}M(${COUNT}D)?)?|(${COUNT}M)(${COUNT}D)?|${COUNT}D)`;
const BASE64 = "([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?";

const PATTERNS: Readonly<Record<string, string>> = {
  // Year 0000 is legal in RFC 3339 but no date library takes it.
  date: `^(?!0000)${DATE}$`,
  time: `^${CLOCK}${ZONE}$`,
  "date-time": `^(?!0000)${DATE}T${CLOCK}${ZONE}$`,
  duration: `^P(${DATE_PART}(${TIME_PART})?|${TIME_PART}|${COUNT}W)$`,
  email: `${EMAIL_START}${EMAIL}$`,
  "idn-email": `${EMAIL_START}${EMAIL}$`,
  hostname: `^${HOST}$`,
  "idn-hostname": `^${HOST}$`,
  ipv4: `^${IPV4}$`,
  ipv6: `^${IPV6}$`,
  ipvanyaddress: `^(${IPV4}|${IPV6})$`,
  ipv4network: `^${IPV4}/(3[0-2]|[12]?[0-9])$`,
  uri: `^${URI}$`,
  iri: `^${URI}$`,
  url: `^https?://${AUTHORITY}${PATH_REST}${QUERY}$`,
  "uri-reference": `^(${URI}|${RELATIVE})$`,
  "iri-reference": `^(${URI}|${RELATIVE})$`,
  "uri-template": `^(${URI}|${RELATIVE})$`,
  uuid: `^${uuid(HEX)}$`,
  uuid1: `^${uuid("1")}$`,
  uuid3: `^${uuid("3")}$`,
  uuid4: `^${uuid("4")}$`,
  uuid5: `^${uuid("5")}$`,
  uuid7: `^${uuid("7")}$`,
  "json-pointer": "^(/([^~/]|~[01])*)*$",
  "json-pointer-uri-fragment": `^#(/([a-zA-Z0-9._!$&'()*+,;=:@-]|%[0-9a-fA-F]{2}|~[01])*)*$`,
  "relative-json-pointer": "^(0|[1-9][0-9]{0,8})(#|(/([^~/]|~[01])*)*)$",
  byte: `^${BASE64}$`,
  base64: `^${BASE64}$`,
  base64url: "^[A-Za-z0-9_-]*$",
};

/** Formats that only say how a string is shown or handled (OpenAPI, Pydantic); any text satisfies them. */
const FREE_TEXT = new Set([
  "password",
  "binary",
  "path",
  "file-path",
  "directory-path",
  "textarea",
  "text",
  "markdown",
  "html",
]);

/** Formats of numbers that need no check beyond `type` (OpenAPI). */
const FREE_NUMBERS = new Set(["float", "double", "number", "decimal128"]);

export const INTEGER_FORMATS: Readonly<Record<string, readonly [min: number, max: number]>> = {
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
  uint16: [0, 65535],
  int32: [-2147483648, 2147483647],
  uint32: [0, 4294967295],
  // The ends of 64-bit ranges are not doubles; the nearest doubles inside them are taken.
  int64: [-9223372036854775808, 9223372036854774784],
  uint64: [0, 18446744073709549568],
};

/** The pattern of a format; null when any text is fine; undefined when the format is not known. */
export function formatPattern(format: string): string | null | undefined {
  if (Object.hasOwn(PATTERNS, format)) return PATTERNS[format];
  return FREE_TEXT.has(format) || FREE_NUMBERS.has(format) || Object.hasOwn(INTEGER_FORMATS, format) ? null : undefined;
}
