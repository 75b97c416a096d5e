// Refuses to build a target whose libraries do not fit the code: another llama.cpp release than its row says, struct
// layouts that were not generated for that release, or a function missing that the engine calls.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ABI_TAGS } from "../src/runner/llama/abi.gen.ts";
import { findLibrary, neededSymbols } from "../src/runner/llama/library.ts";
import type { Target } from "./targets.ts";

/** Throws with what is wrong; `directory` holds the platform package's libraries. */
export function checkTarget(name: string, target: Target, directory: string): void {
  if (!ABI_TAGS.includes(target.llamaTag))
    throw new Error(
      `${name}: src/runner/llama/abi.gen.ts was generated for llama.cpp ${ABI_TAGS.join(" and ")}, not ${target.llamaTag}; run npm run engine:update`,
    );
  const files = readdirSync(directory);
  const built = releaseOf(directory);
  if (built !== target.llamaTag)
    throw new Error(
      `${name}: its package was built from llama.cpp ${built}, not ${target.llamaTag} as scripts/targets.ts says`,
    );
  for (const library of Object.keys(neededSymbols) as (keyof typeof neededSymbols)[]) {
    const file = findLibrary(files, library);
    if (file === undefined) throw new Error(`${name}: its package has no ${library}`);
    const missing = missingNames(readFileSync(join(directory, file)), neededSymbols[library]);
    if (missing.length > 0) throw new Error(`${name}: ${file} lacks ${missing.join(", ")}`);
  }
  if (target.gpu !== undefined && !files.some((file) => file.includes(`ggml-${target.gpu}`)))
    throw new Error(`${name}: its package has no ggml-${target.gpu}`);
}

/** What node-llama-cpp's build wrote beside the libraries. */
function releaseOf(directory: string): string {
  const metadata = JSON.parse(readFileSync(join(directory, "_nlcBuildMetadata.json"), "utf8")) as {
    buildOptions: { llamaCpp: { release: string } };
  };
  return metadata.buildOptions.llamaCpp.release;
}

/**
 * A symbol stands in a library as its name with a NUL behind, in every object format. What is before it differs: linkers
 * store a name that ends another one inside that one.
 */
export function missingNames(library: Buffer, names: readonly string[]): string[] {
  return names.filter((name) => !library.includes(`${name}\0`));
}
