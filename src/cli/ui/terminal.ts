// What a terminal can do, and the guard that lends its raw mode and always gives it back. The environment comes in as facts:
// only the settings table reads it.

export interface TerminalFacts {
  /** NO_COLOR is set and not empty. */
  readonly noColor: boolean;
  /** TERM; "dumb" and the empty word mean that only plain lines may be written. On Windows it is usually unset. */
  readonly term: string | undefined;
}

export interface Screen {
  /** Somebody looks at it, as opposed to a pipe or a file. */
  readonly isTerminal: boolean;
  /** Cursor movement is understood. */
  readonly canRedraw: boolean;
  readonly hasColor: boolean;
  /** 80 where unknown. */
  readonly columns: number;
  /** 24 where unknown. */
  readonly rows: number;
  write(text: string): void;
}

/** The part of a tty.WriteStream that counts here. */
export interface WriteStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

export function screenOf(stream: WriteStream, facts: TerminalFacts): Screen {
  const isTerminal = stream.isTTY === true;
  const canRedraw = isTerminal && facts.term !== "dumb" && facts.term !== "";
  return {
    isTerminal,
    canRedraw,
    hasColor: canRedraw && !facts.noColor,
    // Read each time: the window may be resized. Pseudo-terminals without a size report zero.
    get columns() {
      return stream.columns === undefined || stream.columns <= 0 ? 80 : stream.columns;
    },
    get rows() {
      return stream.rows === undefined || stream.rows <= 0 ? 24 : stream.rows;
    },
    write: (text) => void stream.write(text),
  };
}

/** The part of a tty.ReadStream that counts here. */
export interface ReadStream {
  readonly isTTY?: boolean;
  readonly isRaw?: boolean;
  setRawMode?(raw: boolean): unknown;
}

const FATAL_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Raw mode until disposed, until the process ends, or until a signal ends it: a shell must never inherit a raw terminal.
 * `onSuddenEnd` is called in the latter two cases, to undo what else was set.
 */
export function rawMode(input: ReadStream, onSuddenEnd: () => void = () => {}): Disposable {
  const setRawMode = input.setRawMode?.bind(input);
  if (input.isTTY !== true || input.isRaw === true || setRawMode === undefined) return { [Symbol.dispose]: () => {} };
  const restore = (): void => {
    process.off("exit", endSuddenly);
    for (const [signal, handler] of handlers) process.off(signal, handler);
    setRawMode(false);
  };
  const endSuddenly = (): void => {
    restore();
    onSuddenEnd();
  };
  const handlers = FATAL_SIGNALS.map((signal) => {
    const handler = (): void => {
      // Whoever else listens decides whether the process ends; if so, it ends with "exit".
      if (process.listenerCount(signal) > 1) return;
      endSuddenly();
      process.kill(process.pid, signal);
    };
    return [signal, handler] as const;
  });
  process.on("exit", endSuddenly);
  for (const [signal, handler] of handlers) process.on(signal, handler);
  setRawMode(true);
  let isRestored = false;
  return {
    [Symbol.dispose]: () => {
      if (!isRestored) restore();
      isRestored = true;
    },
  };
}
