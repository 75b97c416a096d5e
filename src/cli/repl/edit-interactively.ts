// Ctrl-G from the prompt: the external editor, with its failures told instead of thrown.

import { toAppError } from "../../base/errors.ts";
import type { Screen } from "../ui/terminal.ts";
import { defaultEditor, editExternally } from "./external-editor.ts";

/** The edited text; undefined where there is none, so that what was typed stays. */
export async function editInteractively(text: string, command: string, stderr: Screen): Promise<string | undefined> {
  try {
    const edited = await editExternally(text, command === "" ? defaultEditor : command);
    return edited.trim() === "" ? undefined : edited;
  } catch (error) {
    stderr.write(`error: ${toAppError(error).message}\n`);
    return undefined;
  }
}
