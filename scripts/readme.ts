// Keeps the settings table of README.md equal to the settings table of src/config.ts. `--check` only compares.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describeSettings, settings } from "../src/config.ts";

const path = join(import.meta.dir, "../README.md");

/** README.md with its settings block made anew. */
export function withSettings(readme: string): string {
  const rows = describeSettings(Object.keys(settings) as (keyof typeof settings)[]);
  const table = rows.map(({ env, summary }) => `| \`${env}\` | ${summary.replaceAll("|", "\\|")} |`).join("\n");
  const block = `<!-- settings -->\n| variable | what it does |\n|---|---|\n${table}\n<!-- /settings -->`;
  return readme.replace(/<!-- settings -->[\s\S]*<!-- \/settings -->/, () => block);
}

if (import.meta.main) {
  const readme = readFileSync(path, "utf8");
  const wanted = withSettings(readme);
  if (process.argv.includes("--check")) process.exit(readme === wanted ? 0 : 1);
  writeFileSync(path, wanted);
}
