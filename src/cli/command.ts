// The command table's types: one object literal per command gives parsing, types and help. Flags live in their own `const`
// (`defineFlags`), so that a command's module can name their type without importing the table that imports it.

export interface FlagSpec {
  readonly type: "bool" | "string" | "int";
  readonly summary: string;
  /** One ASCII letter, usable as `-f`. */
  readonly short?: string;
  /** The value of `--flag` alone. Where it is set, another value can only follow an equals sign (pflag: NoOptDefVal). */
  readonly bareValue?: string;
  readonly hidden?: boolean;
}

export type Flags = Readonly<Record<string, FlagSpec>>;

interface ValueOf {
  bool: boolean;
  string: string;
  int: number;
}

/** A flag that was not given has its type's zero value; `Invocation.given` tells the difference. */
export type FlagValues<F extends Flags> = { readonly [K in keyof F]: ValueOf[F[K]["type"]] };

export interface Invocation<F extends Flags = Flags> {
  readonly args: readonly string[];
  readonly flags: FlagValues<F>;
  readonly given: ReadonlySet<keyof F>;
  /** How many of `args` stood before `--`; undefined without one. */
  readonly argsBeforeDash: number | undefined;
}

export interface CommandModule<F extends Flags = Flags, Context = unknown> {
  run(input: Invocation<F>, context: Context): Promise<void>;
}

export type ArgRule = "any" | { readonly exactly: number } | { readonly atLeast: number };

export interface EnvironmentVariable {
  readonly name: string;
  readonly summary: string;
}

export interface CommandSpec<F extends Flags = Flags, Context = unknown> {
  readonly name: string;
  readonly summary: string;
  /** Positional arguments as the usage line shows them: "MODEL [PROMPT]". */
  readonly usage?: string;
  readonly args: ArgRule;
  readonly flags: F;
  readonly aliases?: readonly string[];
  readonly hidden?: boolean;
  /** What shells offer for its words: installed models, or these. */
  readonly completes?: "models" | readonly string[];
  /** Boolean flags of which at most one may be on. */
  readonly exclusive?: readonly (keyof F & string)[];
  readonly environment?: readonly EnvironmentVariable[];
  load(): Promise<CommandModule<F, Context>>;
}

export type Command<Context = unknown> = CommandSpec<Flags, Context>;

export interface CommandTable<Context = unknown> {
  /** What runs when no command is named; its name is the program's. */
  readonly root: Command<Context>;
  readonly commands: readonly Command<Context>[];
}

export function defineFlags<const F extends Flags>(flags: F): F {
  return flags;
}

/** Checks the spec against its own flags, then forgets them: the parser fills in exactly the flags a spec declares. */
export function defineCommand<const F extends Flags, Context>(spec: CommandSpec<F, Context>): Command<Context> {
  return spec as unknown as Command<Context>;
}
