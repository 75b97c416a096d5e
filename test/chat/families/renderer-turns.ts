// What a model writes, taken from its own renderer: the turn of the assistant as history, without the prompt before it.

import type { ChatMessage } from "../../../src/chat/message.ts";
import { requireRenderer } from "../../../src/chat/renderers/registry.ts";
import { TOOLS, type Turn } from "./conversations.ts";

export interface RenderedFamily {
  family: string;
  renderer: string;
  /** Where the answer begins in the rendered history, and the text that ends it. */
  after: string;
  before: string;
  /** What the renderer cannot put into a turn with calls. */
  lacks?: readonly ("text" | "thinking")[];
}

const IM = { after: "<|im_start|>assistant\n", before: "<|im_end|>" };
const IM_THINK = { after: "<|im_start|>assistant\n<think>\n", before: "<|im_end|>" };

export const RENDERED: readonly RenderedFamily[] = [
  { family: "qwen3-coder", renderer: "qwen3-coder", ...IM, lacks: ["thinking"] },
  { family: "qwen3-vl-instruct", renderer: "qwen3-vl-instruct", ...IM, lacks: ["thinking"] },
  { family: "qwen3", renderer: "qwen3-vl-instruct", ...IM, lacks: ["thinking"] },
  { family: "qwen3-vl-thinking", renderer: "qwen3-vl-thinking", ...IM_THINK },
  { family: "qwen3-thinking", renderer: "qwen3-vl-thinking", ...IM_THINK },
  { family: "qwen3.5", renderer: "qwen3.5", ...IM_THINK },
  { family: "qwen3.5", renderer: "qwen3.8", ...IM_THINK },
  { family: "ornith", renderer: "ornith", ...IM_THINK },
  { family: "nemotron-3-nano", renderer: "nemotron-3-nano", ...IM_THINK },
  { family: "nemotron-3.5-nano", renderer: "nemotron-3.5-nano", ...IM_THINK },
  {
    family: "cogito",
    renderer: "cogito",
    after: "<｜Assistant｜>",
    before: "<｜end▁of▁sentence｜>",
    lacks: ["thinking"],
  },
  {
    family: "deepseek3",
    renderer: "deepseek3.1",
    after: "<｜Assistant｜></think>",
    before: "<｜end▁of▁sentence｜>",
    lacks: ["thinking"],
  },
  { family: "olmo3", renderer: "olmo3", ...IM, lacks: ["thinking"] },
  { family: "olmo3", renderer: "olmo3.1", ...IM, lacks: ["thinking"] },
  {
    family: "functiongemma",
    renderer: "functiongemma",
    after: "<start_of_turn>model\n",
    before: "<start_function_response>",
    lacks: ["thinking"],
  },
  { family: "gemma4", renderer: "gemma4", after: "<|turn>model\n", before: "<|tool_response>", lacks: ["text"] },
  { family: "glm-4.7", renderer: "glm-4.7", after: "<|assistant|><think>", before: "<|observation|>" },
  { family: "glm-ocr", renderer: "glm-ocr", after: "<|assistant|>\n", before: "<|observation|>" },
  { family: "lfm2", renderer: "lfm2", ...IM, lacks: ["thinking"] },
  { family: "lfm2-thinking", renderer: "lfm2-thinking", ...IM },
  { family: "laguna", renderer: "laguna", after: "<assistant>\n", before: "</assistant>" },
  { family: "poolside-v1", renderer: "poolside-v1", after: "<assistant>", before: "</assistant>" },
  {
    family: "cohere",
    renderer: "cohere",
    after: "<|CHATBOT_TOKEN|>\n            \n                <|START_THINKING|>",
    before: "<|END_OF_TURN_TOKEN|>",
    lacks: ["text"],
  },
  { family: "glimmer", renderer: "glimmer", after: "<|start|>assistant", before: "<|start|>tool", lacks: ["text"] },
];

/** The turn as its model would write it, or undefined if the renderer has no place for it. */
export function renderedTurn(row: RenderedFamily, turn: Turn): string | undefined {
  if ((row.lacks?.includes("text") && turn.text !== "") || (row.lacks?.includes("thinking") && turn.thinking !== "")) {
    return undefined;
  }
  const messages: ChatMessage[] = [
    { role: "user", content: "Question" },
    { role: "assistant", content: turn.text, thinking: turn.thinking, toolCalls: [...turn.calls] },
    ...turn.calls.map((call): ChatMessage => ({ role: "tool", content: "RESULT", toolName: call.name })),
  ];
  const text = requireRenderer(row.renderer).render(messages, TOOLS, { set: true, on: turn.thinking !== "" });
  // A turn without thoughts may lack the opening tag that a thinking prompt ends with.
  const shorter = row.after.replace(/<think>\n?$|<\|START_THINKING\|>$/, "");
  const question = text.indexOf("Question");
  const at = text.indexOf(shorter, question);
  const start = at + (text.startsWith(row.after, at) ? row.after : shorter).length;
  const end = text.indexOf(row.before, start);
  if (question === -1 || at === -1 || end === -1) throw new Error(`no turn in what ${row.renderer} renders`);
  const written = text.slice(start, end);
  // An empty block stands in the prompt when thinking is off.
  return turn.thinking === "" ? written.replace(/^(<think>)?\s*<\/think>\s*/, "") : written;
}
