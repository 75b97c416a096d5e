// The turns that every family must be able to read back: calls with awkward values, several calls, text and thinking around.

import type { MessageToolCall, ToolDefinition } from "../../../src/chat/message.ts";

export const AWKWARD = 'He said "hi" & <b>it\'s</b> {x: [1, 2]}, a=b\nline two \\ back, tab\there 🎉 </tool';

export const TOOLS: readonly ToolDefinition[] = [
  {
    type: "function",
    function: {
      name: "get_weather",
      description: "Weather in a city",
      parameters: {
        type: "object",
        required: ["city"],
        properties: { city: { type: "string", description: "City" }, days: { type: "integer", description: "Days" } },
      },
    },
  },
  {
    type: "function",
    function: {
      name: "save_note",
      description: "Saves a note",
      parameters: {
        type: "object",
        properties: {
          text: { type: "string" },
          ratio: { type: "number" },
          pinned: { type: "boolean" },
          tags: { type: "array", items: { type: "string" } },
          meta: { type: "object", properties: { depth: { type: "integer" } } },
        },
      },
    },
  },
  {
    type: "function",
    function: { name: "now", description: "The time", parameters: { type: "object", properties: {} } },
  },
];

export interface Turn {
  name: string;
  text: string;
  thinking: string;
  calls: readonly MessageToolCall[];
}

const weather: MessageToolCall = { name: "get_weather", arguments: { city: "Paris", days: 3 } };
const note: MessageToolCall = {
  name: "save_note",
  arguments: { text: AWKWARD, ratio: 2.5, pinned: true, tags: ["a b", 'c"d'], meta: { depth: 1, note: "{}" } },
};
const now: MessageToolCall = { name: "now", arguments: {} };

export const TURNS: readonly Turn[] = [
  { name: "one call", text: "", thinking: "", calls: [weather] },
  { name: "awkward values", text: "", thinking: "", calls: [note] },
  { name: "no arguments", text: "", thinking: "", calls: [now] },
  { name: "three calls", text: "", thinking: "", calls: [weather, note, now] },
  { name: "text and a call", text: "Let me look: a < b.", thinking: "", calls: [weather] },
  { name: "thinking and a call", text: "", thinking: "I need <data>.\n\nReally.", calls: [weather] },
  { name: "thinking, text and two calls", text: "On it.", thinking: "Hm.", calls: [weather, now] },
];
