// The child's side of the job tests: the payload says how the job behaves.

import { AppError } from "../../src/base/errors.ts";
import { serveJob } from "../../src/runner/job.ts";

export type Behaviour =
  | { readonly kind: "count"; readonly to: number }
  | { readonly kind: "refuse" }
  | { readonly kind: "crash" }
  | { readonly kind: "grumble" }
  | { readonly kind: "block" }
  | { readonly kind: "spin" };

if (import.meta.main) {
  const work = (behaviour: Behaviour, report: (progress: number) => void): number => {
    switch (behaviour.kind) {
      case "count":
        for (let i = 1; i <= behaviour.to; i++) report(i);
        return behaviour.to * 10;
      case "refuse":
        throw new AppError("unsupported", "not this one");
      case "crash":
        console.error("GGML_ASSERT failed: the cause");
        return process.exit(7);
      case "grumble":
        for (let i = 1; i <= 3; i++) console.error(`[ ${i}/ 3] tensor`);
        return 3;
      case "block":
        report(process.pid);
        // Deaf to every message, as native code is.
        for (;;) Bun.sleepSync(1000);
      case "spin":
        report(process.pid);
        for (;;);
      default:
        return behaviour satisfies never;
    }
  };
  await serveJob({ work });
}
