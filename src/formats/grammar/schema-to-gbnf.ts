// JSON Schema → GBNF. Every text of the grammar is a valid instance of the schema; what cannot be kept exactly is an error
// that names the keyword and its place. Properties come in schema order, blanks are bounded, strings are well-formed.

import { AppError } from "../../base/errors.ts";
import { checkGrammar } from "./gbnf-check.ts";
import { printGbnf } from "./gbnf-print.ts";
import { GrammarBuilder } from "./grammar-builder.ts";
import { SchemaEmitter } from "./schema-emit.ts";
import { SchemaExpander } from "./schema-expand.ts";
import { SchemaSource } from "./schema-source.ts";

export interface SchemaGrammarOptions {
  /** Name of the rule for the whole value; every other rule's name starts with it when it is not "root". */
  readonly root?: string;
}

/** The grammar of all JSON texts we write for the schema; throws AppError("invalid") when there is none. */
export function schemaToGrammar(schema: unknown, { root = "root" }: SchemaGrammarOptions = {}): string {
  return schemasToGrammar(new Map([[root, schema]]), root === "root" ? "" : `${root}-`);
}

/**
 * Rules for several schemas in one text, one root rule each; they share the rules for plain JSON. The text has no "root"
 * rule unless one is among the names: the caller adds it, for example
 * root ::= "<tool_call>{\"name\": \"add\", \"arguments\": " args-0 "}</tool_call>"
 */
export function schemasToGrammar(schemas: ReadonlyMap<string, unknown>, prefix = "json-"): string {
  const builder = new GrammarBuilder(prefix);
  for (const [root, schema] of schemas) {
    if (!/^[a-zA-Z][a-zA-Z0-9-]*$/.test(root))
      throw new AppError("invalid", `${JSON.stringify(root)} is not a rule name`);
    const source = new SchemaSource(schema);
    named(() => new SchemaEmitter(builder, new SchemaExpander(source)).emitRoot(root, [source.rootSchema()]));
  }
  const roots = [...schemas.keys()];
  const text = printGbnf(builder.finish(roots));
  // What native code would refuse must be refused here, in the words of a schema error.
  for (const root of roots.slice(0, 1)) check(text, root);
  return text;
}

/** Limits that no keyword is to blame for are told of the whole schema. */
function named(step: () => void): void {
  try {
    step();
  } catch (error) {
    if (!(error instanceof AppError) || error.message.startsWith("invalid JSON schema")) throw error;
    throw new AppError("invalid", `invalid JSON schema: it ${error.message}`, { cause: error });
  }
}

function check(text: string, root: string): void {
  try {
    checkGrammar(text, root);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw new AppError("invalid", `invalid JSON schema: it is too large for a grammar (${error.message})`, {
      cause: error,
    });
  }
}
