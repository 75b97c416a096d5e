// What a promise is rejected with, as the one error class of this project.

import { AppError } from "../../src/base/errors.ts";

export async function rejection(work: Promise<unknown>): Promise<AppError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof AppError)) throw new Error(`expected an AppError, got ${String(error)}`, { cause: error });
  return error;
}
