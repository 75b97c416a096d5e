// What is known of a program that can be pointed at this server: the files it reads, and how it is started.

export interface LaunchModel {
  readonly name: string;
  readonly capabilities: readonly string[];
  /** What it was trained for; undefined where unknown. */
  readonly contextLength: number | undefined;
}

export interface LaunchFacts {
  readonly model: LaunchModel;
  /** The server's address without a slash at its end. */
  readonly baseUrl: string;
  /** The user's home folder. */
  readonly home: string;
}

export type Json = Record<string, unknown>;

export type ConfigEdit =
  /** A JSON file that belongs to the user: what the edit does not name stays as it is. */
  | { readonly kind: "json"; readonly path: string; readonly edit: (settings: Json) => void }
  /** A file that only launches write. */
  | { readonly kind: "whole"; readonly path: string; readonly content: string };

export interface Integration {
  readonly name: string;
  readonly title: string;
  readonly aliases?: readonly string[];
  readonly program: string;
  /** Where the program may be, below the home folder, if it is not on the path. */
  readonly places?: readonly string[];
  /** How to get it: a command or an address. */
  readonly install: string;
  readonly minimumVersion?: string;
  files(facts: LaunchFacts): readonly ConfigEdit[];
  /** Words before those of the user. */
  args(facts: LaunchFacts): readonly string[];
  env(facts: LaunchFacts): Readonly<Record<string, string>>;
  /** Options that the launch itself sets; the user's words must not repeat them. */
  readonly reserved?: RegExp;
}

/** The object at `key`, made if there is none. Anything else that stands there makes way, as in Ollama. */
export function section(settings: Json, key: string): Json {
  const value = settings[key];
  if (isSection(value)) return value;
  const made: Json = {};
  settings[key] = made;
  return made;
}

export function isSection(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function listAt(settings: Json, key: string): readonly unknown[] {
  const value = settings[key];
  return Array.isArray(value) ? value : [];
}
