// POST /v1/audio/transcriptions: no model of this build hears. Said before the upload is read.

import { Elysia } from "elysia";
import { AppError } from "../../../base/errors.ts";

export function openAIAudioRoutes() {
  const refuse = (): never => {
    throw new AppError("unsupported", "audio is not supported: this build runs text models only");
  };
  return new Elysia().post("/v1/audio/transcriptions", refuse, {
    parse: "none",
    detail: { summary: "Refused: no model here hears", tags: ["openai"] },
  });
}
