// The html, js and urlquery functions of text/template (text/template/funcs.go).

import { isPrint } from "./go-text.ts";

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
    if (code >= 0x80 && isPrint(code)) return char;
    return JS[char] ?? `\\u${code.toString(16).toUpperCase().padStart(4, "0")}`;
  });
}

/** net/url.QueryEscape. */
export function escapeQuery(text: string): string {
  const encoded = encodeURIComponent(text.toWellFormed()).replaceAll("%20", "+");
  return encoded.replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}
