// LoRA adapters of a model: checked against its weights before anything is stored or loaded.

import { parseDigest } from "../base/digest.ts";
import { AppError } from "../base/errors.ts";
import { adapterMisfit } from "../formats/gguf/adapter-fit.ts";
import { ggufKind } from "../formats/gguf/kind.ts";
import { validateGguf } from "../formats/gguf/validate.ts";
import { withGguf } from "./gguf-file.ts";

export interface Adapter {
  readonly path: string;
  /** What its effect is multiplied by. */
  readonly scale: number;
}

/** Throws `invalid` with the reason for a file that is no adapter or belongs to another model. */
export function checkAdapter(weightsPath: string, adapterPath: string): void {
  withGguf(adapterPath, (adapter) => {
    validateGguf(adapter);
    if (ggufKind(adapter) !== "adapter") throw new AppError("invalid", "the file given as ADAPTER is not an adapter");
    const misfit = withGguf(weightsPath, (base) => adapterMisfit(base, adapter));
    if (misfit !== undefined) throw new AppError("invalid", `the adapter does not fit this model: ${misfit}`);
  });
}

const MOST_CHECKED = 256;
const checked = new Set<string>();

/** The same for files that are loaded again and again; blobs never change under their name. */
export function checkAdapterOnce(weightsPath: string, adapterPath: string): void {
  const key = `${weightsPath}\n${adapterPath}`;
  if (checked.has(key)) return;
  checkAdapter(weightsPath, adapterPath);
  if (checked.size >= MOST_CHECKED) checked.clear();
  checked.add(key);
}

/** The scales a request gives to its adapters, by digest. Throws `invalid` for one that names no adapter or is no number. */
export function adapterScales(
  adapters: Readonly<Record<string, string>>,
  scales: Readonly<Record<string, number>> = {},
): Record<string, number> {
  const entries = Object.entries(scales).map(([name, scale]) => {
    const digest = adapters[name];
    if (digest === undefined)
      throw new AppError("invalid", `adapter_scales names ${JSON.stringify(name)}, which is no adapter`);
    if (!Number.isFinite(scale))
      throw new AppError("invalid", `the scale of ${JSON.stringify(name)} must be a finite number`);
    return [parseDigest(digest), scale] as const;
  });
  return Object.fromEntries(entries);
}
