// Texts that a create request brings: what may be a template, a license, a list.

import { AppError } from "../base/errors.ts";
import { parseGoTemplate } from "../chat/go-template/parse-go-template.ts";

export function checkTemplate(source: string): void {
  try {
    parseGoTemplate(source);
  } catch (error) {
    throw new AppError("invalid", `template error: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

/** Each is a file of its own. */
const MOST_LICENSES = 100;

export function licensesOf(license: unknown): string[] {
  if (license === undefined || license === "") return [];
  if (typeof license === "string") return [license];
  const list = stringList(license);
  if (list.length > MOST_LICENSES) throw new AppError("invalid", `more than ${MOST_LICENSES} licenses`);
  if (!Array.isArray(license) || list.length !== license.length) {
    throw new AppError("invalid", "license must be a text or a list of texts");
  }
  return list;
}

export function stringList(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}
