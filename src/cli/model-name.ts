// The grammar of model names (Ollama: types/model/name.go), as far as the command line must know it before it asks a server:
//   [scheme "://"] [host "/"] [namespace "/"] model [":" tag]

const PARTS = {
  host: /^[A-Za-z0-9_][A-Za-z0-9_\-.:]{0,349}$/,
  namespace: /^[A-Za-z0-9_][A-Za-z0-9_-]{0,79}$/,
  model: /^[A-Za-z0-9_][A-Za-z0-9_\-.]{0,79}$/,
} as const;

export interface NameParts {
  readonly host: string;
  readonly namespace: string;
  readonly model: string;
  readonly tag: string;
}

/** undefined for what is no model name. Parts left out have their defaults. */
export function parseModelName(text: string): NameParts | undefined {
  const [, place, namespace = "library", last = text] = /^(?:(.*)\/)?([^/]*)\/([^/]*)$/s.exec(text) ?? [];
  const host = place?.replace(/^.*?:\/\//s, "") ?? "registry.ollama.ai";
  const [, model = last, tag = "latest"] = /^(.*):(.*)$/s.exec(last) ?? [];
  const fits =
    PARTS.host.test(host) && PARTS.namespace.test(namespace) && PARTS.model.test(model) && PARTS.model.test(tag);
  return fits ? { host, namespace, model, tag } : undefined;
}

/** Without the parts that are the defaults anyway; the tag is always there. */
export function shortName({ host, namespace, model, tag }: NameParts): string {
  const isDefaultHost = host.toLowerCase() === "registry.ollama.ai";
  const isDefault = isDefaultHost && namespace.toLowerCase() === "library";
  return `${isDefaultHost ? "" : `${host}/`}${isDefault ? "" : `${namespace}/`}${model}:${tag}`;
}
