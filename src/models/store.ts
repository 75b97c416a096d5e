// The models directory in Ollama's own layout: manifests/<host>/<namespace>/<model>/<tag> and blobs/sha256-<hex>. Several
// programs may use it at once: what decides by the manifests which blobs are needed holds the store's lock meanwhile.

import { mkdir, readdir, readFile, rm, rmdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { writeFileAtomic } from "../base/atomic-file.ts";
import { type Digest, digestOf } from "../base/digest.ts";
import { AppError } from "../base/errors.ts";
import { FileLock, type LockKind } from "../base/file-lock.ts";
import { FileMemo } from "../base/file-memo.ts";
import { logWarn } from "../base/log.ts";
import { BlobStore } from "./blobs.ts";
import { encodeManifest, type Manifest, manifestSize, parseManifest } from "./manifest.ts";
import { ModelName } from "./name.ts";

/** One object for as long as the manifest is the same. */
export interface StoredModel {
  readonly name: ModelName;
  readonly manifest: Manifest;
  /** Hash of the manifest's bytes: the model's id. */
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly modifiedNs: bigint;
}

/** host/namespace/model/tag */
const MANIFEST_DEPTH = 4;

function isMissing(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ENOENT" || code === "ENOTDIR" || code === "EISDIR";
}

export class ModelStore {
  readonly blobs: BlobStore;
  readonly #manifests: string;
  readonly #known = new FileMemo<StoredModel | undefined>();

  constructor(readonly directory: string) {
    this.blobs = new BlobStore(join(directory, "blobs"));
    this.#manifests = join(directory, "manifests");
  }

  /** Creates the directories; throws `forbidden` naming the path and the reason when that cannot be. */
  async open(): Promise<void> {
    for (const directory of [this.blobs.directory, this.#manifests, this.blobs.links.directory]) {
      try {
        await mkdir(directory, { recursive: true, mode: 0o755 });
        const probe = join(directory, `.write-test-${process.pid}`);
        await Bun.write(probe, "");
        await rm(probe, { force: true });
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        throw new AppError(
          "forbidden",
          `the models directory ${this.directory} is not writable (${why}); fix its permissions or set OLLAMA_MODELS to another`,
          { cause: error },
        );
      }
    }
  }

  /** Runs `work` while no other program, and nothing else here, does so. Not to be nested. */
  async exclusively<T>(work: () => Promise<T>): Promise<T> {
    using _ = await FileLock.acquire(join(this.directory, ".lock"), "exclusive");
    return await work();
  }

  /**
   * Says that a program works with the store ("shared") or takes it away ("exclusive"), until disposed. Undefined while
   * others do what does not go together with that.
   */
  claim(kind: LockKind): FileLock | undefined {
    return FileLock.tryAcquire(join(this.directory, ".in-use"), kind);
  }

  manifestPath(name: ModelName): string {
    return join(this.#manifests, ...name.path);
  }

  /** The model of that name; letter case does not matter. Undefined when there is none. */
  async find(name: ModelName): Promise<StoredModel | undefined> {
    const exact = await this.#read(name);
    if (exact !== undefined) return exact;
    const path = await this.#resolveCase(name);
    const actual = path === undefined ? undefined : ModelName.of(...path);
    return actual === undefined ? undefined : this.#read(actual);
  }

  #read(name: ModelName): Promise<StoredModel | undefined> {
    return this.#known.read(this.manifestPath(name), (path) => this.#readFile(name, path));
  }

  async #readFile(name: ModelName, path: string): Promise<StoredModel | undefined> {
    let bytes: Buffer;
    try {
      bytes = await readFile(path);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
    const manifest = parseManifest(bytes.toString("utf8"));
    const facts = await stat(path, { bigint: true });
    return { name, manifest, digest: digestOf(bytes), sizeBytes: manifestSize(manifest), modifiedNs: facts.mtimeNs };
  }

  async #resolveCase(name: ModelName): Promise<[string, string, string, string] | undefined> {
    const found: string[] = [];
    for (const part of name.path) {
      const entries = await readdir(join(this.#manifests, ...found)).catch(() => [] as string[]);
      const match =
        entries.find((entry) => entry === part) ?? entries.find((e) => e.toLowerCase() === part.toLowerCase());
      if (match === undefined) return undefined;
      found.push(match);
    }
    const [host, namespace, model, tag] = found;
    if (host === undefined || namespace === undefined || model === undefined || tag === undefined) return undefined;
    return [host, namespace, model, tag];
  }

  /** Every readable model, newest first. What is malformed is skipped with a warning. */
  async list(): Promise<StoredModel[]> {
    const models: StoredModel[] = [];
    for (const name of await this.names()) {
      try {
        const model = await this.#read(name);
        if (model !== undefined) models.push(model);
      } catch (error) {
        logWarn("bad manifest", { name: name.full, error: error instanceof Error ? error.message : String(error) });
      }
    }
    return models.sort((a, b) => (a.modifiedNs < b.modifiedNs ? 1 : a.modifiedNs > b.modifiedNs ? -1 : 0));
  }

  /** Links count as what they lead to, as in Ollama: a model that prune does not see would lose its blobs. */
  async names(): Promise<ModelName[]> {
    const names: ModelName[] = [];
    const walk = async (parts: readonly string[]): Promise<void> => {
      for (const entry of (await readdir(join(this.#manifests, ...parts)).catch(() => [] as string[])).sort()) {
        const path = [...parts, entry];
        const facts = await stat(join(this.#manifests, ...path)).catch(() => undefined);
        const isLeaf = path.length === MANIFEST_DEPTH;
        if (facts?.isDirectory() === true && !isLeaf) {
          await walk(path);
          continue;
        }
        const [host = "", namespace = "", model = "", tag = ""] = path;
        const name = isLeaf && facts?.isFile() === true ? ModelName.of(host, namespace, model, tag) : undefined;
        if (name !== undefined) names.push(name);
        else if (!entry.startsWith(".")) logWarn("bad manifest filepath", { path: path.join("/") });
      }
    };
    await walk([]);
    return names;
  }

  /**
   * Writes the manifest of `name` if everything it names is here; else returns what is missing, and nothing was written.
   * An existing name in another letter case is replaced, not doubled.
   */
  commit(name: ModelName, bytes: string): Promise<Digest[]> {
    const { config, layers } = parseManifest(bytes);
    return this.exclusively(async () => {
      const missing: Digest[] = [];
      for (const { digest } of [...layers, config]) if (!(await this.blobs.has(digest))) missing.push(digest);
      if (missing.length === 0) await this.writeRaw(name, bytes);
      return missing;
    });
  }

  /** `commit` for who cannot bring what is missing. */
  async write(name: ModelName, manifest: Manifest): Promise<void> {
    const [missing] = await this.commit(name, encodeManifest(manifest));
    if (missing === undefined) return;
    throw new AppError("busy", `blob ${JSON.stringify(missing)} was removed by another program meanwhile; try again`);
  }

  /** Whatever it names, and whoever is at work: for who holds the lock. */
  async writeRaw(name: ModelName, bytes: string): Promise<void> {
    const existing = await this.#resolveCase(name);
    const target = (existing === undefined ? undefined : ModelName.of(...existing)) ?? name;
    await writeFileAtomic(this.manifestPath(target), bytes, { directoryMode: 0o755 });
  }

  /** Copies a name; throws `not-found` when the source is none. */
  copy(source: ModelName, target: ModelName): Promise<void> {
    return this.exclusively(async () => {
      const model = await this.find(source);
      if (model === undefined) throw new AppError("not-found", `model "${source.display}" not found`);
      await this.writeRaw(target, await readFile(this.manifestPath(model.name), "utf8"));
    });
  }

  /** Removes a name, then what no other name uses. */
  remove(model: StoredModel): Promise<void> {
    return this.exclusively(async () => {
      const path = this.manifestPath(model.name);
      await rm(path, { force: true });
      await this.#removeEmptyParents(dirname(path));
      await this.#removeUnused([model.manifest.config.digest, ...model.manifest.layers.map((layer) => layer.digest)]);
    });
  }

  /** Removes a name whose manifest cannot be read, and so nothing else. */
  removeUnreadable(name: ModelName): Promise<void> {
    return this.exclusively(async () => {
      const actual = await this.#resolveCase(name);
      const path = this.manifestPath((actual === undefined ? undefined : ModelName.of(...actual)) ?? name);
      await rm(path, { force: true });
      await this.#removeEmptyParents(dirname(path));
    });
  }

  async #removeEmptyParents(directory: string): Promise<void> {
    for (let dir = directory; dir.startsWith(`${this.#manifests}/`); dir = dirname(dir)) {
      try {
        await rmdir(dir);
      } catch {
        return;
      }
    }
  }

  /** Removes those of `digests` that no manifest names. */
  removeUnused(digests: readonly Digest[]): Promise<void> {
    return this.exclusively(() => this.#removeUnused(digests));
  }

  async #removeUnused(digests: readonly Digest[]): Promise<void> {
    const used = await this.usedDigests();
    if (used === undefined) return;
    for (const digest of digests) if (!used.has(digest)) await this.blobs.remove(digest);
  }

  /** Every digest that a manifest names; undefined when a manifest cannot be read, for then nothing may be removed. */
  async usedDigests(): Promise<Set<Digest> | undefined> {
    const used = new Set<Digest>();
    for (const name of await this.names()) {
      try {
        const model = await this.#read(name);
        for (const layer of model === undefined ? [] : [model.manifest.config, ...model.manifest.layers])
          used.add(layer.digest);
      } catch {
        return undefined;
      }
    }
    return used;
  }
}
