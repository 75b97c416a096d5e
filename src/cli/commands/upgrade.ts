// `ollama upgrade`: replaces this executable with a signed release, then restarts the service that runs it.

import { toAppError } from "../../base/errors.ts";
import { restartPlan } from "../../install/service.ts";
import { perform } from "../../install/step.ts";
import { applyUpgrade, findUpgrade, type Self } from "../../install/upgrade.ts";
import { DOWNLOAD_URL, RELEASE_KEY, TARGET, VERSION } from "../../version.ts";
import type { Invocation } from "../command.ts";
import type { upgradeFlags } from "../command-flags.ts";
import type { CliContext } from "../context.ts";
import { Progress } from "../ui/progress.ts";
import { thisMachine } from "./service.ts";

export async function run({ flags, given }: Invocation<typeof upgradeFlags>, context: CliContext): Promise<void> {
  const { config, stdout, stderr } = context;
  const aborter = new AbortController();
  using _interrupt = context.onInterrupt(() => aborter.abort());
  const source = {
    url: config.downloadUrl || DOWNLOAD_URL,
    publicKey: RELEASE_KEY,
    version: given.has("version") ? flags.version : undefined,
  };
  const self: Self = { path: process.execPath, version: VERSION, target: TARGET };
  const upgrade = await findUpgrade(source, self, aborter.signal);
  if (upgrade === undefined) return stdout.write(`this is the newest release (${VERSION})\n`);
  if (flags.check) return stdout.write(`${upgrade.version} is there; this is ${VERSION}\n`);
  const kept = await withProgress();
  stdout.write(`upgraded ${self.path} from ${VERSION} to ${upgrade.version}; the old one is kept as ${kept}\n`);
  await restart(context);

  async function withProgress(): Promise<string> {
    using progress = new Progress(stderr);
    const bar = progress.bar(`downloading ${upgrade?.version}`, upgrade?.artefact.sizeBytes ?? 0);
    return applyUpgrade(upgrade as NonNullable<typeof upgrade>, self, aborter.signal, (count) =>
      progress.set(bar, count),
    );
  }
}

/** A server goes on with the old executable until it is started again. */
async function restart(context: CliContext): Promise<void> {
  try {
    const steps = restartPlan(thisMachine({ system: false, user: false }, context));
    await perform(steps);
    if (steps.length > 0) return context.stdout.write("restarted the service\n");
  } catch (error) {
    context.stderr.write(`Warning: could not restart the service: ${toAppError(error).message}\n`);
  }
  context.stdout.write("a server that is running goes on with the old version until it is restarted\n");
}
