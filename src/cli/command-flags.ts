// The flags of every command, apart from the table, so that a command's module can name their types.

import { defineFlags } from "./command.ts";

const noWordWrap = "Don't wrap words to the next line automatically";
const verbose = "Show timings for response";
const insecure = { type: "bool", summary: "Use an insecure registry" } as const;

export const rootFlags = defineFlags({
  version: { type: "bool", short: "v", summary: "Show version information" },
  verbose: { type: "bool", summary: verbose },
  nowordwrap: { type: "bool", summary: noWordWrap },
});

const copy = { type: "bool", summary: "Copy files into the store instead of sharing their disk space" } as const;

export const noFlags = defineFlags({});

export const createFlags = defineFlags({
  file: { type: "string", short: "f", summary: 'Name of the Modelfile (default "Modelfile")' },
  copy,
  quantize: { type: "string", short: "q", summary: "Quantize model to this level (e.g. q4_K_M)" },
  "draft-quantize": { type: "string", summary: "Quantize draft model to this level" },
  experimental: { type: "bool", summary: "Enable experimental safetensors model creation" },
});

export const importFlags = defineFlags({ copy });

export const showFlags = defineFlags({
  license: { type: "bool", summary: "Show license of a model" },
  modelfile: { type: "bool", summary: "Show Modelfile of a model" },
  parameters: { type: "bool", summary: "Show parameters of a model" },
  system: { type: "bool", summary: "Show system message of a model" },
  template: { type: "bool", summary: "Show template of a model" },
  verbose: { type: "bool", short: "v", summary: "Show detailed model information" },
});

export const runFlags = defineFlags({
  keepalive: { type: "string", summary: "Duration to keep a model loaded (e.g. 5m)" },
  verbose: { type: "bool", summary: verbose },
  insecure,
  nowordwrap: { type: "bool", summary: noWordWrap },
  format: { type: "string", summary: "Response format (json, or a JSON schema)" },
  think: {
    type: "string",
    summary: "Enable thinking mode: true/false or high/medium/low for supported models",
    bareValue: "true",
  },
  hidethinking: { type: "bool", summary: "Hide thinking output (if provided)" },
  truncate: {
    type: "bool",
    summary:
      "For embedding models: truncate inputs exceeding context length (default: true). Set --truncate=false to error instead",
  },
  dimensions: { type: "int", summary: "Truncate output embeddings to specified dimension (embedding models only)" },
});

export const launchFlags = defineFlags({
  model: { type: "string", summary: "Model to use" },
  config: { type: "bool", summary: "Configure without launching" },
  restore: { type: "bool", summary: "Restore an integration to its default profile" },
  yes: { type: "bool", short: "y", summary: "Automatically answer yes to confirmation prompts" },
});

export const doctorFlags = defineFlags({
  json: { type: "bool", summary: "Print the findings as JSON" },
  models: { type: "bool", summary: "Also hash every stored model (reads all of them)" },
});

export const remoteFlags = defineFlags({
  "key-env": { type: "string", summary: "Environment variable of the server that holds the key" },
  "key-stdin": { type: "bool", summary: "Read the key from standard input" },
  ca: { type: "string", summary: "File with the certificate authority (PEM) to trust for this host" },
});

export const transferFlags = defineFlags({ insecure });

const scopeFlags = {
  system: { type: "bool", summary: "The machine's service (needs root; default for root)" },
  user: { type: "bool", summary: "A service of your own (default otherwise)" },
} as const;

export const serviceFlags = defineFlags({
  ...scopeFlags,
  "no-start": { type: "bool", summary: "install: do not start it now" },
  follow: { type: "bool", short: "f", summary: "logs: go on as lines are added" },
  lines: { type: "int", short: "n", summary: "logs: how many lines (default 200)" },
});

export const upgradeFlags = defineFlags({
  check: { type: "bool", summary: "Only say whether there is a newer release" },
  version: { type: "string", summary: "Change to this release, newer or older (e.g. 0.50.0)" },
});

export const uninstallFlags = defineFlags({
  ...scopeFlags,
  purge: { type: "bool", summary: "Delete models, keys and settings too" },
  yes: { type: "bool", short: "y", summary: "Do not ask" },
});

export const keyFlags = defineFlags({
  scope: { type: "string", summary: 'For create: what the key may do: infer, manage, metrics (default "infer")' },
  limit: { type: "int", summary: "For create: requests at the same time (default: no limit)" },
  budget: { type: "int", summary: "For create: tokens of prompts and answers in a day, UTC (default: no limit)" },
});
