// Olmo 3: Python-like calls in <function_calls>; the Think models only think (Ollama: model/parsers/olmo3.go, olmo3_think.go).

import { isPrefill } from "../message.ts";
import type { ToolEnvelope } from "../output-family.ts";
import { parsePythonCalls } from "./python-call.ts";
import type { Captured } from "./segments.ts";
import { tagFamily } from "./tag-family.ts";

const ENVELOPE: ToolEnvelope = {
  begin: "<function_calls>",
  beforeName: "",
  name: "plain",
  afterName: "(",
  arguments: { as: "keywords", assign: "=", separator: ", ", quotes: "json" },
  afterArguments: ")",
  between: "\n",
  end: "</function_calls>",
};

export function readPythonCalls(raw: string): Captured {
  const calls = parsePythonCalls(raw);
  return calls === undefined ? undefined : { calls };
}

export const olmo3 = tagFamily({
  name: "olmo3",
  tools: [{ open: "<function_calls>", close: ["</function_calls>"], read: readPythonCalls }],
  trailing: "keep",
  trimsAfterTool: false,
  toolEnvelope: ENVELOPE,
});

export const olmo3Think = tagFamily({
  name: "olmo3-think",
  thinking: {
    open: "<think>",
    close: "</think>",
    endsAtTool: false,
    begin: ({ lastMessage }) => (isPrefill(lastMessage) ? "text" : "inside"),
  },
  trailing: "keep",
  trimsAfterTool: false,
});
