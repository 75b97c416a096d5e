// Notes which blobs were found to be something else than their name says, so that whoever needs one gets it anew instead of
// keeping what is there. A note holds for one file as it was: another one under the same name, or one that was put right in its
// place, is not meant by it.

import { existsSync } from "node:fs";
import { readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../base/atomic-file.ts";
import { type Digest, digestHex } from "../base/digest.ts";

export class DamageMarks {
  constructor(readonly directory: string) {}

  #path(digest: Digest): string {
    return join(this.directory, `sha256-${digestHex(digest)}.damaged`);
  }

  /** Notes the file that is at `blobPath` now. */
  async mark(digest: Digest, blobPath: string): Promise<void> {
    await writeFileAtomic(this.#path(digest), `${await identity(blobPath)}\n`, { directoryMode: 0o755 });
  }

  /** Whether there is a note at all, of this file or of another that had its name. */
  hasMark(digest: Digest): boolean {
    return existsSync(this.#path(digest));
  }

  async isMarked(digest: Digest, blobPath: string): Promise<boolean> {
    const noted = await readFile(this.#path(digest), "utf8").catch(() => undefined);
    if (noted === undefined) return false;
    return noted.trim() === (await identity(blobPath).catch(() => undefined));
  }

  async clear(digest: Digest): Promise<void> {
    await rm(this.#path(digest), { force: true });
  }
}

async function identity(path: string): Promise<string> {
  const { ino, size, mtimeNs } = await stat(path, { bigint: true });
  return `${ino} ${size} ${mtimeNs}`;
}
