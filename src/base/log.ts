// Levelled log lines on stderr in slog's text form (key=value), as Ollama writes them.

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error";
const ORDER: Record<LogLevel, number> = { trace: 0, debug: 1, info: 2, warn: 3, error: 4 };
let threshold: LogLevel = "info";
let context: () => LogFields = () => ({});

export function setLogLevel(level: LogLevel): void {
  threshold = level;
}

/** Fields that every line gets which is written while something is being done for somebody: the request's id. */
export function setLogContext(fields: () => LogFields): void {
  context = fields;
}

export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

function quote(value: string | number | boolean): string {
  const text = String(value);
  return text === "" || /[\s"=]/.test(text) ? JSON.stringify(text) : text;
}

/** For what is costly to put together. */
export function isLogged(level: LogLevel): boolean {
  return ORDER[level] >= ORDER[threshold];
}

function write(level: LogLevel, message: string, fields: LogFields): void {
  if (!isLogged(level)) return;
  const pairs = Object.entries({ ...context(), ...fields }).map(([key, value]) =>
    value === undefined ? "" : ` ${key}=${quote(value)}`,
  );
  const line = `time=${new Date().toISOString()} level=${level.toUpperCase()} msg=${quote(message)}${pairs.join("")}\n`;
  process.stderr.write(line);
}

export const logTrace = (message: string, fields: LogFields = {}): void => write("trace", message, fields);
export const logDebug = (message: string, fields: LogFields = {}): void => write("debug", message, fields);
export const logInfo = (message: string, fields: LogFields = {}): void => write("info", message, fields);
export const logWarn = (message: string, fields: LogFields = {}): void => write("warn", message, fields);
export const logError = (message: string, fields: LogFields = {}): void => write("error", message, fields);
