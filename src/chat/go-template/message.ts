// The conversation a template renders. Unlike the wire form, names are ours and images are bytes already.

export interface ToolCall {
  readonly id?: string;
  readonly function: {
    readonly index?: number;
    readonly name: string;
    /** Decoded JSON. */
    readonly arguments?: Readonly<Record<string, unknown>>;
  };
}

export interface Message {
  readonly role: string;
  readonly content: string;
  readonly thinking?: string;
  readonly images?: readonly Uint8Array[];
  readonly toolCalls?: readonly ToolCall[];
  readonly toolName?: string;
  readonly toolCallId?: string;
}

/** One JSON Schema property; keys Ollama does not know are dropped, as its decoder drops them. */
export interface ToolProperty {
  readonly anyOf?: readonly ToolProperty[];
  readonly type?: string | readonly string[] | null;
  readonly items?: unknown;
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, ToolProperty>>;
  readonly required?: readonly string[];
}

/** A tool as /api/chat receives it. */
export interface Tool {
  readonly type?: string;
  readonly items?: unknown;
  readonly function: {
    readonly name: string;
    readonly description?: string;
    readonly parameters?: {
      readonly type?: string;
      readonly $defs?: unknown;
      readonly items?: unknown;
      readonly required?: readonly string[];
      readonly properties?: Readonly<Record<string, ToolProperty>>;
    };
  };
}

export interface Think {
  /** Whether the request said anything about thinking. */
  readonly set: boolean;
  readonly on: boolean;
  /** "high", "medium" or "low" where the request named one. */
  readonly level?: string;
}
