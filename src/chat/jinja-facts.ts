// What Ollama reads off a Jinja template's text without running it (server/images.go, chatTemplateHas…).

const TOOL_ANSWER_MARKS = [
  "tool_response",
  "tool_results",
  `role'] == 'tool'`,
  `role'] == "tool"`,
  `role"] == 'tool'`,
  `role"] == "tool"`,
  `message.role == 'tool'`,
  `message.role == "tool"`,
  "ipython",
];

export interface JinjaFacts {
  readonly usesTools: boolean;
  readonly usesThinking: boolean;
  /** Tools can be offered, called, and answered. */
  readonly hasToolRoundTrip: boolean;
}

export function jinjaFacts(source: string): JinjaFacts {
  const has = (text: string) => source.includes(text);
  const usesTools = has("tools") || has("tool_call");
  const calls = has("tool_calls") || has("assistant_tool_call");
  const stripsThinking = has("content.split('</think>')") || has('content.split("</think>")');
  const usesThinking =
    (has("<think>") && has("</think>")) || (stripsThinking && !has("reasoning_content") && !has("<SPECIAL_12>"));
  return { usesTools, usesThinking, hasToolRoundTrip: usesTools && calls && TOOL_ANSWER_MARKS.some(has) };
}
