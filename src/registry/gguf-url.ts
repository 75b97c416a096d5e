// The address of a GGUF file as something to pull, and the model name its content gets here:
//   https://host/dir/tiny-q4.gguf  →  host/dir/tiny-q4:latest

import { AppError } from "../base/errors.ts";
import { ModelName } from "../models/name.ts";

/** undefined for what does not look like one: no http(s), or a path that does not end in .gguf. */
export function parseGgufUrl(text: string): URL | undefined {
  if (text.length > 4096 || !/^https?:\/\//i.test(text)) return undefined;
  const url = URL.parse(text);
  if (url === null || !/\.gguf$/i.test(url.pathname)) return undefined;
  if (url.username !== "" || url.password !== "") throw new AppError("invalid", "an address must not hold a password");
  url.hash = "";
  return url;
}

export function nameOfGgufUrl(url: URL): ModelName {
  const parts = url.pathname.split("/").filter((part) => part !== "");
  const file = (parts.at(-1) ?? "").replace(/\.gguf$/i, "");
  const name = ModelName.of(
    url.host.replace(/[^A-Za-z0-9_.:-]/g, "_"),
    clean(parts.at(-2) ?? "", /[^A-Za-z0-9_-]+/g, "library"),
    clean(file, /[^A-Za-z0-9_.-]+/g, "model"),
    "latest",
  );
  if (name === undefined) throw new AppError("invalid", "invalid model name");
  return name;
}

function clean(text: string, foreign: RegExp, fallback: string): string {
  const plain = text
    .replace(/%[0-9A-F]{2}/gi, "-")
    .replace(foreign, "-")
    .replace(/^[^A-Za-z0-9_]+/, "")
    .slice(0, 80);
  return plain === "" ? fallback : plain;
}
