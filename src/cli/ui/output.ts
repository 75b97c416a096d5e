// The process's own output: all of it is written before the process ends, and a reader that goes away (`| head`) ends the
// program without a complaint, as it does any other.

/** What a shell reports for a program that wrote into a closed pipe: 128 + SIGPIPE. */
const BROKEN_PIPE = 141;

export function guardOutput(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: Error & { code?: string }) => {
      if (error.code === "EPIPE") process.exit(BROKEN_PIPE);
    });
  }
}

/** Resolves when everything written so far has left this process. */
export async function flushOutput(): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) {
    await new Promise<void>((resolve) => {
      stream.write("", () => resolve());
    });
  }
}
