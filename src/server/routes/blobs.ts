// HEAD and POST /api/blobs/:digest: how weights reach `create` (spec 2.61). Bodies stream to disk, hashed on the way.

import { Elysia } from "elysia";
import { parseDigest } from "../../base/digest.ts";
import { AppError } from "../../base/errors.ts";
import { goQuote } from "../../base/go-text.ts";
import type { Services } from "../services.ts";
import { endOf } from "../request-context.ts";

export function blobRoutes({ store }: Services) {
  return new Elysia()
    .head(
      "/api/blobs/:digest",
      async ({ params }) => {
        const digest = parseDigest(params.digest);
        if (!(await store.blobs.has(digest)))
          throw new AppError("not-found", `blob ${goQuote(params.digest)} not found`);
        return new Response(null);
      },
      { detail: { summary: "Is a blob here?", tags: ["blobs"] } },
    )
    .post(
      "/api/blobs/:digest",
      async ({ params, request }) => {
        const created = await store.blobs.receive(parseDigest(params.digest), request.body ?? [], endOf(request));
        return new Response(null, { status: created ? 201 : 200 });
      },
      { parse: "none", detail: { summary: "Upload a blob", tags: ["blobs"] } },
    );
}
