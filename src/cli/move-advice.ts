// What to set so that the server finds models that were moved.

export function moveAdvice(directory: string, platform: string, hasUnit: boolean): string {
  const setting = `OLLAMA_MODELS=${directory}`;
  const quoted = `OLLAMA_MODELS="${directory}"`;
  if (hasUnit) {
    return [
      "tell the service where they are now, and start it again:",
      "  systemctl edit ollama     and write there:",
      "      [Service]",
      `      Environment="${setting}"`,
      "  systemctl restart ollama",
      "",
    ].join("\n");
  }
  if (platform === "darwin")
    return `set ${setting} before the server starts: launchctl setenv OLLAMA_MODELS "${directory}"\n`;
  if (platform === "win32") return `set ${setting} before the server starts: setx OLLAMA_MODELS "${directory}"\n`;
  return `set ${setting} before the server starts, for example by this line in ~/.profile: export ${quoted}\n`;
}
