// Ctrl-G: a text goes to a file, the user's editor opens it, and what the file then holds comes back
// (Ollama: cmd/interactive.go, editInExternalEditor).

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AppError } from "../../base/errors.ts";
import { goQuote } from "../../base/go-text.ts";

export const defaultEditor = process.platform === "win32" ? "edit" : "vi";

/** `command` is the editor with its arguments, separated by blanks. */
export async function editExternally(text: string, command: string): Promise<string> {
  const [program = "", ...args] = command.split(/\s+/).filter((word) => word !== "");
  if (program === "" || Bun.which(program) === null) {
    throw new AppError(
      "invalid",
      `editor ${goQuote(program)} not found, set OLLAMA_EDITOR to the path of your preferred editor`,
    );
  }
  const folder = mkdtempSync(join(tmpdir(), "ollama-prompt-"));
  try {
    const file = join(folder, "prompt.txt");
    writeFileSync(file, text, { mode: 0o600 });
    const child = Bun.spawn([program, ...args, file], { stdin: "inherit", stdout: "inherit", stderr: "inherit" });
    const code = await child.exited;
    if (code !== 0) throw new AppError("internal", `editor exited with error: exit status ${code}`);
    return readFileSync(file, "utf8").replace(/\n{1,64}$/, "");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
