// Text that comes from elsewhere must not drive the terminal: control characters other than line breaks and tabs are left
// out. In a pipe it stays as it is.

import type { Screen } from "./terminal.ts";

const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g;

export function shownText(text: string, { isTerminal }: Pick<Screen, "isTerminal">): string {
  return isTerminal ? text.replace(CONTROLS, "") : text;
}
