// Prints an answer as it arrives: thinking between its two marks, words wrapped on a terminal, tool calls that nobody asked
// for told as such (Ollama: cmd/cmd.go, generate, chat and renderToolCalls).

import type { ToolCall } from "../../api/schema/message.ts";
import { goJson } from "../../base/go-encode.ts";
import { thinkingClosing, thinkingOpening, toolCallText } from "../ui/style.ts";
import type { Screen } from "../ui/terminal.ts";
import { shownText } from "../ui/terminal-text.ts";
import { WordWrap } from "../ui/wrap.ts";

export interface AnswerPart {
  readonly content: string;
  readonly thinking?: string | undefined;
  readonly tool_calls?: readonly ToolCall[] | undefined;
}

export interface AnswerLook {
  readonly wrapsWords: boolean;
  readonly hidesThinking: boolean;
}

/** Disposing of it takes back the colour of thinking that was not brought to its end. */
export class AnswerPrinter implements Disposable {
  #wrap: WordWrap | undefined;
  #isThinking = false;
  #thinkingEndsLine = false;

  constructor(
    private readonly screen: Screen,
    private readonly look: AnswerLook,
  ) {
    this.#restartWrap();
  }

  print({ content, thinking = "", tool_calls: toolCalls = [] }: AnswerPart): void {
    if (thinking !== "" && !this.look.hidesThinking) this.#printThinking(thinking);
    if (content === "" && toolCalls.length === 0) return;
    if (this.#isThinking) this.#endThinking();
    this.#write(content);
    if (toolCalls.length > 0) this.screen.write(toolCalls.map((call) => this.#toolCall(call)).join("\n"));
  }

  [Symbol.dispose](): void {
    if (this.#isThinking && this.screen.hasColor) this.screen.write("\x1b[0m");
    this.#isThinking = false;
  }

  #printThinking(thinking: string): void {
    if (!this.#isThinking) this.screen.write(thinkingOpening(this.screen));
    this.#isThinking = true;
    this.#thinkingEndsLine = thinking.endsWith("\n");
    this.#write(thinking);
  }

  #endThinking(): void {
    if (!this.#thinkingEndsLine) this.screen.write("\n");
    this.screen.write(thinkingClosing(this.screen));
    this.#isThinking = false;
    this.#restartWrap();
  }

  #toolCall({ function: { name, arguments: args = {} } }: ToolCall): string {
    return toolCallText(shownText(name, this.screen), shownText(goJson(args), this.screen), this.screen);
  }

  #write(text: string): void {
    const shown = shownText(text, this.screen);
    this.screen.write(this.#wrap?.push(shown) ?? shown);
  }

  /** Taking a word back to the next line needs cursor movement, so pipes and simple terminals get the text as it is. */
  #restartWrap(): void {
    const wraps = this.look.wrapsWords && this.screen.canRedraw;
    this.#wrap = wraps ? new WordWrap(() => this.screen.columns) : undefined;
  }
}
