// glimmer (Ollama: model/renderers/glimmer.go).

import type { ChatMessage, MessageToolCall, ToolDefinition } from "../message.ts";
import { goJson, goScalar, goString, spacedJson } from "./go-json.ts";
import { ImageTags } from "./image-tags.ts";
import type { Renderer, Think } from "./renderer.ts";
import { parametersJson, toolSchema } from "./tool-schema.ts";

const BOS = "<|begin_of_text|>";
const MESSAGE_END = "<|eom|>";
const TURN_END = "<|eot|>";

const TOOLS_BEFORE = `In this environment you have access to a set of tools you can use to answer the user's question.

You can invoke a function by writing a "<atem:function_calls>" block like the following:
<atem:function_calls>
<atem:invoke name="$FUNCTION_NAME">
<atem:parameter name="$PARAMETER_NAME">$PARAMETER_VALUE</atem:parameter>
...
</atem:invoke>
</atem:function_calls>

String and scalar parameters should be specified as is, while lists and objects should use JSON format. Note that spaces for string values are not stripped. The output is not expected to be valid XML and is parsed with regular expressions.
Here are the functions available in JSONSchema format:
// Tool metadata
`;

const TOOLS_AFTER = `

Here's an example of how to call a function in the tool set:
(If the tool namespace is not specified, invoke the function directly as \`example_function_name\` rather than \`example_tool_name.example_function_name\`)

to=example_tool_name.example_function_name

<atem:function_calls>
<atem:invoke name="example_tool_name.example_function_name">
<atem:parameter name="example_parameter_1">value_1</atem:parameter>
<atem:parameter name="example_parameter_2">This is the value for the second parameter
that can span
"multiple" lines
</atem:parameter>
</atem:invoke>
</atem:function_calls>`;

function json(value: string): string {
  return spacedJson(value);
}

function namespaces(tools: readonly ToolDefinition[]): string[] {
  return [...new Set(tools.map((tool) => tool.function.name.split(".")[0] ?? ""))];
}

function declarations(tools: readonly ToolDefinition[]): string {
  const spaces = namespaces(tools).map((name) => `{"name": ${goString(name, false)}, "description": ""}\n`);
  const functions = tools
    .map(toolSchema)
    .map(
      (schema) =>
        `\n{"name": ${goString(schema.name, false)}, "description": ${goString(schema.description, false)}, ` +
        `"parameters": ${json(parametersJson(schema, false))}}`,
    );
  return `${TOOLS_BEFORE}${spaces.join("")}// Function schemas${functions.join("")}${TOOLS_AFTER}`;
}

function strength(think: Think): string {
  if (!think.set) return "high";
  if (!think.on) return "none";
  return think.level ?? "high";
}

/** The local date, as Go's time.Now gives it. */
function today(): string {
  const now = new Date();
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
}

function defaultSystem(): string {
  return `You are a helpful AI assistant.\nKnowledge cutoff: 2026-01-04.\nCurrent date: ${today()}.`;
}

/** A system message may set the strength itself, under either name. */
function givenSystem(content: string): string {
  return content
    .replaceAll("Reasoning effort", "Reasoning strength")
    .replaceAll("Reasoning Effort", "Reasoning Strength")
    .replaceAll("reasoning effort", "reasoning strength")
    .replaceAll("REASONING EFFORT", "REASONING STRENGTH");
}

function systemTurn(content: string, tools: readonly ToolDefinition[], think: Think): string {
  const states = content.toLowerCase().includes("reasoning strength");
  let text = `<|start|>system<|message|>${content}`;
  if (!states) text += `\n\nReasoning strength: ${strength(think)}.`;
  if (tools.length > 0) text += `\n\n${declarations(tools)}`;
  const recipients = namespaces(tools).map((name) => `, "${name}.*"`);
  return `${text}\n\n# Valid recipients: "self"${recipients.join("")}, "user".${TURN_END}`;
}

function call({ name, arguments: args }: MessageToolCall): string {
  const parameters = Object.entries(args).map(([key, value]) => {
    const composite = typeof value === "object" && value !== null;
    const text = composite ? json(goJson(value, false)) : value === null ? "null" : goScalar(value);
    return `<atem:parameter name="${key}">${text}</atem:parameter>\n`;
  });
  return `<atem:function_calls>\n<atem:invoke name="${name}">\n${parameters.join("")}</atem:invoke>\n</atem:function_calls>`;
}

function resultName(message: ChatMessage, messages: readonly ChatMessage[]): string {
  if ((message.toolName ?? "") !== "") return message.toolName ?? "";
  const id = message.toolCallId ?? "";
  const calls = messages.flatMap((each) => each.toolCalls ?? []);
  return (id === "" ? undefined : calls.findLast((each) => each.id === id)?.name) ?? id;
}

function assistant(message: ChatMessage, content: string, nextRole: string | undefined): string {
  const thinking = message.thinking ?? "";
  let text = thinking === "" ? "" : `<|start|>assistant to=self<|message|>${thinking}${MESSAGE_END}`;
  const calls = message.toolCalls ?? [];
  calls.forEach((each, index) => {
    const end = index === calls.length - 1 && nextRole !== message.role ? TURN_END : MESSAGE_END;
    text += `<|start|>assistant to=${each.name}<|message|>${call(each)}${end}`;
  });
  if (calls.length === 0 && (content !== "" || thinking === "")) {
    text += `<|start|>assistant to=user<|message|>${content}${TURN_END}`;
  }
  return text;
}

export const glimmer: Renderer = {
  name: "glimmer",
  leadingBos: BOS,
  render(messages, tools, think) {
    const images = new ImageTags();
    const hasSystem = messages.some((message) => message.role === "system");
    let text = BOS + (hasSystem ? "" : systemTurn(defaultSystem(), tools, think));
    messages.forEach((message, index) => {
      const content = images.content(message);
      if (message.role === "system") text += systemTurn(givenSystem(content), tools, think);
      else if (message.role === "user") text += `<|start|>user<|message|>${content}${TURN_END}`;
      else if (message.role === "tool") {
        const name = resultName(message, messages);
        text += `<|start|>tool ${name}<|message|><tool_output name="${name}">\n${content}\n</tool_output>${TURN_END}`;
      } else if (message.role === "assistant") text += assistant(message, content, messages[index + 1]?.role);
    });
    return `${text}<|start|>assistant`;
  },
};
