// Messages as Go values: field names and order of Ollama's templateMessage (template/template.go).

import { marshalJson } from "../../formats/gotemplate/json.ts";
import {
  ANY,
  fromJson,
  INT,
  intValue,
  STRING,
  UINT8,
  type GoType,
  type Value,
} from "../../formats/gotemplate/value.ts";
import type { Message, ToolCall } from "./message.ts";
import { text } from "./tool-values.ts";

const ARGUMENTS: GoType = {
  kind: "map",
  name: "template.templateArgs",
  elem: ANY,
  string: (value) => (value.kind === "map" && value.entries === null ? "{}" : marshalJson(value)),
};

const CALL_FUNCTION: GoType = {
  kind: "struct",
  name: "template.templateToolCallFunction",
  fields: [
    { name: "Index", type: INT },
    { name: "Name", type: STRING },
    { name: "Arguments", type: ARGUMENTS },
  ],
};

const CALL: GoType = {
  kind: "struct",
  name: "template.templateToolCall",
  fields: [
    { name: "ID", type: STRING },
    { name: "Function", type: CALL_FUNCTION },
  ],
};

const CALLS: GoType = { kind: "slice", name: "[]template.templateToolCall", elem: CALL };
const IMAGE: GoType = { kind: "slice", name: "api.ImageData", elem: UINT8 };
const IMAGES: GoType = { kind: "slice", name: "[]api.ImageData", elem: IMAGE };

const MESSAGE: GoType = {
  kind: "struct",
  name: "template.templateMessage",
  fields: [
    { name: "Role", type: STRING },
    { name: "Content", type: STRING },
    { name: "Thinking", type: STRING },
    { name: "Images", type: IMAGES },
    { name: "ToolCalls", type: CALLS },
    { name: "ToolName", type: STRING },
    { name: "ToolCallID", type: STRING },
  ],
};

const MESSAGE_POINTER: GoType = { kind: "pointer", name: "*template.templateMessage", elem: MESSAGE };
const MESSAGES: GoType = { kind: "slice", name: "[]*template.templateMessage", elem: MESSAGE_POINTER };

function callValue(call: ToolCall): Value {
  const { index = 0, name, arguments: args } = call.function;
  const decoded = fromJson(args);
  const entries = decoded.kind === "map" ? decoded.entries : null;
  const fields: Value[] = [intValue(Math.trunc(index)), text(name), { kind: "map", type: ARGUMENTS, entries }];
  return { kind: "struct", type: CALL, fields: [text(call.id), { kind: "struct", type: CALL_FUNCTION, fields }] };
}

function messageValue(message: Message): Value {
  const { images, toolCalls = [] } = message;
  const fields: Value[] = [
    text(message.role),
    text(message.content),
    text(message.thinking),
    {
      kind: "slice",
      type: IMAGES,
      items: images?.map((image) => ({ kind: "slice", type: IMAGE, items: image })) ?? null,
    },
    { kind: "slice", type: CALLS, items: toolCalls.length === 0 ? null : toolCalls.map(callValue) },
    text(message.toolName),
    text(message.toolCallId),
  ];
  return { kind: "pointer", type: MESSAGE_POINTER, target: { kind: "struct", type: MESSAGE, fields } };
}

export function messagesValue(messages: readonly Message[]): Value {
  return { kind: "slice", type: MESSAGES, items: messages.length === 0 ? null : messages.map(messageValue) };
}
