// The html, js and urlquery functions of text/template (text/template/funcs.go).

import { isPrint, utf8Bytes } from "./go-text.ts";

const HTML: Readonly<Record<string, string>> = {
  "\0": "\ufffd",
  '"': "&#34;",
  "'": "&#39;",
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
};

export function escapeHtml(text: string): string {
  return text.replaceAll(/[\0"'&<>]/g, (char) => HTML[char] ?? char);
}

const JS: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "'": "\\'",
  '"': '\\"',
  "<": "\\u003C",
  ">": "\\u003E",
  "&": "\\u0026",
  "=": "\\u003D",
};

export function escapeJs(text: string): string {
  return text.replaceAll(/[\\'"<>&=\u0000-\u001f\u0080-\u{10ffff}]/gu, (char) => {
    const code = char.codePointAt(0) ?? 0;
    // A byte that is not UTF-8 passes as it is.
    const stray = code >= 0xdc80 && code <= 0xdcff;
    if (code >= 0x80 && (stray || isPrint(code))) return char;
    return JS[char] ?? `\\u${code.toString(16).toUpperCase().padStart(4, "0")}`;
  });
}

/** net/url.QueryEscape. */
export function escapeQuery(text: string): string {
  if (/^[A-Za-z0-9_.~-]*$/.test(text)) return text;
  return Array.from(utf8Bytes(text), (byte) => {
    const char = String.fromCharCode(byte);
    if (/[A-Za-z0-9_.~-]/.test(char)) return char;
    return char === " " ? "+" : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }).join("");
}
