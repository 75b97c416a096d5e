// What the system says about a file → one clear line, in the words Go has for it.

import { AppError } from "../../base/errors.ts";

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: "no such file or directory",
  ENOTDIR: "not a directory",
  EISDIR: "is a directory",
  EACCES: "permission denied",
  EPERM: "operation not permitted",
  ELOOP: "too many levels of symbolic links",
  ENAMETOOLONG: "file name too long",
  EIO: "input/output error",
};

export function faultCode(error: unknown): string {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : "";
}

/** What is no error of the file system comes back as it is. */
export function fileFault(action: "open" | "read" | "stat", path: string, error: unknown): unknown {
  const code = faultCode(error);
  if (code === "" || error instanceof AppError) return error;
  return new AppError("invalid", `${action} ${path}: ${WORDS[code] ?? code}`, { cause: error });
}
