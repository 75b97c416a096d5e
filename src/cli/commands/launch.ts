// `ollama launch INTEGRATION`: points another program at a model of this server, then starts it (Ollama: cmd/launch).

import { dirname, join } from "node:path";
import { clientUrl } from "../../base/host.ts";
import { AppError } from "../../base/errors.ts";
import type { Invocation } from "../command.ts";
import type { launchFlags } from "../command-flags.ts";
import type { CliContext } from "../context.ts";
import { applyChange, type PlannedChange, planChange, restoreFile } from "../launch/config-file.ts";
import type { Integration, LaunchFacts, LaunchModel } from "../launch/integration.ts";
import { integrations, unsupported } from "../launch/integrations.ts";
import { savedModel, saveModel } from "../launch/saved-models.ts";
import { suggestions } from "../suggest.ts";

type Input = Invocation<typeof launchFlags>;

export async function run(input: Input, context: CliContext): Promise<void> {
  const { flags } = input;
  const { name, extra } = readWords(input);
  const integration = name === "" ? await chooseIntegration(input, context) : findIntegration(name);
  if (integration === undefined) return;
  if (flags.restore) return restore(integration, context);
  const clash = extra.find((word) => integration.reserved?.test(word) === true);
  if (clash !== undefined) {
    throw new AppError("invalid", `conflicting extra argument "${clash}": ollama launch ${integration.name} sets it`);
  }
  // Looked for before anything is changed.
  const program = flags.config ? "" : await findProgram(integration, context);
  const wanted = flags.model === "" ? await chooseModel(integration, input, context) : flags.model;
  if (wanted === undefined) return;
  const facts = await gatherFacts(wanted, context);
  if (!(await configure(integration, facts, input, context))) return;
  await saveModel(context.config.homeDir, integration.name, facts.model.name);
  const env = integration.env(facts);
  if (flags.config) return tellSettings(integration, facts, context);
  const code = await context.runProgram([program, ...integration.args(facts), ...extra], env);
  if (code !== 0) throw new AppError("internal", `exit status ${code}`);
}

function readWords({ args, argsBeforeDash }: Input): { name: string; extra: readonly string[] } {
  const before = argsBeforeDash ?? args.length;
  if (before > 1 && argsBeforeDash === undefined) {
    const rest = args.slice(1).join(" ");
    const hint = "Use '--' to pass extra arguments to the integration";
    throw new AppError("invalid", `unexpected arguments: [${rest}]\n${hint}`);
  }
  if (before > 1) throw new AppError("invalid", `expected at most 1 integration name before '--', got ${before}`);
  return { name: before === 1 ? (args[0] ?? "") : "", extra: args.slice(before) };
}

function findIntegration(typed: string): Integration {
  const name = typed.toLowerCase();
  const found = integrations.find((each) => each.name === name || each.aliases?.includes(name) === true);
  if (found !== undefined) return found;
  if (unsupported.has(name)) {
    const message = `${typed} needs more than configuration, which this build does not do; see https://docs.ollama.com/integrations`;
    throw new AppError("unsupported", message);
  }
  const names = integrations.map((each) => each.name);
  const [close] = suggestions(name, names);
  const hint = close === undefined ? `there are ${names.join(", ")}` : `did you mean ${close}?`;
  throw new AppError("not-found", `unknown integration: ${typed} (${hint})`);
}

async function chooseIntegration({ given, args }: Input, context: CliContext): Promise<Integration | undefined> {
  if (given.size > 0 || args.length > 0 || !isInteractive(context)) {
    const message =
      "flags and extra args require an integration name, for example: 'ollama launch claude --model qwen3.5'";
    throw new AppError("invalid", message);
  }
  const choices = integrations.map(({ name, title }) => ({ value: name, label: title, hint: `ollama launch ${name}` }));
  const chosen = await context.choose("Launch what?", choices);
  return integrations.find(({ name }) => name === chosen);
}

function isInteractive({ stdin, stdout }: CliContext): boolean {
  return stdin.isTerminal && stdout.canRedraw;
}

async function chooseModel({ name }: Integration, { flags }: Input, context: CliContext): Promise<string | undefined> {
  const saved = await savedModel(context.config.homeDir, name);
  if (!isInteractive(context)) {
    if (flags.yes) throw new AppError("invalid", `headless --yes launch for ${name} requires --model <model>`);
    if (saved !== undefined) return saved;
    throw new AppError("invalid", `which model? ollama launch ${name} --model <model>`);
  }
  const { models } = await context.client.list();
  const names = models.map((model) => model.name.replace(/:latest$/, ""));
  if (names.length === 0) {
    throw new AppError("not-found", "no model is here yet; fetch one that calls tools, for example: ollama pull qwen3");
  }
  // The last one comes first.
  const ordered = saved !== undefined && names.includes(saved) ? [saved, ...names.filter((n) => n !== saved)] : names;
  return context.choose(
    "With which model?",
    ordered.map((value) => ({ value, label: value })),
  );
}

async function gatherFacts(model: string, { client, config }: CliContext): Promise<LaunchFacts> {
  const shown = await client.show({ model }).catch((error: unknown) => {
    if (!(error instanceof AppError) || error.fault !== "not-found") throw error;
    throw new AppError("not-found", `${error.message}; fetch it first: ollama pull ${model}`, { cause: error });
  });
  const length = Object.entries(shown.model_info).find(([key]) => key.endsWith(".context_length"))?.[1];
  const launched: LaunchModel = {
    name: model,
    capabilities: shown.capabilities ?? [],
    contextLength: typeof length === "number" ? length : undefined,
  };
  return { model: launched, baseUrl: clientUrl(config.host), home: dirname(config.homeDir) };
}

/** False when somebody at the terminal said no. All files are read and understood before the first is written. */
async function configure(
  integration: Integration,
  facts: LaunchFacts,
  { flags }: Input,
  context: CliContext,
): Promise<boolean> {
  const { stderr, config } = context;
  const plans: PlannedChange[] = [];
  for (const edit of integration.files(facts)) plans.push(await planChange(edit));
  const changes = plans.filter(({ before, after }) => before !== after);
  const overwritten = changes.filter(({ before }) => before !== undefined).map(({ path }) => path);
  if (overwritten.length > 0 && !flags.yes) {
    if (!isInteractive(context)) {
      const message = `this changes ${overwritten.join(" and ")}; say --yes to allow it (a backup is kept)`;
      throw new AppError("invalid", message);
    }
    const question = `Change ${overwritten.join(" and ")}? A backup is kept.`;
    const choices = [
      { value: "yes", label: "Yes" },
      { value: "no", label: "No, leave it" },
    ];
    if ((await context.choose(question, choices)) !== "yes") return false;
  }
  for (const change of changes) {
    const backup = await applyChange(change, backupDir(config.homeDir, integration));
    stderr.write(backup === undefined ? `Wrote ${change.path}\n` : `Changed ${change.path} (before: ${backup})\n`);
  }
  return true;
}

function backupDir(homeDir: string, { name }: Integration): string {
  return join(homeDir, "backup", name);
}

/** After `--config`: how to start it by hand, where that takes more than its name. */
function tellSettings(integration: Integration, facts: LaunchFacts, { stdout }: CliContext): void {
  const quoted = (text: string): string => (/^[\w./:@=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
  const env = Object.entries(integration.env(facts)).map(([name, value]) => `export ${name}=${quoted(value)}\n`);
  const command = [integration.program, ...integration.args(facts)].map(quoted).join(" ");
  stdout.write(
    `${integration.title} uses ${facts.model.name}. Start it with ollama launch ${integration.name}, or:\n\n`,
  );
  stdout.write(`${env.join("")}${command}\n`);
}

async function restore(integration: Integration, context: CliContext): Promise<void> {
  const { config, stderr } = context;
  // Which files there are does not depend on the model.
  const model = { name: "", capabilities: [], contextLength: undefined };
  const facts = { model, baseUrl: "", home: dirname(config.homeDir) };
  const said: string[] = [];
  for (const { path } of integration.files(facts)) {
    const done = await restoreFile(path, backupDir(config.homeDir, integration));
    if (done !== undefined) said.push(done);
  }
  stderr.write(
    said.length === 0 ? `Nothing of ${integration.title} was changed by a launch.\n` : `${said.join("\n")}\n`,
  );
}

async function findProgram(
  { program, title, places = [], install, minimumVersion, name }: Integration,
  context: CliContext,
): Promise<string> {
  const home = dirname(context.config.homeDir);
  const found = [Bun.which(program), ...places.map((place) => Bun.which(program, { PATH: join(home, place) }))];
  const path = found.find((each) => each !== null);
  if (path === undefined || path === null) {
    throw new AppError(
      "not-found",
      `${title} is not installed (${install}); 'ollama launch ${name} --config' only configures it`,
    );
  }
  if (minimumVersion === undefined) return path;
  const version = /\d+\.\d+\.\d+/.exec(await context.programVersion(path))?.[0];
  if (version !== undefined && Bun.semver.order(version, minimumVersion) < 0) {
    const message = `${title} ${version} is too old, at least ${minimumVersion} is needed: ${install}`;
    throw new AppError("unsupported", message);
  }
  return path;
}
