// A blob at one endpoint as a source of bytes. Registries redirect to storage elsewhere: that address is asked directly,
// without credentials, until it stops answering.

import type { Digest } from "../base/digest.ts";
import { AppError } from "../base/errors.ts";
import { type RegistryClient, refusal } from "./client.ts";
import type { RemoteHttp, RemoteResponse } from "./remote-http.ts";
import type { Source } from "./transfer.ts";

export function registrySource(client: RegistryClient, digest: Digest): Source {
  const { http, endpoint } = client.options;
  const blobUrl = client.blobUrl(digest);
  let direct: URL | undefined;
  return {
    label: endpoint.origin.host,
    async fetch(range, signal) {
      const headers = rangeHeader(range);
      if (direct !== undefined) {
        const answer = await http.request({ method: "GET", url: direct, headers, trusted: endpoint.trusted, signal });
        if (answer.response.status === 200 || answer.response.status === 206) return answer;
        answer.close();
        direct = undefined;
      }
      const answer = await client.send({ method: "GET", url: blobUrl, headers }, signal, 1);
      if (!http.options.sameOrigin(answer.url, blobUrl)) direct = answer.url;
      return content(answer);
    },
  };
}

/** A plain file on a web server. `authorization` is for that server alone. */
export function urlSource(
  http: RemoteHttp,
  url: URL,
  trusted: ReadonlySet<string>,
  authorization: string | undefined,
): Source {
  return {
    label: url.host,
    async fetch(range, signal) {
      return content(
        await http.request({ method: "GET", url, headers: rangeHeader(range), authorization, trusted, signal }),
      );
    },
  };
}

function rangeHeader(range: string | undefined): Readonly<Record<string, string>> {
  return range === undefined ? {} : { range };
}

async function content(answer: RemoteResponse): Promise<RemoteResponse> {
  const { status, headers } = answer.response;
  if (status >= 400) throw await refusal(answer);
  const encoding = headers.get("content-encoding") ?? "identity";
  if ((status === 200 || status === 206) && encoding === "identity") return answer;
  answer.close();
  throw new AppError(
    "internal",
    status < 300 ? `unexpected encoding ${JSON.stringify(encoding)}` : `unexpected status code ${status}`,
  );
}
