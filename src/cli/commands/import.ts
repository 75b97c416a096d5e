// `ollama import [NAME [MODEL]]`: lists what other programs have on this disk, or makes a model of one without a copy of it.

import { basename } from "node:path";
import { humanBytes } from "../../base/bytes.ts";
import { AppError } from "../../base/errors.ts";
import type { Invocation } from "../command.ts";
import type { importFlags } from "../command-flags.ts";
import type { CliContext } from "../context.ts";
import { type LocalFile, localFile } from "../create/local-files.ts";
import { uploadFiles } from "../create/upload.ts";
import { findImportables, type Importable } from "../import/find-importable.ts";
import { parseModelName } from "../model-name.ts";
import { Progress } from "../ui/progress.ts";
import { renderTable } from "../ui/table.ts";
import { showTransfer } from "../ui/transfer.ts";

export async function run({ args, flags }: Invocation<typeof importFlags>, context: CliContext): Promise<void> {
  const [wanted, as] = args;
  if (args.length > 2) throw new AppError("invalid", "name one file to import, and what to call it");
  const found = await findImportables(context.config.caches);
  if (wanted === undefined) return list(found, context);
  const source = choose(found, wanted);
  const model = as ?? source.name;
  if (parseModelName(model) === undefined) throw new AppError("invalid", `invalid model name: ${model}`);
  await context.client.heartbeat();
  using progress = new Progress(context.stderr);
  const files: LocalFile[] = [];
  for (const path of source.paths) {
    progress.spinner(`reading ${path}`);
    files.push(await localFile(path));
  }
  await uploadFiles(context, files, progress, { copy: flags.copy });
  const digests = Object.fromEntries(files.map(({ path, digest }) => [basename(path), digest]));
  await showTransfer(progress, context.client.create({ model, files: digests }));
}

function list(found: readonly Importable[], { stdout, config }: CliContext): void {
  if (found.length === 0) {
    return stdout.write(
      `no models of other programs were found: neither in ${config.caches.huggingFace} (Hugging Face) nor in LM Studio's folders\n`,
    );
  }
  const rows = found.map(({ name, sizeBytes, source }) => [name, humanBytes(sizeBytes), source]);
  stdout.write(renderTable(["NAME", "SIZE", "FOUND IN"], rows));
}

/** By its name, in any letter case; the tag may be left out where only one has the rest. */
function choose(found: readonly Importable[], wanted: string): Importable {
  const lower = wanted.toLowerCase();
  const exact = found.find(({ name }) => name.toLowerCase() === lower);
  if (exact !== undefined) return exact;
  const untagged = found.filter(({ name }) => name.toLowerCase().split(":")[0] === lower);
  const [only, second] = untagged;
  if (only !== undefined && second === undefined) return only;
  if (only === undefined)
    throw new AppError("not-found", `there is no "${wanted}" to import; 'ollama import' lists what there is`);
  throw new AppError("invalid", `name one of ${untagged.map(({ name }) => name).join(", ")}`);
}
