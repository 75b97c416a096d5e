// Nothing is understood: the answer is text.

import type { OutputFamily } from "../output-family.ts";

export const passthrough: OutputFamily = {
  name: "passthrough",
  supportsTools: false,
  supportsThinking: false,
  create: () => ({
    feed: (text) => (text === "" ? [] : [{ kind: "text", text }]),
    finish: () => [],
  }),
};
