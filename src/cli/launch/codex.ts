// Codex is told by a profile and a model catalogue of its own, so that its root configuration stays as the user wrote it
// (Ollama: cmd/launch/codex.go).

import { join } from "node:path";
import type { Integration, Json, LaunchFacts } from "./integration.ts";

const PROFILE = "ollama-launch";
/** What an unknown model is taken to hold (Ollama: codexFallbackContextWindow). */
const UNKNOWN_CONTEXT = 128_000;

const codexPaths = (home: string) => ({
  profile: join(home, ".codex", `${PROFILE}.config.toml`),
  catalog: join(home, ".codex", "model.json"),
});

export const codex: Integration = {
  name: "codex",
  title: "Codex",
  program: "codex",
  install: "npm install -g @openai/codex",
  minimumVersion: "0.134.0",
  files: (facts) => {
    const { profile, catalog } = codexPaths(facts.home);
    return [
      { kind: "whole", path: catalog, content: `${JSON.stringify({ models: [codexModel(facts)] }, null, 2)}\n` },
      { kind: "whole", path: profile, content: codexProfile(facts, catalog) },
    ];
  },
  args: ({ model, baseUrl, home }) => [
    ...["--profile", PROFILE],
    ...[
      ["model_provider", PROFILE],
      [`model_providers.${PROFILE}.name`, "Ollama"],
      [`model_providers.${PROFILE}.base_url`, `${baseUrl}/v1/`],
      [`model_providers.${PROFILE}.wire_api`, "responses"],
      ["model_catalog_json", codexPaths(home).catalog],
    ].flatMap(([key, value]) => ["-c", `${key}=${tomlText(value ?? "")}`]),
    ...["-m", model.name],
  ],
  env: () => ({ OPENAI_API_KEY: "ollama" }),
  reserved: /^(?:-p|-m|--profile(?:=|$)|--model(?:=|$))/,
};

function codexProfile({ model, baseUrl }: LaunchFacts, catalog: string): string {
  return [
    `model = ${tomlText(model.name)}`,
    `model_provider = ${tomlText(PROFILE)}`,
    `model_catalog_json = ${tomlText(catalog)}`,
    "",
    `[model_providers.${PROFILE}]`,
    'name = "Ollama"',
    `base_url = ${tomlText(`${baseUrl}/v1/`)}`,
    'wire_api = "responses"',
    "",
  ].join("\n");
}

function codexModel({ model }: LaunchFacts): Json {
  return {
    slug: model.name,
    display_name: model.name,
    context_window: model.contextLength ?? UNKNOWN_CONTEXT,
    shell_type: "default",
    visibility: "list",
    supported_in_api: true,
    priority: 0,
    truncation_policy: { mode: "bytes", limit: 10_000 },
    input_modalities: model.capabilities.includes("vision") ? ["text", "image"] : ["text"],
    base_instructions: "",
    support_verbosity: true,
    default_verbosity: "low",
    supports_parallel_tool_calls: false,
    supports_reasoning_summaries: false,
    supported_reasoning_levels: [],
    experimental_supported_tools: [],
  };
}

/** JSON's escapes are TOML's as well. */
function tomlText(text: string): string {
  return JSON.stringify(text);
}
