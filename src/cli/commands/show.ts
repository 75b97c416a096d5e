// `ollama show MODEL`: an overview, or one part of the model as it is. The parts that are texts for a model come without a
// line break of their own.

import type { Invocation } from "../command.ts";
import type { showFlags } from "../command-flags.ts";
import type { CliContext } from "../context.ts";
import { renderModelInfo } from "../ui/model-info.ts";

export async function run({ args, flags }: Invocation<typeof showFlags>, context: CliContext): Promise<void> {
  const model = await context.client.show({ model: args[0] ?? "", verbose: flags.verbose });
  const { license = "", modelfile = "", parameters = "", system = "", template = "" } = model;
  const { stdout } = context;
  if (flags.license) stdout.write(`${license}\n`);
  else if (flags.modelfile) stdout.write(`${modelfile}\n`);
  else if (flags.parameters) stdout.write(`${parameters}\n`);
  else if (flags.system) stdout.write(system);
  else if (flags.template) stdout.write(template);
  else stdout.write(renderModelInfo(model, flags.verbose));
}
