// qwen3-coder (Ollama: model/renderers/qwen3coder.go). Extra keys of a schema come in a fixed order here; Ollama's order is
// that of a Go map, that is, a different one each time.

import type { ChatMessage } from "../message.ts";
import { elementArgument } from "./call-argument.ts";
import { goJson } from "./go-json.ts";
import type { Renderer } from "./renderer.ts";
import { propertiesJson, propertyJson, toolSchema, type ToolProperty, type ToolSchema } from "./tool-schema.ts";

const DEFAULT_SYSTEM = "You are Qwen, a helpful AI assistant that can interact with a computer to solve tasks.";

export const CODER_INSTRUCTIONS = `

If you choose to call a function ONLY reply in the following format with NO suffix:

<tool_call>
<function=example_function_name>
<parameter=example_parameter_1>
value_1
</parameter>
<parameter=example_parameter_2>
This is the value for the second parameter
that can span
multiple lines
</parameter>
</function>
</tool_call>

<IMPORTANT>
Reminder:
- Function calls MUST follow the specified format: an inner <function=...></function> block must be nested within <tool_call></tool_call> XML tags
- Required parameters MUST be specified
- You may provide optional reasoning for your function call in natural language BEFORE the function call, but NOT after
- If there is no function call available, answer the question like normal with your current knowledge and do not tell the user about function calls
</IMPORTANT>`;

function element(name: string, text: string | undefined): string {
  return text === undefined ? "" : `\n<${name}>${text}</${name}>`;
}

/** Decoding and encoding again sorts the keys of what is nested. */
function resorted(json: string): string {
  return goJson(JSON.parse(json));
}

function parameter(name: string, property: ToolProperty): string {
  const { type, description, anyOf, items, required } = property;
  return (
    `\n<parameter>\n<name>${name}</name>` +
    element("type", type.length === 0 ? undefined : type.length === 1 ? type[0] : goJson(type)) +
    element("description", description === "" ? undefined : description) +
    element("anyOf", anyOf.length === 0 ? undefined : resorted(`[${anyOf.map(propertyJson).join(",")}]`)) +
    element("items", items === undefined ? undefined : elementArgument(items)) +
    element("enum", property.enum.length === 0 ? undefined : goJson(property.enum)) +
    element(
      "properties",
      property.properties === undefined ? undefined : resorted(propertiesJson(property.properties)),
    ) +
    element("required", required.length === 0 ? undefined : goJson(required)) +
    "\n</parameter>"
  );
}

function declaration(schema: ToolSchema): string {
  return (
    `\n<function>\n<name>${schema.name}</name>` +
    element("description", schema.description === "" ? undefined : schema.description) +
    "\n<parameters>" +
    (schema.properties ?? []).map(([name, property]) => parameter(name, property)).join("") +
    element("$defs", schema.defs === undefined ? undefined : elementArgument(schema.defs)) +
    element("items", schema.items === undefined ? undefined : elementArgument(schema.items)) +
    element("required", schema.required.length === 0 ? undefined : goJson(schema.required)) +
    "\n</parameters>\n</function>"
  );
}

function assistant(message: ChatMessage, isLast: boolean): string {
  let text = "<|im_start|>assistant\n";
  const calls = message.toolCalls ?? [];
  if (calls.length === 0) return text + message.content + (isLast ? "" : "<|im_end|>\n");
  if (message.content !== "") text += `${message.content}\n`;
  for (const call of calls) {
    text += `\n<tool_call>\n<function=${call.name}>`;
    for (const [name, value] of Object.entries(call.arguments)) {
      text += `\n<parameter=${name}>\n${elementArgument(value)}\n</parameter>`;
    }
    text += "\n</function>\n</tool_call>";
  }
  return `${text}<|im_end|>\n`;
}

/** Results of calls share one user turn. */
export function toolResponses(messages: readonly ChatMessage[], index: number, content: string): string {
  const opens = index === 0 || messages[index - 1]?.role !== "tool";
  const closes = messages[index + 1]?.role !== "tool";
  return `${opens ? "<|im_start|>user" : ""}\n<tool_response>\n${content}\n</tool_response>${closes ? "<|im_end|>\n" : ""}`;
}

export const qwen3Coder: Renderer = {
  name: "qwen3-coder",
  leadingBos: "",
  render(messages, tools) {
    const system = messages.find((message) => message.role === "system" && message.content !== "")?.content ?? "";
    const rest = messages.filter((message) => message.role !== "system");
    let text = "";
    if (system !== "" || tools.length > 0) {
      text += `<|im_start|>system\n${system === "" ? DEFAULT_SYSTEM : system}`;
      if (tools.length > 0) {
        text += "\n\n# Tools\n\nYou have access to the following functions:\n\n<tools>";
        text += tools.map((tool) => declaration(toolSchema(tool))).join("");
        text += `\n</tools>${CODER_INSTRUCTIONS}`;
      }
      text += "<|im_end|>\n";
    }
    rest.forEach((message, index) => {
      const isLast = index === rest.length - 1;
      if (message.role === "assistant") text += assistant(message, isLast);
      else if (message.role === "tool") text += toolResponses(rest, index, message.content);
      else text += `<|im_start|>${message.role}\n${message.content}<|im_end|>\n`;
      if (isLast && message.role !== "assistant") text += "<|im_start|>assistant\n";
    });
    return text;
  },
};
