// Text whose later lines begin under its first word: broken at blanks to fit a width.

/** `first` is what stands before the first line, which otherwise begins at column `indent` already. */
export function hangingIndent(text: string, indent: number, width: number, first = ""): string {
  const room = Math.max(20, width - indent);
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line !== "" && Bun.stringWidth(longer) > room) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  lines.push(line);
  return first + lines.join(`\n${" ".repeat(indent)}`);
}
