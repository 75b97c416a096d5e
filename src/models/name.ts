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

  static tryParse(text: string): ModelName | undefined {
    const schemed = /^([a-z]+):\/\//i.exec(text);
    const scheme = schemed?.[1]?.toLowerCase() ?? "https";
    const parts = text.slice(schemed?.[0].length ?? 0).split("/");
    const last = parts.pop() ?? "";
    const colon = last.indexOf(":");
    const model = colon < 0 ? last : last.slice(0, colon);
    const tag = colon < 0 ? DEFAULT_TAG : last.slice(colon + 1);
    const namespace = parts.pop() ?? DEFAULT_NAMESPACE;
    const host = parts.pop() ?? DEFAULT_HOST;
    return parts.length === 0 ? ModelName.of(host, namespace, model, tag, scheme) : undefined;
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
