// The programs that `ollama launch` knows: those that need nothing but configuration (Ollama: cmd/launch/*.go). What each is
// told is Ollama's, so that a configuration made by either program is replaced by the other and not doubled.

import { join } from "node:path";
import { codex } from "./codex.ts";
import { type Integration, isSection, listAt, section } from "./integration.ts";

const MAX_RECENT = 10;
const MAX_OUTPUT = 64_000;

const nothing = () => [];

const claude: Integration = {
  name: "claude",
  title: "Claude Code",
  program: "claude",
  places: [".local/bin", ".claude/local"],
  install: "https://code.claude.com/docs/en/quickstart",
  files: nothing,
  args: ({ model }) => ["--model", model.name],
  env: ({ baseUrl, model }) => ({
    ANTHROPIC_BASE_URL: baseUrl,
    ANTHROPIC_API_KEY: "",
    ANTHROPIC_AUTH_TOKEN: "ollama",
    CLAUDE_CODE_ATTRIBUTION_HEADER: "0",
    CLAUDE_CODE_TOTAL_TOKENS_REMINDER: "off",
    DISABLE_ERROR_REPORTING: "1",
    DISABLE_FEEDBACK_COMMAND: "1",
    CLAUDE_CODE_DISABLE_FEEDBACK_SURVEY: "1",
    ANTHROPIC_DEFAULT_OPUS_MODEL: model.name,
    ANTHROPIC_DEFAULT_SONNET_MODEL: model.name,
    ANTHROPIC_DEFAULT_HAIKU_MODEL: model.name,
    CLAUDE_CODE_SUBAGENT_MODEL: model.name,
  }),
};

const opencode: Integration = {
  name: "opencode",
  title: "OpenCode",
  program: "opencode",
  places: [".opencode/bin"],
  install: "https://opencode.ai",
  files: ({ home, model }) => [
    {
      kind: "json",
      path: join(home, ".local", "state", "opencode", "model.json"),
      edit: (state) => {
        const entry = { providerID: "ollama", modelID: model.name };
        const others = listAt(state, "recent").filter(
          (other) =>
            !isSection(other) || other["providerID"] !== entry.providerID || other["modelID"] !== entry.modelID,
        );
        state["recent"] = [entry, ...others].slice(0, MAX_RECENT);
        state["favorite"] ??= [];
        state["variant"] ??= {};
      },
    },
  ],
  args: nothing,
  env: ({ baseUrl, model }) => ({
    OPENCODE_CONFIG_CONTENT: JSON.stringify({
      $schema: "https://opencode.ai/config.json",
      provider: {
        ollama: {
          npm: "@ai-sdk/openai-compatible",
          name: "Ollama",
          options: { baseURL: `${baseUrl}/v1` },
          models: {
            [model.name]: {
              name: model.name,
              ...(model.capabilities.includes("vision")
                ? { modalities: { input: ["text", "image"], output: ["text"] } }
                : {}),
              ...(model.capabilities.includes("thinking") ? { reasoning: true } : {}),
            },
          },
        },
      },
      model: `ollama/${model.name}`,
    }),
  }),
};

const EFFORTS: readonly unknown[] = ["high", "medium", "low", "none"];

const droid: Integration = {
  name: "droid",
  title: "Droid",
  program: "droid",
  install: "https://docs.factory.ai/cli/getting-started/quickstart",
  files: ({ home, model, baseUrl }) => [
    {
      kind: "json",
      path: join(home, ".factory", "settings.json"),
      edit: (settings) => {
        const id = `custom:${model.name}-0`;
        const own = {
          model: model.name,
          displayName: model.name,
          baseUrl: `${baseUrl}/v1`,
          apiKey: "ollama",
          provider: "generic-chat-completion-api",
          maxOutputTokens: MAX_OUTPUT,
          supportsImages: model.capabilities.includes("vision"),
          id,
          index: 0,
        };
        const others = listAt(settings, "customModels").filter(
          (other) => !isSection(other) || other["apiKey"] !== "ollama",
        );
        settings["customModels"] = [own, ...others];
        const defaults = section(settings, "sessionDefaultSettings");
        defaults["model"] = id;
        if (!EFFORTS.includes(defaults["reasoningEffort"])) defaults["reasoningEffort"] = "none";
      },
    },
  ],
  args: nothing,
  env: () => ({}),
};

const cline: Integration = {
  name: "cline",
  title: "Cline",
  program: "cline",
  install: "npm install -g cline@latest",
  files: ({ home, model, baseUrl }) => [
    {
      kind: "json",
      path: join(home, ".cline", "data", "settings", "providers.json"),
      edit: (config) => {
        const provider = section(section(config, "providers"), "ollama");
        const settings = section(provider, "settings");
        const wanted = { provider: "ollama", model: model.name, baseUrl: `${baseUrl}/v1` };
        const isSame = settings["model"] === wanted.model && settings["baseUrl"] === wanted.baseUrl;
        Object.assign(settings, wanted);
        delete settings["apiKey"];
        if (!isSame || provider["tokenSource"] !== "manual") provider["updatedAt"] = new Date().toISOString();
        provider["tokenSource"] = "manual";
        Object.assign(config, { version: 1, lastUsedProvider: "ollama" });
      },
    },
    {
      kind: "json",
      path: join(home, ".cline", "data", "globalState.json"),
      edit: (state) =>
        void Object.assign(state, {
          ollamaBaseUrl: baseUrl,
          actModeApiProvider: "ollama",
          actModeOllamaModelId: model.name,
          actModeOllamaBaseUrl: baseUrl,
          planModeApiProvider: "ollama",
          planModeOllamaModelId: model.name,
          planModeOllamaBaseUrl: baseUrl,
          welcomeViewCompleted: true,
        }),
    },
  ],
  args: nothing,
  env: () => ({}),
};

const pi: Integration = {
  name: "pi",
  title: "Pi",
  program: "pi",
  install: "npm install -g @earendil-works/pi-coding-agent@latest",
  files: ({ home, model, baseUrl }) => [
    {
      kind: "json",
      path: join(home, ".pi", "agent", "models.json"),
      edit: (config) => {
        const provider = section(section(config, "providers"), "ollama");
        Object.assign(provider, { baseUrl: `${baseUrl}/v1`, api: "openai-completions", apiKey: "ollama" });
        // Entries with the mark are a launch's; the user's own stay.
        const kept = listAt(provider, "models").filter((other) => !isSection(other) || other["_launch"] !== true);
        const isThere = kept.some((other) => isSection(other) && other["id"] === model.name);
        const own = {
          id: model.name,
          _launch: true,
          input: model.capabilities.includes("vision") ? ["text", "image"] : ["text"],
          ...(model.capabilities.includes("thinking") ? { reasoning: true } : {}),
          ...(model.contextLength === undefined ? {} : { contextWindow: model.contextLength }),
        };
        provider["models"] = isThere ? kept : [...kept, own];
      },
    },
    {
      kind: "json",
      path: join(home, ".pi", "agent", "settings.json"),
      edit: (settings) => void Object.assign(settings, { defaultProvider: "ollama", defaultModel: model.name }),
    },
  ],
  args: nothing,
  env: () => ({}),
};

const QWEN_KEY = "OLLAMA_API_KEY";

const qwen: Integration = {
  name: "qwen",
  title: "Qwen Code",
  program: "qwen",
  places: [".npm-global/bin", ".local/bin"],
  install: "https://qwen.ai/qwencode",
  files: ({ home, model, baseUrl }) => [
    {
      kind: "json",
      path: join(home, ".qwen", "settings.json"),
      edit: (settings) => {
        const own = { id: model.name, name: `${model.name} (Ollama)`, baseUrl: `${baseUrl}/v1`, envKey: QWEN_KEY };
        section(settings, "env")[QWEN_KEY] = "ollama";
        const providers = section(settings, "modelProviders");
        const others = listAt(providers, "openai").filter(
          (other) => !isSection(other) || other["envKey"] !== QWEN_KEY || other["baseUrl"] !== own.baseUrl,
        );
        providers["openai"] = [own, ...others];
        Object.assign(section(section(settings, "security"), "auth"), { selectedType: "openai", baseUrl: own.baseUrl });
        section(settings, "model")["name"] = model.name;
      },
    },
  ],
  args: ({ model }) => ["--model", model.name, "--auth-type", "openai"],
  env: ({ baseUrl, model }) => ({
    OPENAI_API_KEY: "ollama",
    OPENAI_BASE_URL: `${baseUrl}/v1`,
    OPENAI_MODEL: model.name,
  }),
};

const copilot: Integration = {
  name: "copilot",
  title: "Copilot CLI",
  aliases: ["copilot-cli"],
  program: "copilot",
  places: [".local/bin"],
  install: "https://github.com/features/copilot/cli/",
  files: nothing,
  args: ({ model }) => ["--model", model.name],
  env: ({ baseUrl, model }) => ({
    COPILOT_PROVIDER_BASE_URL: `${baseUrl}/v1`,
    COPILOT_PROVIDER_API_KEY: "",
    COPILOT_PROVIDER_WIRE_API: "responses",
    COPILOT_MODEL: model.name,
  }),
};

/** Not one of Ollama's own; goose knows Ollama as a provider. */
const goose: Integration = {
  name: "goose",
  title: "goose",
  program: "goose",
  places: [".local/bin"],
  install: "https://block.github.io/goose/docs/getting-started/installation/",
  files: nothing,
  args: nothing,
  env: ({ baseUrl, model }) => ({ GOOSE_PROVIDER: "ollama", GOOSE_MODEL: model.name, OLLAMA_HOST: baseUrl }),
};

/** In the order of Ollama's menu. */
export const integrations: readonly Integration[] = [claude, opencode, codex, copilot, cline, droid, pi, qwen, goose];

/** Ollama's other integrations, which need more than configuration: an app's own data, or a service of its own. */
export const unsupported: ReadonlySet<string> = new Set(
  "chatgpt codex-app codex-desktop codex-gui claude-desktop claude-app hermes hermes-desktop openclaw clawdbot moltbot omp dsh deepseek-harness kimi muse muse-code pool vscode code".split(
    " ",
  ),
);
