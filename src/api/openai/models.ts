// GET /v1/models and /v1/models/:model.

import { type Static, Type as t } from "@sinclair/typebox";

export const OpenAIModel = t.Object(
  { id: t.String(), object: t.Literal("model"), created: t.Integer(), owned_by: t.String() },
  { title: "OpenAIModel" },
);
export type OpenAIModel = Static<typeof OpenAIModel>;

export const OpenAIModelList = t.Object(
  { object: t.Literal("list"), data: t.Array(OpenAIModel) },
  { title: "OpenAIModelList" },
);
export type OpenAIModelList = Static<typeof OpenAIModelList>;
