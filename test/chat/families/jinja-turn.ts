// What a model writes, taken from the Jinja template in its GGUF: the rendered conversation with the assistant's turn, minus the
// prompt before it and the token that ends the turn.

import { Template } from "@huggingface/jinja";
import { TOOLS, type Turn } from "./conversations.ts";

export interface JinjaTurn {
  /** The prompt that the turn continues; a parser may look at its end. */
  prompt: string;
  text: string;
}

/** Tokens that end a turn, and what a template may write after them. */
const END =
  /(?:<EOS>|<\|(?:im_end|eot_id|eom_id|end|call|return|eom|eot|eos|calls|endoftext|end_of_text|END_OF_TURN_TOKEN|role_end)\|>|<｜end▁of▁sentence｜>|<turn\|>|<end_of_turn>|<\|tool_response>|<seed:eos>|\[e~\[|<\/assistant>|<SPECIAL_12>|<sep>|<end_of_sentence>)/;
const THINK_OPEN = /(<think>|<seed:think>|<\|START_THINKING\|>)\s*(<\/think>\s*)?$/;

interface Shape {
  arguments: "object" | "text";
  /** What an empty answer is. */
  empty: "" | null;
}

/** Templates expect one of these; which, only trying tells. */
const SHAPES: readonly Shape[] = [
  { arguments: "object", empty: "" },
  { arguments: "object", empty: null },
  { arguments: "text", empty: "" },
  { arguments: "text", empty: null },
];

function messagesFor(turn: Turn, shape: Shape) {
  return [
    { role: "user", content: "Question" },
    {
      role: "assistant",
      content: turn.text === "" ? shape.empty : turn.text,
      ...(turn.thinking === "" ? {} : { reasoning_content: turn.thinking, thinking: turn.thinking }),
      tool_calls: turn.calls.map((call, index) => ({
        id: `call0000${index}`,
        type: "function",
        function: {
          name: call.name,
          arguments: shape.arguments === "object" ? call.arguments : JSON.stringify(call.arguments),
        },
      })),
    },
  ];
}

function render(template: Template, messages: unknown[], prompts: boolean, thinks: boolean): string {
  return template.render({
    messages,
    tools: TOOLS,
    add_generation_prompt: prompts,
    enable_thinking: thinks,
    thinking: thinks,
    bos_token: "<BOS>",
    eos_token: "<EOS>",
    tools_in_user_message: false,
    functions: "",
    datetime: "2026-01-01",
  });
}

/** Whether the text is the whole turn: templates drop calls after the first, or print objects as "[object Map]". */
function isWhole(text: string, turn: Turn): boolean {
  const values = turn.calls.flatMap((call) => (call.name === "get_weather" ? ["Paris"] : []));
  return (
    !text.includes("[object") &&
    [...values, ...turn.calls.map((call) => call.name)].every((part) => text.includes(part))
  );
}

/** Undefined where the template cannot render such a turn. */
export function jinjaTurn(source: string, turn: Turn): JinjaTurn | undefined {
  const template = new Template(source);
  const thinks = turn.thinking !== "";
  for (const shape of SHAPES) {
    let prompt: string;
    let full: string;
    try {
      prompt = render(template, [{ role: "user", content: "Question" }], true, thinks);
      full = render(template, messagesFor(turn, shape), false, thinks);
    } catch {
      continue;
    }
    for (const cut of [prompt, prompt.replace(THINK_OPEN, "")]) {
      if (!full.startsWith(cut)) continue;
      const text = full.slice(cut.length).split(END)[0] ?? "";
      // Several messages in one turn (gpt-oss) are not cut at the first end token.
      const whole = isWhole(text, turn) ? text : full.slice(cut.length).replace(new RegExp(`${END.source}\\s*$`), "");
      if (isWhole(whole, turn)) return { prompt: cut, text: whole };
    }
  }
  return undefined;
}
