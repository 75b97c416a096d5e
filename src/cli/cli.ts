export async function runCommandLine(argv: readonly string[]): Promise<number> {
  const { readConfig } = await import("../config.ts");
  if (argv[0] === "serve") {
    const { serve } = await import("../server/serve.ts");
    await serve(readConfig(process.env));
  }
  return 0;
}
