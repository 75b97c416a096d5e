// Levelled log lines on stderr in slog's text form (key=value), as Ollama writes them.

export type LogLevel = "debug" | "info" | "warn" | "error";
const ORDER: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 };
let threshold: LogLevel = "info";

export function setLogLevel(level: LogLevel): void {
  threshold = level;
}

export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

function quote(value: string | number | boolean): string {
  const text = String(value);
  return text === "" || /[\s"=]/.test(text) ? JSON.stringify(text) : text;
}

function write(level: LogLevel, message: string, fields: LogFields): void {
  if (ORDER[level] < ORDER[threshold]) return;
  const pairs = Object.entries(fields).map(([key, value]) => (value === undefined ? "" : ` ${key}=${quote(value)}`));
  const line = `time=${new Date().toISOString()} level=${level.toUpperCase()} msg=${quote(message)}${pairs.join("")}\n`;
  process.stderr.write(line);
}

export const logDebug = (message: string, fields: LogFields = {}): void => write("debug", message, fields);
export const logInfo = (message: string, fields: LogFields = {}): void => write("info", message, fields);
export const logWarn = (message: string, fields: LogFields = {}): void => write("warn", message, fields);
export const logError = (message: string, fields: LogFields = {}): void => write("error", message, fields);
