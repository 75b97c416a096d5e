// `ollama create MODEL`: reads the Modelfile here, sends the files it names, and lets the server make the model of them.

import { AppError } from "../../base/errors.ts";
import { interpretModelfile } from "../../formats/modelfile/interpret.ts";
import { parseModelfile } from "../../formats/modelfile/parse.ts";
import type { Invocation } from "../command.ts";
import type { createFlags } from "../command-flags.ts";
import type { CliContext } from "../context.ts";
import { gather } from "../create/gather.ts";
import { readModelfile } from "../create/read-modelfile.ts";
import { uploadFiles } from "../create/upload.ts";
import { parseModelName } from "../model-name.ts";
import { Progress } from "../ui/progress.ts";
import { showTransfer } from "../ui/transfer.ts";

export async function run({ args, flags }: Invocation<typeof createFlags>, context: CliContext): Promise<void> {
  const [model = ""] = args;
  if (parseModelName(model) === undefined) throw new AppError("invalid", `invalid model name: ${model}`);
  if (flags.experimental) {
    throw new AppError("unsupported", "--experimental (models kept as safetensors) is not supported by this build");
  }
  const { bytes, folder, absent } = await readModelfile(flags.file);
  const modelfile = parseModelfile(bytes);
  using progress = new Progress(context.stderr);
  progress.spinner("gathering model components");
  const content = interpretModelfile(modelfile);
  for (const warning of content.warnings) context.stdout.write(`${warning}\n`);
  const { request, uploads, hasDraft } = await gather(model, content, folder).catch((error: unknown) => {
    throw withAbsentFile(error, absent);
  });
  if (flags["draft-quantize"] !== "") throw draftQuantizeRefusal(hasDraft);
  await uploadFiles(context, uploads, progress, { copy: flags.copy });
  const quantize = flags.quantize === "" ? {} : { quantize: flags.quantize };
  await showTransfer(progress, context.client.create({ ...request, ...quantize }));
}

/** Where the folder stood in for a Modelfile and is no model either, the file is what was mistyped. */
function withAbsentFile(error: unknown, absent: string | undefined): unknown {
  if (absent === undefined || !(error instanceof AppError)) return error;
  return new AppError(error.fault, `${error.message} (${absent} does not exist)`, { cause: error });
}

function draftQuantizeRefusal(hasDraft: boolean): AppError {
  if (!hasDraft) return new AppError("invalid", "--draft-quantize requires a DRAFT model");
  return new AppError("unsupported", "--draft-quantize is not supported by this build");
}
