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

/** Ends standard output and resolves when everything written to it has left this process. */
export async function finishOutput(): Promise<void> {
  await new Promise<void>((resolve) => {
    // Waiting for the end is the only way: the callback of an empty write comes at once.
    process.stdout.end(() => resolve());
  });
}
