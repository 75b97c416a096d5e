// Several addresses for one model: asked in their order, those that failed a moment ago last. Only what has not begun to
// answer is asked again.

import { AppError } from "../../base/errors.ts";
import { logWarn } from "../../base/log.ts";
import { EngineFailure } from "./failure.ts";

export interface Candidate {
  /** When it last could not be reached; undefined while it can. */
  readonly failedMs: number | undefined;
}

const FAILURE_REMEMBERED_MS = 10_000;

export function askingOrder<E extends Candidate>(candidates: readonly E[], nowMs: number): E[] {
  const isDown = ({ failedMs }: E) => failedMs !== undefined && nowMs - failedMs < FAILURE_REMEMBERED_MS;
  return [...candidates.filter((each) => !isDown(each)), ...candidates.filter(isDown)];
}

/** The first that `act` succeeds with. Throws what all of them said, or at once what no other address would change. */
export async function firstAnswer<E extends Candidate, T>(
  candidates: readonly E[],
  act: (candidate: E) => Promise<T>,
): Promise<T> {
  const failures: EngineFailure[] = [];
  for (const candidate of askingOrder(candidates, performance.now())) {
    for (const isRepeat of [false, true]) {
      try {
        return await act(candidate);
      } catch (error) {
        if (!(error instanceof EngineFailure) || error.again === "never") throw error;
        if (error.again === "here" && !isRepeat) continue;
        failures.push(error);
        if (candidates.length > 1) logWarn("a remote engine failed", { error: error.message });
        break;
      }
    }
  }
  const [first] = failures;
  if (first === undefined) throw new AppError("internal", "no engine to ask");
  if (failures.length === 1) throw first;
  throw new EngineFailure(first.fault, failures.map(({ message }) => message).join("; "), "never", { cause: first });
}
