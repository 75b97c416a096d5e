// Locks between processes on one file. The kernel takes them back when their holder dies, however it dies, so none is ever
// stale. They are SQLite's own file locks: the one way to them that the runtime has on every system.

import { Database } from "bun:sqlite";
import { closeSync, openSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { AppError } from "./errors.ts";
import { logWarn } from "./log.ts";

export type LockKind = "exclusive" | "shared";

const POLL_MS = 20;

export class FileLock implements Disposable {
  /** Use `tryAcquire` or `acquire`. */
  constructor(
    readonly path: string,
    /** undefined where the file system has no locks. */
    private readonly database: Database | undefined,
  ) {}

  /** undefined while another holds it. */
  static tryAcquire(path: string, kind: LockKind): FileLock | undefined {
    const before = inodeOf(path);
    let database: Database | undefined;
    try {
      database = new Database(path, { create: true });
      database.run("PRAGMA busy_timeout = 0");
      // Nothing is ever written, so no journal needs to lie about.
      database.run("PRAGMA journal_mode = MEMORY");
      database.run(kind === "exclusive" ? "BEGIN EXCLUSIVE" : "BEGIN");
      if (kind === "shared") database.query("SELECT count(*) FROM sqlite_master").get();
    } catch (error) {
      database?.close();
      if (isBusy(error)) return undefined;
      return withoutLocks(path, error);
    }
    const lock = new FileLock(path, database);
    // Whoever held it before may have removed the file: then this is a lock on nothing.
    const after = inodeOf(path);
    if (after !== undefined && (before === undefined || before === after)) return lock;
    lock[Symbol.dispose]();
    return undefined;
  }

  /** Waits until it is free. `onWait` is called before each further try. */
  static async acquire(
    path: string,
    kind: LockKind,
    signal?: AbortSignal,
    onWait?: () => Promise<void>,
  ): Promise<FileLock> {
    for (;;) {
      signal?.throwIfAborted();
      const lock = FileLock.tryAcquire(path, kind);
      if (lock !== undefined) return lock;
      await onWait?.();
      await Bun.sleep(POLL_MS);
    }
  }

  /** Gives the lock back and takes its file away; whoever waits for it notices. */
  remove(): void {
    rmSync(this.path, { force: true });
    this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    // Closing rolls the transaction back, so the file stays empty.
    this.database?.close();
  }
}

function inodeOf(path: string): bigint | undefined {
  return statSync(path, { bigint: true, throwIfNoEntry: false })?.ino;
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

function isBusy(error: unknown): boolean {
  return /^SQLITE_(BUSY|LOCKED)/.test(codeOf(error));
}

/** Looks at the folder: to open and close the file itself would give up what this process holds on it (fcntl(2)). */
function errorOfOpening(path: string): unknown {
  try {
    closeSync(openSync(dirname(path), "r"));
    return undefined;
  } catch (error) {
    return error;
  }
}

let hasWarned = false;

function withoutLocks(path: string, error: unknown): FileLock {
  // SQLite says only that it could not open the file. The system says so where the fault is not this file's.
  const systemError = errorOfOpening(path);
  if (["EMFILE", "ENFILE"].includes(codeOf(systemError))) throw systemError;
  if (!codeOf(error).startsWith("SQLITE_IOERR"))
    throw new AppError("forbidden", `${path} cannot be locked: ${error instanceof Error ? error.message : "?"}`, {
      cause: error,
    });
  if (!hasWarned) logWarn("this file system has no locks; only one program may use these models at a time", { path });
  hasWarned = true;
  return new FileLock(path, undefined);
}
