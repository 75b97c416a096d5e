import { expect, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AppError } from "../../../src/base/errors.ts";
import { editExternally } from "../../../src/cli/repl/external-editor.ts";

async function failure(command: string): Promise<string> {
  try {
    return `no failure: ${await editExternally("text", command)}`;
  } catch (error) {
    return error instanceof AppError ? error.message : String(error);
  }
}

test("an editor that is not there is named", async () => {
  expect(await failure("no-such-editor --wait")).toBe(
    'editor "no-such-editor" not found, set OLLAMA_EDITOR to the path of your preferred editor',
  );
  expect(await failure("  ")).toStartWith('editor "" not found');
});

test.skipIf(process.platform === "win32")(
  "the editor gets its arguments and the text, and its file comes back",
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "editor-"));
    try {
      const script = join(folder, "editor.sh");
      writeFileSync(
        script,
        '#!/bin/sh\n[ "$1" = --wait ] || exit 3\nprintf "%s and more\\n\\n" "$(cat "$2")" > "$2"\n',
      );
      chmodSync(script, 0o755);
      expect(await editExternally("text", `${script}  --wait`)).toBe("text and more");
      expect(await failure(script)).toBe("editor exited with error: exit status 3");
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
