// Commands → what a create request is made of. Paths are left as written: this module touches no disk, so whoever has the
// disk decides whether FROM names a file or a model. Semantics follow Ollama (parser/parser.go, CreateRequest).

import { AppError } from "../../base/errors.ts";
import { type ParameterValue, parameterValues } from "./parameters.ts";
import type { Modelfile } from "./parse.ts";
import { splitMessage } from "./print.ts";

export interface ModelfileContent {
  /** Files, folders or model names, in order; never empty. */
  readonly from: readonly string[];
  readonly drafts: readonly string[];
  readonly adapters: readonly string[];
  readonly licenses: readonly string[];
  readonly messages: readonly { readonly role: string; readonly content: string }[];
  readonly parameters: Readonly<Record<string, ParameterValue>>;
  /** Of these a later line replaces an earlier one; undefined when there is none. */
  readonly template: string | undefined;
  readonly system: string | undefined;
  readonly renderer: string | undefined;
  readonly parser: string | undefined;
  /** What the model is called at the engine that FROM names. */
  readonly remoteModel: string | undefined;
  /** Without its leading "v". */
  readonly requires: string | undefined;
  readonly warnings: readonly string[];
}

export function interpretModelfile(modelfile: Modelfile): ModelfileContent {
  const all = (name: string): string[] =>
    modelfile.commands.filter((command) => command.name === name).map((command) => command.args);
  const { values, warnings } = parameterValues(modelfile);
  return {
    from: all("model"),
    drafts: all("draft"),
    adapters: all("adapter"),
    licenses: all("license"),
    messages: all("message").map(splitMessage),
    parameters: values,
    template: all("template").at(-1),
    system: all("system").at(-1),
    renderer: all("renderer").at(-1),
    parser: all("parser").at(-1),
    remoteModel: all("remote_model").at(-1),
    requires: all("requires").map(parseRequires).at(-1),
    warnings,
  };
}

const NUMBER = String.raw`(?:0|[1-9]\d*)`;
const IDENTIFIERS = String.raw`[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*`;
// golang.org/x/mod/semver: minor and patch may be missing, but a suffix needs all three numbers.
const VERSION = new RegExp(
  `^v${NUMBER}(?:\\.${NUMBER}(?:\\.${NUMBER}(?:-(${IDENTIFIERS}))?(?:\\+${IDENTIFIERS})?)?)?$`,
);

function parseRequires(text: string): string {
  const version = text.startsWith("v") ? text : `v${text}`;
  const match = VERSION.exec(version);
  const prerelease = match?.[1]?.split(".") ?? [];
  if (match === null || prerelease.some((part) => /^0\d+$/.test(part))) {
    throw new AppError("invalid", "requires must be a valid semver (e.g. 0.14.0)");
  }
  return version.slice(1);
}
