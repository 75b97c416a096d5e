// `ollama doctor`: looks at this machine and says what keeps models from running well, and what to do about it. Reads only,
// but for the inference libraries, which it unpacks as a server's first start does.

import { AppError } from "../../base/errors.ts";
import { VERSION } from "../../version.ts";
import type { Invocation } from "../command.ts";
import type { doctorFlags } from "../command-flags.ts";
import type { CliContext } from "../context.ts";
import { type Finding, isFailure } from "../doctor/finding.ts";
import { machineFindings } from "../doctor/machine.ts";
import { networkFindings } from "../doctor/network.ts";
import { placeFindings } from "../doctor/places.ts";
import { renderFindings } from "../doctor/report.ts";
import { storedModelFindings } from "../doctor/stored-models.ts";
import { surroundingFindings } from "../doctor/surroundings.ts";

const TIMEOUT_MS = 3000;

/** Ends with exit code 1 where a problem was found; warnings leave it 0. */
export async function run({ flags }: Invocation<typeof doctorFlags>, context: CliContext): Promise<void> {
  const { client, config, stdout } = context;
  const asked = { signal: AbortSignal.timeout(TIMEOUT_MS) };
  const served = (await client.modelsDirectory(asked).catch(() => undefined)) ?? config.modelsDir;
  const parts: (() => Promise<Finding[]> | Finding[])[] = [
    () => machineFindings(config),
    () => placeFindings(config.modelsDir, served),
    () => networkFindings(context),
    () => surroundingFindings(),
    () => settingFindings(config.warnings),
  ];
  if (flags.models) parts.push(() => storedModelFindings(context, served));
  const findings: Finding[] = [];
  for (const part of parts) {
    const found = await part();
    findings.push(...found);
    // Each part as it is known: hashing models takes long.
    if (!flags.json) stdout.write(renderFindings(found, stdout));
  }
  const problems = findings.filter(({ level }) => level === "problem").length;
  if (flags.json) {
    const report = { version: VERSION, ok: problems === 0, findings };
    stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  } else if (!findings.some(isFailure)) stdout.write("\nNothing is wrong.\n");
  if (problems > 0) {
    throw new AppError("internal", problems === 1 ? "1 problem was found" : `${problems} problems were found`);
  }
}

function settingFindings(warnings: readonly string[]): Finding[] {
  return warnings.map((summary) => ({
    check: "settings",
    level: "warning",
    summary,
    advice: "Correct or unset it; 'ollama serve --help' lists the settings.",
  }));
}
