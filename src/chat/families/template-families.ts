// Formats known only from GGUF templates (Ollama has no parser of its own for them): JSON or XML calls between other tags.
// Whether an answer begins inside the thinking block is read off the end of the prompt.

import type { OutputFamily, OutputOptions, ToolEnvelope } from "../output-family.ts";
import { GLM_ENVELOPE, GLM_TOOLS } from "./glm.ts";
import {
  argumentsObject,
  isJsonObject,
  jsonScanner,
  parseJson,
  readJsonCalls,
  splitJsonObjects,
  type CallKeys,
} from "./json-call.ts";
import { CODER_ENVELOPE, CODER_TOOLS } from "./qwen3-coder.ts";
import { HERMES_ENVELOPE, HERMES_TOOLS } from "./qwen3.ts";
import type { Captured, Scanner } from "./segments.ts";
import { tagFamily, type Beginning, type ToolTags } from "./tag-family.ts";
import { CODER_DIALECT, DSML_DIALECT, INVOKE_DIALECT, readXmlCalls } from "./xml-call.ts";

export interface ThinkTags {
  open: string;
  close: string;
}

interface CallFormat {
  tools: readonly ToolTags[];
  toolEnvelope?: ToolEnvelope;
  noise?: readonly string[];
}

/** Builds a family from a call format and the thinking tags that go with it. */
export function templateFamily(
  name: string,
  format: CallFormat | undefined,
  think: ThinkTags | undefined,
): OutputFamily {
  return tagFamily({
    name,
    trailing: "drop-before-tag",
    trimsAfterTool: true,
    ...(format === undefined ? {} : format),
    ...(think === undefined
      ? {}
      : { thinking: { ...think, begin: beginByPrompt(think.open), endsAtTool: true, dropsStrayClose: true } }),
  });
}

function beginByPrompt(open: string) {
  return ({ prompt }: OutputOptions): Beginning =>
    (prompt ?? "").trimEnd().endsWith(open) ? "inside-or-tag" : "tag-or-text";
}

const COMMAND_R_KEYS: CallKeys = { name: "tool_name", arguments: ["parameters"] };

/** One JSON value and the fence around it. */
function fencedScanner(): Scanner {
  const json = jsonScanner();
  let after: string | undefined;
  return (piece) => {
    let start = 0;
    if (after === undefined) {
      const end = json(piece);
      if (end === -1) return -1;
      after = "";
      start = end;
    }
    for (let at = start; at < piece.length; at++) {
      after += piece[at] ?? "";
      if (/^\s*```$/.test(after)) return at + 1;
      if (!/^\s*`{0,2}$/.test(after)) return at;
    }
    return -1;
  };
}

/** A list of `{"name": …}` objects after (or between) tags; the closing tag may be missing. */
function jsonList(open: string, close: readonly string[]): CallFormat {
  return {
    tools: [{ open, close, scanner: jsonScanner, read: (raw) => readJsonCalls(raw) }],
    toolEnvelope: {
      begin: `${open}[`,
      beforeName: '{"name": "',
      name: "json",
      afterName: '", "arguments": ',
      arguments: { as: "json" },
      afterArguments: "}",
      between: ", ",
      end: `]${close[0] ?? ""}`,
    },
  };
}

/** Kimi K2: `functions.name:0`, which is also the call's id, and JSON arguments. */
function readKimi(raw: string): Captured {
  const separator = "<|tool_call_argument_begin|>";
  const at = raw.indexOf(separator);
  const id = at === -1 ? "" : raw.slice(0, at).trim();
  const name = id.replace(/^functions\./, "").replace(/:\d+$/, "");
  const parsed = parseJson(raw.slice(at + separator.length));
  const args = parsed === undefined ? undefined : argumentsObject(parsed);
  return name === "" || args === undefined ? undefined : { calls: [{ id, name, arguments: args }] };
}

const KIMI: CallFormat = {
  tools: [{ open: "<|tool_call_begin|>", close: ["<|tool_call_end|>"], read: readKimi }],
  noise: ["<|tool_calls_section_begin|>", "<|tool_calls_section_end|>"],
  toolEnvelope: {
    begin: "<|tool_calls_section_begin|>",
    beforeName: "<|tool_call_begin|>functions.",
    name: "plain",
    afterName: ":0<|tool_call_argument_begin|>",
    arguments: { as: "json" },
    afterArguments: "<|tool_call_end|>",
    between: "",
    end: "<|tool_calls_section_end|>",
  },
};

const MINIMAX: CallFormat = {
  tools: [
    {
      open: "<minimax:tool_call>",
      close: ["</minimax:tool_call>"],
      read: (raw, closed, { tools }) => readXmlCalls(raw, closed, tools, INVOKE_DIALECT),
    },
  ],
  toolEnvelope: {
    begin: "<minimax:tool_call>\n",
    beforeName: '<invoke name="',
    name: "plain",
    afterName: '">\n',
    arguments: { as: "elements", beforeName: '<parameter name="', afterName: '">', afterValue: "</parameter>\n" },
    afterArguments: "</invoke>",
    between: "\n",
    end: "\n</minimax:tool_call>",
  },
};

function dsml(block: string): CallFormat {
  const open = `<｜DSML｜${block}>`;
  const close = `</｜DSML｜${block}>`;
  return {
    tools: [{ open, close: [close], read: (raw, closed, { tools }) => readXmlCalls(raw, closed, tools, DSML_DIALECT) }],
    // No envelope: the `string` attribute depends on the value, which the envelope's data cannot say.
  };
}

/** Command R: "Action:" and a fenced list of calls. */
const COMMAND_R: CallFormat = {
  tools: [
    {
      open: "Action:",
      close: [],
      scanner: fencedScanner,
      read: (raw) => readJsonCalls(raw.replace(/^\s*```(?:json)?/, "").replace(/```\s*$/, ""), COMMAND_R_KEYS),
    },
  ],
  toolEnvelope: {
    begin: "Action: ```json\n[",
    beforeName: '{"tool_name": "',
    name: "json",
    afterName: '", "parameters": ',
    arguments: { as: "json" },
    afterArguments: "}",
    between: ", ",
    end: "]\n```",
  },
};

/** Solar: an id, a name and JSON arguments, each after a tag of its own. */
function readSolar(raw: string): Captured {
  const match = /^(.*?)<\|tool_call:name\|>(.*?)<\|tool_call:args\|>(.*)$/s.exec(raw);
  const parsed = parseJson(match?.[3] ?? "");
  const args = parsed === undefined ? undefined : argumentsObject(parsed);
  const [id, name] = [match?.[1]?.trim() ?? "", match?.[2]?.trim() ?? ""];
  return name === "" || args === undefined ? undefined : { calls: [{ id, name, arguments: args }] };
}

const SOLAR: CallFormat = {
  noise: ["<|tool_calls|>", "<|calls|>", "<|content|>"],
  tools: [{ open: "<|tool_call:begin|>", close: ["<|tool_call:end|>"], read: readSolar }],
  toolEnvelope: {
    begin: "",
    beforeName: "<|tool_call:begin|>a000000000<|tool_call:name|>",
    name: "plain",
    afterName: "<|tool_call:args|>",
    arguments: { as: "json" },
    afterArguments: "<|tool_call:end|>",
    between: "",
    end: "",
  },
};

/** MiniMax M1: one JSON object a line. */
const MINIMAX_M1: CallFormat = {
  tools: [{ open: "<tool_calls>", close: ["</tool_calls>"], read: readJsonLines }],
  toolEnvelope: {
    begin: "<tool_calls>\n",
    beforeName: '{"name": "',
    name: "json",
    afterName: '", "arguments": ',
    arguments: { as: "json" },
    afterArguments: "}",
    between: "\n",
    end: "\n</tool_calls>",
  },
};

function readJsonLines(raw: string): Captured {
  const { objects, rest } = splitJsonObjects(raw);
  return objects.length === 0 || rest.trim() !== "" ? undefined : readJsonCalls(`[${objects.join(",")}]`);
}

const SEED: CallFormat = {
  tools: [
    {
      open: "<seed:tool_call>",
      close: ["</seed:tool_call>"],
      read: (raw, closed, { tools }) => readXmlCalls(raw, closed, tools, CODER_DIALECT),
    },
  ],
  toolEnvelope: {
    ...CODER_ENVELOPE,
    begin: "<seed:tool_call>\n",
    between: "\n</seed:tool_call>\n<seed:tool_call>\n",
    end: "\n</seed:tool_call>",
  },
};

/** Apertus: a list of objects with the tool's name as their one key. */
function readApertus(raw: string): Captured {
  const parsed = parseJson(raw);
  if (!Array.isArray(parsed) || parsed.length === 0) return undefined;
  const calls = [];
  for (const item of parsed) {
    const [entry, ...more] = isJsonObject(item) ? Object.entries(item) : [];
    const args = entry === undefined ? undefined : argumentsObject(entry[1]);
    if (entry === undefined || more.length > 0 || args === undefined) return undefined;
    calls.push({ name: entry[0], arguments: args });
  }
  return { calls };
}

const APERTUS: CallFormat = {
  tools: [{ open: "<|tools_prefix|>", close: ["<|tools_suffix|>"], read: readApertus }],
  toolEnvelope: {
    begin: "<|tools_prefix|>[",
    beforeName: '{"',
    name: "json",
    afterName: '": ',
    arguments: { as: "json" },
    afterArguments: "}",
    between: ", ",
    end: "]<|tools_suffix|>",
  },
};

export const CALL_FORMATS = {
  hermes: { tools: [HERMES_TOOLS], toolEnvelope: HERMES_ENVELOPE },
  coder: { tools: [CODER_TOOLS], toolEnvelope: CODER_ENVELOPE },
  glm: { tools: [GLM_TOOLS], toolEnvelope: GLM_ENVELOPE },
  granite: jsonList("<|tool_call|>", ["<|/tool_call|>"]),
  phi4: jsonList("<|tool_call|>", ["<|/tool_call|>"]),
  "nemotron-v2": jsonList("<TOOLCALL>", ["</TOOLCALL>"]),
  firefunction: jsonList(" functools", []),
  kimi: KIMI,
  minimax: MINIMAX,
  "minimax-m1": MINIMAX_M1,
  "deepseek-v3.2": dsml("function_calls"),
  "deepseek-v4": dsml("tool_calls"),
  "command-r": COMMAND_R,
  solar: SOLAR,
  seed: SEED,
  apertus: APERTUS,
} as const satisfies Record<string, CallFormat>;

export type CallFormatName = keyof typeof CALL_FORMATS;
