// The keys of this home: a private directory with one file per key, so that two programs can add and take away keys at once and a
// crash at any point leaves every other key as it was. Where the directory exists, a server asks for keys, even when it is empty:
// taking away the last key must not open what was closed. What cannot be read counts as closed too.

import { randomBytes } from "node:crypto";
import { chmodSync, readdirSync, readFileSync, statSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../base/atomic-file.ts";
import { AppError, toAppError } from "../base/errors.ts";
import { type ApiKey, decodeKey, encodeKey, type KeyWish, makeKey } from "./api-key.ts";
import { keysDirectory, ownerFile } from "./paths.ts";

export interface KeyTable {
  /** False where there is no key directory: nobody asked for keys. */
  readonly required: boolean;
  /** Oldest first. */
  readonly keys: readonly ApiKey[];
  readonly ownerSecret: string | undefined;
  /** What could not be used, and why. */
  readonly problems: readonly string[];
}

const SUFFIX = ".json";
/** A directory that changed less than this ago may change again without showing a newer time. */
const CLOCK_GRAIN_NS = 1_000_000_000n;

export class KeyStore {
  readonly directory: string;
  #table: KeyTable | undefined;
  #stamp = "";

  constructor(private readonly homeDir: string) {
    this.directory = keysDirectory(homeDir);
  }

  /** The keys as they are now; read again only when the directory has changed. */
  table(): KeyTable {
    const stamp = this.#directoryStamp();
    if (this.#table === undefined || stamp === undefined || stamp !== this.#stamp) {
      this.#table = this.#read();
      this.#stamp = stamp ?? "";
    }
    return this.#table;
  }

  /** Throws `invalid` for a name that is taken, or a wish that makes no key. */
  async create(wish: KeyWish): Promise<{ readonly key: ApiKey; readonly text: string }> {
    const made = makeKey(wish);
    if (this.#read().keys.some(({ name }) => name === made.key.name)) {
      throw new AppError(
        "invalid",
        `there is a key called "${made.key.name}" already; revoke it first, or choose another name`,
      );
    }
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
    chmodSync(this.directory, 0o700);
    if (this.#ownerSecret() === undefined) {
      await writeFileAtomic(ownerFile(this.homeDir), `${randomBytes(32).toString("hex")}\n`, { mode: 0o600 });
    }
    await writeFileAtomic(this.#path(made.key.id), encodeKey(made.key), { mode: 0o600 });
    return made;
  }

  /** Takes away the key with this id or name. Throws `not-found`, and `invalid` where a name is not clear. */
  async revoke(idOrName: string): Promise<ApiKey> {
    const { keys } = this.#read();
    const byId = keys.filter(({ id }) => id === idOrName);
    const found = byId.length > 0 ? byId : keys.filter(({ name }) => name === idOrName);
    const [key] = found;
    if (key === undefined) throw new AppError("not-found", `there is no key "${idOrName}"`);
    if (found.length > 1) {
      const ids = found.map(({ id }) => id).join(", ");
      throw new AppError("invalid", `several keys are called "${idOrName}"; name one by its id: ${ids}`);
    }
    await rm(this.#path(key.id));
    return key;
  }

  #path(id: string): string {
    return join(this.directory, id + SUFFIX);
  }

  /** undefined while the directory may still change unnoticed, or is not there. */
  #directoryStamp(): string | undefined {
    try {
      const facts = statSync(this.directory, { bigint: true, throwIfNoEntry: false });
      if (facts === undefined) return "missing";
      const { mtimeNs, ctimeNs, ino } = facts;
      const isSettled = BigInt(Date.now()) * 1_000_000n - mtimeNs > CLOCK_GRAIN_NS;
      return isSettled ? `${ino} ${mtimeNs} ${ctimeNs}` : undefined;
    } catch {
      return undefined;
    }
  }

  #read(): KeyTable {
    let names: string[];
    try {
      names = readdirSync(this.directory);
    } catch (error) {
      if (isMissing(error)) return { required: false, keys: [], ownerSecret: undefined, problems: [] };
      const problem = `the API keys cannot be read: ${toAppError(error).message}`;
      return { required: true, keys: [], ownerSecret: undefined, problems: [problem] };
    }
    const keys: ApiKey[] = [];
    const problems: string[] = [];
    for (const name of names.filter((each) => each.endsWith(SUFFIX))) {
      const key = decodeKey(name.slice(0, -SUFFIX.length), readText(join(this.directory, name)) ?? "");
      if (key === undefined) problems.push(`${join(this.directory, name)} holds no key that can be used`);
      else keys.push(key);
    }
    keys.sort((a, b) => (a.createdAt + a.id < b.createdAt + b.id ? -1 : 1));
    return { required: true, keys, ownerSecret: this.#ownerSecret(), problems };
  }

  #ownerSecret(): string | undefined {
    const text = readText(ownerFile(this.homeDir))?.trim();
    return text !== undefined && /^[0-9a-f]{64}$/.test(text) ? text : undefined;
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
