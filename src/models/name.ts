// Model names (Ollama: types/model/name.go).
//   name  = [scheme "://"] [host "/"] [namespace "/"] model [":" tag]
//   each part starts with a letter, digit or "_", then also "-"; "." except in a namespace; ":" only in a host
//   host ≤ 350 characters, every other part ≤ 80

import { AppError } from "../base/errors.ts";

export const DEFAULT_HOST = "registry.ollama.ai";
export const DEFAULT_NAMESPACE = "library";
export const DEFAULT_TAG = "latest";

const PART = {
  host: /^[A-Za-z0-9_][A-Za-z0-9_\-.:]{0,349}$/,
  namespace: /^[A-Za-z0-9_][A-Za-z0-9_-]{0,79}$/,
  model: /^[A-Za-z0-9_][A-Za-z0-9_\-.]{0,79}$/,
  tag: /^[A-Za-z0-9_][A-Za-z0-9_\-.]{0,79}$/,
} as const;

export class ModelName {
  private constructor(
    readonly host: string,
    readonly namespace: string,
    readonly model: string,
    readonly tag: string,
    readonly scheme: string,
  ) {}

  /** Throws `invalid` ("invalid model name") when a part is out of the grammar. */
  static parse(text: string): ModelName {
    const name = ModelName.tryParse(text);
    if (name === undefined) throw new AppError("invalid", "invalid model name");
    return name;
  }

  static #split(text: string): Readonly<Record<"host" | "namespace" | "model" | "tag" | "scheme", string>> {
    const [, place = DEFAULT_HOST, namespace = DEFAULT_NAMESPACE, last = text] =
      /^(?:(.*)\/)?([^/]*)\/([^/]*)$/s.exec(text) ?? [];
    const [, scheme = "", host = place] = /^(.*?):\/\/(.*)$/s.exec(place) ?? [];
    const [, model = last, tag = DEFAULT_TAG] = /^(.*):(.*)$/s.exec(last) ?? [];
    return { host, namespace, model, tag, scheme: scheme.toLowerCase() || "https" };
  }

  static tryParse(text: string): ModelName | undefined {
    const { host, namespace, model, tag, scheme } = ModelName.#split(text);
    return ModelName.of(host, namespace, model, tag, scheme);
  }

  /** What is no name with its defaults, as Ollama spells it out. */
  static spelledOut(text: string): string {
    const { host, namespace, model, tag } = ModelName.#split(text);
    const [a, b, c, d] = [host, namespace, model, tag].map((part) => part || "!MISSING!");
    return `${a}/${b}/${c}:${d}`;
  }

  static of(host: string, namespace: string, model: string, tag: string, scheme = "https"): ModelName | undefined {
    const valid =
      PART.host.test(host) && PART.namespace.test(namespace) && PART.model.test(model) && PART.tag.test(tag);
    return valid ? new ModelName(host, namespace, model, tag, scheme) : undefined;
  }

  /** All four parts: "registry.ollama.ai/library/llama3:latest". */
  get full(): string {
    return `${this.host}/${this.namespace}/${this.model}:${this.tag}`;
  }

  /** As shown to people: default host and namespace left out, the tag always there. */
  get display(): string {
    const { host, namespace } = this;
    const isDefault = host.toLowerCase() === DEFAULT_HOST;
    const prefix = isDefault
      ? namespace.toLowerCase() === DEFAULT_NAMESPACE
        ? ""
        : `${namespace}/`
      : `${host}/${namespace}/`;
    return `${prefix}${this.model}:${this.tag}`;
  }

  /** Path below the manifests directory. Every part has passed the grammar, so it cannot leave it. */
  get path(): readonly [host: string, namespace: string, model: string, tag: string] {
    return [this.host, this.namespace, this.model, this.tag];
  }

  /** Names differ only by case are one model. */
  equals(other: ModelName): boolean {
    return this.full.toLowerCase() === other.full.toLowerCase();
  }
}
