// Which model each integration was last launched with, in Ollama's own ~/.ollama/config.json (cmd/config/config.go). What
// else stands in that file is kept.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { planChange, applyChange } from "./config-file.ts";
import { isSection, listAt, section } from "./integration.ts";

export async function savedModel(homeDir: string, integration: string): Promise<string | undefined> {
  try {
    const config: unknown = JSON.parse(await readFile(pathIn(homeDir), "utf8"));
    const all = isSection(config) ? config["integrations"] : undefined;
    const own = isSection(all) ? all[integration] : undefined;
    const [model] = isSection(own) ? listAt(own, "models") : [];
    return typeof model === "string" && model !== "" ? model : undefined;
  } catch {
    return undefined;
  }
}

export async function saveModel(homeDir: string, integration: string, model: string): Promise<void> {
  const change = await planChange({
    kind: "json",
    path: pathIn(homeDir),
    edit: (config) => {
      const own = section(section(config, "integrations"), integration);
      own["models"] = [model, ...listAt(own, "models").filter((other) => other !== model)];
      config["last_model"] = model;
      config["last_selection"] = integration;
    },
  });
  if (change.before !== change.after) await applyChange(change, join(homeDir, "backup"));
}

function pathIn(homeDir: string): string {
  return join(homeDir, "config.json");
}
