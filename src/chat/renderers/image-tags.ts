// Where a message's images stand in the prompt: `[img-N]`, counted over the whole conversation (Ollama: image_tags.go).

import { isSpace } from "../families/whitespace.ts";
import type { ChatMessage } from "../message.ts";

/** Hands out the numbers of a conversation's images in order. */
export class ImageTags {
  #next = 0;

  /** The content with each `[img]` replaced in turn, and tags in front for the images that have none. */
  content(message: ChatMessage): string {
    const count = message.images?.length ?? 0;
    const first = this.#next;
    this.#next += count;
    let content = message.content;
    if (count === 0 || content.includes("[img-")) return content;
    let prefix = "";
    for (let index = first; index < first + count; index++) {
      const tag = `[img-${index}]`;
      if (content.includes("[img]")) content = content.replace("[img]", tag);
      else prefix += tag;
    }
    const gap = prefix !== "" && content !== "" && !isSpace(content[0]) ? " " : "";
    return prefix + gap + content;
  }
}
