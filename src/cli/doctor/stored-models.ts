// `ollama doctor --models`: hashes what the models directory holds, with its progress shown.

import { humanBytes } from "../../base/bytes.ts";
import type { CliContext } from "../context.ts";
import { Progress } from "../ui/progress.ts";
import type { Bar } from "../ui/progress-item.ts";
import type { Finding } from "./finding.ts";

const CHECK = "models";

export async function storedModelFindings({ stderr }: CliContext, modelsDir: string): Promise<Finding[]> {
  // The models directory is read by this command only; all others leave it to the server.
  const { ModelStore } = await import("../../models/store.ts");
  const { verifyStore } = await import("../../models/verify.ts");
  using progress = new Progress(stderr);
  const findings: Finding[] = [];
  let bar: Bar | undefined;
  for await (const event of verifyStore(new ModelStore(modelsDir))) {
    switch (event.kind) {
      case "progress":
        bar ??= progress.bar("hashing models", event.totalBytes);
        progress.set(bar, event.doneBytes);
        break;
      case "damaged":
        findings.push(damaged(event.blob));
        break;
      case "unreadable":
        findings.push(unreadable(event.model, event.reason));
        break;
      case "done": {
        const what = `${humanBytes(event.totalBytes)} in ${event.blobs} blobs of ${event.models} model${event.models === 1 ? "" : "s"}`;
        if (findings.length === 0)
          findings.push({
            check: CHECK,
            level: "ok",
            summary: event.models === 0 ? "none are stored" : `all intact: ${what}`,
          });
        break;
      }
      default:
        return event satisfies never;
    }
  }
  return findings;
}

interface Damage {
  readonly path: string;
  readonly reason: string;
  readonly isMarked: boolean;
  readonly models: readonly string[];
}

export function damaged({ path, reason, isMarked, models }: Damage): Finding {
  const pulls = models.map((model) => `'ollama pull ${model}'`).join(" and ");
  const isMissing = reason === "missing";
  // A blob that could not be noted as damaged would be kept by a pull.
  const first = isMissing || isMarked ? "Fetch it again" : `Delete that file, then fetch it again`;
  return {
    check: CHECK,
    level: "problem",
    summary: `${models.join(", ")}: ${path} is ${isMissing ? "missing" : `damaged (${reason})`}`,
    advice: `${first} with ${pulls}; a model that was made here is made again with 'ollama create'.`,
  };
}

function unreadable(model: string, reason: string): Finding {
  const summary = `${model}: its manifest cannot be read (${reason})`;
  return {
    check: CHECK,
    level: "problem",
    summary,
    advice: `Fetch it again with 'ollama pull ${model}', or remove it with 'ollama rm ${model}'.`,
  };
}
