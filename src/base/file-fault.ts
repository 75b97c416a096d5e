// What the system says about a file → one clear line, in the words Go has for it.

import { AppError, toAppError } from "./errors.ts";

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: "no such file or directory",
  ENOTDIR: "not a directory",
  EISDIR: "is a directory",
  EACCES: "permission denied",
  EPERM: "operation not permitted",
  ELOOP: "too many levels of symbolic links",
  ENAMETOOLONG: "file name too long",
  EIO: "input/output error",
  EROFS: "read-only file system",
  ENOSPC: "no space left on device",
  EDQUOT: "disk quota exceeded",
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

/** Any error's message; one of the file system that nobody has put into words yet, in these. */
export function plainMessage(error: unknown): string {
  const { message, cause } = toAppError(error);
  if (!(cause instanceof Error) || message !== cause.message || !("syscall" in cause) || !("path" in cause)) {
    return message;
  }
  const code = faultCode(cause);
  return `${String(cause.syscall)} ${String(cause.path)}: ${WORDS[code] ?? code}`;
}
