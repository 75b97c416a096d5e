// Writes calls as an envelope describes them: what a grammar built from the envelope lets a model write.

import type { MessageToolCall } from "../../../src/chat/message.ts";
import type { ToolEnvelope } from "../../../src/chat/output-family.ts";

export function envelopeText(envelope: ToolEnvelope, calls: readonly MessageToolCall[]): string {
  return envelope.begin + calls.map((call) => callText(envelope, call)).join(envelope.between ?? "") + envelope.end;
}

function callText(envelope: ToolEnvelope, call: MessageToolCall): string {
  const name = envelope.name === "json" ? JSON.stringify(call.name).slice(1, -1) : call.name;
  const again = envelope.nameAgain === undefined ? "" : name + envelope.nameAgain;
  return (
    envelope.beforeName + name + envelope.afterName + again + argumentsText(envelope, call) + envelope.afterArguments
  );
}

function argumentsText({ arguments: form }: ToolEnvelope, call: MessageToolCall): string {
  const entries = Object.entries(call.arguments);
  switch (form.as) {
    case "json":
      return JSON.stringify(call.arguments);
    case "elements":
      return entries
        .map(([key, value]) => {
          const text = typeof value === "string" ? value : JSON.stringify(value);
          return form.beforeName + key + form.afterName + text + form.afterValue;
        })
        .join("");
    case "keywords":
      return entries
        .map(([key, value]) => {
          const raw = typeof value === "string" && form.quotes !== "json";
          const text = raw ? form.quotes[0] + value + form.quotes[1] : JSON.stringify(value);
          return key + form.assign + text;
        })
        .join(form.separator);
    default:
      return form satisfies never;
  }
}
