// Addresses of engines elsewhere: what a Modelfile or a request names → base URLs in one form, and the origin that has to be
// allowed. Bare hosts are read as Ollama reads them (server/create.go, remoteURL); a written scheme brings its own port.

import { AppError } from "../base/errors.ts";

const MAX_URLS = 8;
const MAX_URL_LENGTH = 2048;

function bad(text: string, reason: string): AppError {
  return new AppError("invalid", `bad remote ${JSON.stringify(text.slice(0, 200))}: ${reason}`);
}

/** `https://host[:port][/path]`, without a slash at its end. Throws `invalid`. */
export function remoteUrl(text: string): string {
  const sent = text.trim();
  if (sent === "" || sent.length > MAX_URL_LENGTH) throw bad(sent, "it names no host");
  const url = URL.parse(absolute(sent));
  if (url === null) throw bad(sent, "it is no URL");
  if (url.protocol !== "https:" && url.protocol !== "http:") throw bad(sent, "only http and https are spoken");
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "")
    throw bad(redacted(url), "an address is stored with the model; keys are set with: ollama remote allow");
  return url.origin + url.pathname.replace(/\/{2,}/g, "/").replace(/\/+$/, "");
}

function absolute(text: string): string {
  if (text.startsWith("/")) return `http://localhost:11434${text}`;
  if (text.includes("://")) return text;
  if (text === "ollama.com") return "https://ollama.com";
  const [host = "", ...path] = text.split("/");
  const port = /:\d+$/.test(host) ? "" : ":11434";
  return `http://${host}${port}/${path.join("/")}`;
}

/** Without what may be secret. */
function redacted(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`;
}

/** A `remote_host` field: one base URL, or several with commas, tried in order. */
export function remoteUrls(text: string): string[] {
  const urls = [...new Set(text.split(",").map(remoteUrl))];
  if (urls.length > MAX_URLS) throw bad(text, `more than ${MAX_URLS} addresses`);
  return urls;
}

export function originOf(baseUrl: string): string {
  return new URL(baseUrl).origin;
}

export function isRemoteUrl(text: string): boolean {
  return /^https?:\/\//i.test(text);
}
