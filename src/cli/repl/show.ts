// /show: what the model is, with what this conversation has changed (Ollama: cmd/interactive.go).

import type { ShowResponse } from "../../api/schema/models.ts";
import { renderModelInfo } from "../ui/model-info.ts";
import { type Repl, wordsOf } from "./command.ts";
import { showHelp } from "./help-texts.ts";

export async function runShow({ context, session }: Repl, line: string): Promise<void> {
  const { client, stdout, stderr } = context;
  const [, topic] = wordsOf(line);
  if (topic === undefined) return stderr.write(showHelp);
  const render = Object.hasOwn(TOPICS, topic) ? TOPICS[topic] : undefined;
  if (render === undefined) return stdout.write(`Unknown command '/show ${topic}'. Type /? for help\n`);
  const { model, system, options } = session;
  stdout.write(render(await client.show({ model, system, options }), { system, options }));
}

interface Own {
  readonly system: string;
  readonly options: Readonly<Record<string, unknown>>;
}

const TOPICS: Readonly<Record<string, (model: ShowResponse, own: Own) => string>> = {
  info: (model) => renderModelInfo(model, false),
  license: ({ license = "" }) => orElse(license, "No license was specified for this model."),
  modelfile: ({ modelfile = "" }) => `${modelfile}\n`,
  parameters: parametersText,
  system: ({ system = "" }, own) => {
    const text = own.system || system;
    return text === "" ? "No system message was specified for this model.\n" : `${text}\n\n`;
  },
  template: ({ template = "" }) => orElse(template, "No prompt template was specified for this model."),
};

function orElse(text: string, fallback: string): string {
  return `${text === "" ? fallback : text}\n`;
}

function parametersText({ parameters = "" }: ShowResponse, { options }: Own): string {
  const defined =
    parameters === "" ? ["No additional parameters were specified for this model."] : parameters.split("\n");
  const own = Object.entries(options).map(([name, value]) => `${name.padEnd(30)} ${valueText(value)}`);
  return (
    section("Model defined parameters:", defined) +
    (own.length === 0 ? "" : section("User defined parameters:", own.sort()))
  );
}

function section(title: string, lines: readonly string[]): string {
  return `${title}\n${lines.map((line) => `  ${line}\n`).join("")}\n`;
}

/** As Go's %v prints it. */
function valueText(value: unknown): string {
  return Array.isArray(value) ? `[${value.join(" ")}]` : String(value);
}
