// Changes a configuration file of another program: what it held before is kept in ~/.ollama/backup, the new content is
// whole or absent, and a file that cannot be understood is left alone.

import { copyFile, mkdir, readdir, readFile, realpath, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { writeFileAtomic } from "../../base/atomic-file.ts";
import { AppError, toAppError } from "../../base/errors.ts";
import { type ConfigEdit, isSection, type Json } from "./integration.ts";

/** As many as Ollama keeps. */
const MAX_BACKUPS = 5;

export interface PlannedChange {
  readonly path: string;
  readonly before: string | undefined;
  readonly after: string;
}

/** Throws `invalid` for a file that is no JSON object; nothing has been written then. */
export async function planChange(edit: ConfigEdit): Promise<PlannedChange> {
  const before = await readIfThere(edit.path);
  if (edit.kind === "whole") return { path: edit.path, before, after: edit.content };
  const settings = before === undefined || before.trim() === "" ? {} : parseSettings(before, edit.path);
  edit.edit(settings);
  const after = `${JSON.stringify(settings, null, indentOf(before ?? ""))}\n`;
  // The same values in another layout are no reason to write.
  const isSame = before !== undefined && before.trim() !== "" && Bun.deepEquals(JSON.parse(before), settings, true);
  return { path: edit.path, before, after: isSame ? before : after };
}

/** Where the old content went; undefined where there was none. */
export async function applyChange(change: PlannedChange, backupDir: string): Promise<string | undefined> {
  const { path, before, after } = change;
  await markOriginal(change, backupDir);
  const backup = before === undefined ? undefined : await backUp(path, backupDir);
  await replace(path, after);
  return backup;
}

/** Puts back what was there before the first launch; says what it did, nothing where no launch has changed the file. */
export async function restoreFile(path: string, backupDir: string): Promise<string | undefined> {
  const { original, absent } = marks(path, backupDir);
  const content = await readIfThere(original);
  const wasAbsent = (await readIfThere(absent)) !== undefined;
  if (content === undefined && !wasAbsent) return undefined;
  const current = await readIfThere(path);
  const backup = current === undefined ? undefined : await backUp(path, backupDir);
  const kept = backup === undefined ? "" : ` (what it held until now: ${backup})`;
  if (content === undefined) await rm(path, { force: true });
  else await replace(path, content);
  for (const mark of [original, absent]) await rm(mark, { force: true });
  return content === undefined ? `Removed ${path}${kept}` : `Restored ${path}${kept}`;
}

function marks(path: string, backupDir: string): { original: string; absent: string } {
  const place = join(backupDir, basename(path));
  return { original: `${place}.original`, absent: `${place}.absent` };
}

async function markOriginal({ path, before }: PlannedChange, backupDir: string): Promise<void> {
  const { original, absent } = marks(path, backupDir);
  for (const mark of [original, absent]) if ((await readIfThere(mark)) !== undefined) return;
  if (before === undefined) await writeFileAtomic(absent, "", { mode: 0o600, directoryMode: 0o700 });
  else await writeFileAtomic(original, before, { mode: 0o600, directoryMode: 0o700 });
}

async function backUp(path: string, backupDir: string): Promise<string> {
  await mkdir(backupDir, { recursive: true, mode: 0o700 });
  const prefix = `${basename(path)}.`;
  const backup = join(backupDir, `${prefix}${Date.now()}`);
  await copyFile(path, backup);
  const old = (await readdir(backupDir)).filter((name) => name.startsWith(prefix) && /\.\d+$/.test(name)).sort();
  for (const name of old.slice(0, -MAX_BACKUPS)) await rm(join(backupDir, name), { force: true });
  return backup;
}

/** A link stays a link: people keep such files in repositories of their own. */
async function replace(path: string, content: string): Promise<void> {
  const target = await realpath(path).catch(() => path);
  const mode = await stat(target).then(
    (facts) => facts.mode & 0o777,
    () => 0o600,
  );
  await writeFileAtomic(target, content, { mode });
}

function parseSettings(text: string, path: string): Json {
  const refuse = (why: string, cause?: unknown): AppError =>
    new AppError("invalid", `${path} ${why}; nothing was changed. Correct it, or move it away, and try again`, {
      cause,
    });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw refuse(`is not plain JSON (${toAppError(error).message})`, error);
  }
  if (!isSection(value)) throw refuse("is no JSON object");
  return value;
}

function indentOf(text: string): string {
  return /^[{[]\r?\n([ \t]+)/.exec(text)?.[1] ?? "  ";
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
    if (code === "ENOENT") return undefined;
    throw new AppError("forbidden", `${path} cannot be read: ${toAppError(error).message}`, { cause: error });
  }
}
