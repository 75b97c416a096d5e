// GLM's calls: <tool_call>name<arg_key>k</arg_key><arg_value>v</arg_value></tool_call> (Ollama: model/parsers/glm46.go,
// glm47.go, glmocr.go). Models often lose one of the inner tags; the expected order of tags says what was meant.

import type { ToolDefinition } from "../message.ts";
import type { ToolEnvelope } from "../output-family.ts";
import { isJsonObject, setArgument, type JsonObject } from "./json-call.ts";
import type { Captured } from "./segments.ts";
import { tagFamily, type ToolTags } from "./tag-family.ts";
import { findTool, parameterTypes, typedElement } from "./typed-value.ts";
import { trim, trimEnd, overlapLength } from "./whitespace.ts";

const TAG = /(<\/?arg_(?:key|value)>)/;

interface Pairs {
  name: string;
  pairs: { key: string; value: string }[];
  /** Every inner tag stood where it belongs. */
  strict: boolean;
}

export function readGlmCall(raw: string, tools: readonly ToolDefinition[]): Captured {
  return toCall(readPairs(raw), tools);
}

function toCall(read: Pairs | undefined, tools: readonly ToolDefinition[]): Captured {
  if (read === undefined || read.name === "") return undefined;
  const tool = findTool(tools, read.name);
  const args: JsonObject = {};
  for (const { key, value } of read.pairs) setArgument(args, key, typedElement(value, parameterTypes(tool, key)));
  return { calls: [{ name: read.name, arguments: args }] };
}

/** Walks the cycle key, value, key, value; a text between tags belongs to the slot that was due. */
function readPairs(raw: string): Pairs | undefined {
  const parts = raw.split(TAG);
  let name = trim(parts[0] ?? "");
  let strict = true;
  const slots = new Slots();
  if (parts.length > 1 && parts[1] !== "<arg_key>") {
    // "name key</arg_key>": names hold no space, so the rest is the key.
    strict = false;
    const space = /\s/.exec(name)?.index;
    if (space !== undefined) {
      slots.fill(name.slice(space));
      name = name.slice(0, space);
    }
  }
  let inside = false;
  for (let index = 1; index < parts.length; index += 2) {
    const tag = parts[index] ?? "";
    const text = parts[index + 1] ?? "";
    const isOpen = !tag.startsWith("</");
    const slot = tag.includes("key") ? "key" : "value";
    if (isOpen) {
      if (inside || slot !== slots.due) strict = false;
      if (slot !== slots.due) slots.fill("");
      slots.fill(text);
      inside = true;
    } else {
      if (!inside) strict = false;
      inside = false;
      if (trim(text) !== "") {
        strict = false;
        slots.fill(text);
        inside = true;
      }
    }
  }
  if (inside) strict = false;
  if (slots.due === "value") {
    strict = false;
    slots.fill("");
  }
  return { name, pairs: slots.pairs, strict };
}

class Slots {
  due: "key" | "value" = "key";
  readonly pairs: Pairs["pairs"] = [];
  #key = "";

  fill(text: string): void {
    if (this.due === "key") this.#key = trim(text);
    else this.pairs.push({ key: this.#key, value: text });
    this.due = this.due === "key" ? "value" : "key";
  }
}

/** At the end of the answer only the outer closing tag may be missing: half a value must not become a call. */
function readUnclosed(raw: string, tools: readonly ToolDefinition[]): Captured {
  const text = trimEnd(raw.slice(0, raw.length - overlapLength(raw, "</tool_call>")));
  const read = readPairs(text);
  if (read === undefined || !read.strict) return undefined;
  const parameters = findTool(tools, read.name)?.function.parameters ?? {};
  if (findTool(tools, read.name) === undefined || !isJsonObject(parameters)) return undefined;
  const required = parameters["required"];
  const given = new Set(read.pairs.map((pair) => pair.key));
  if (given.has("")) return undefined;
  if (Array.isArray(required) && required.some((key) => !given.has(String(key)))) return undefined;
  return toCall(read, tools);
}

export const GLM_TOOLS: ToolTags = {
  open: "<tool_call>",
  close: ["</tool_call>"],
  read: (raw, closed, { tools }) => (closed ? readGlmCall(raw, tools) : readUnclosed(raw, tools)),
};

export const GLM_ENVELOPE: ToolEnvelope = {
  begin: "<tool_call>",
  beforeName: "",
  name: "plain",
  afterName: "",
  arguments: {
    as: "elements",
    beforeName: "<arg_key>",
    afterName: "</arg_key><arg_value>",
    afterValue: "</arg_value>",
  },
  afterArguments: "",
  between: "</tool_call><tool_call>",
  end: "</tool_call>",
};

const common = { tools: [GLM_TOOLS], trailing: "drop", trimsAfterTool: true, toolEnvelope: GLM_ENVELOPE } as const;
const THINK = { open: "<think>", close: "</think>", endsAtTool: false } as const;

export const glm47 = tagFamily({
  name: "glm-4.7",
  ...common,
  thinking: { ...THINK, begin: ({ thinking }) => (thinking ? "inside" : "tag-or-text") },
});

// Thinking is not offered, yet a block that comes anyway is recognised.
export const glmOcr = tagFamily({
  name: "glm-ocr",
  ...common,
  thinking: { ...THINK, begin: () => "tag-or-text" },
  hidesThinking: true,
});
