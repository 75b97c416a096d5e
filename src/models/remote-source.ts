// `create` of a model that an engine elsewhere serves: `remote_host` says where, `from` (or `remote_model`) what it is called
// there. Nothing is asked there; the name is any text, since engines name models by paths too.

import type { CreateRequest } from "../api/schema/models.ts";
import { AppError } from "../base/errors.ts";
import { isRemoteUrl, remoteUrls } from "../remotes/address.ts";
import type { ImageConfig } from "./image-config.ts";

const MAX_NAME_LENGTH = 512;

/** undefined for a model of this machine. Throws `invalid` for what cannot be asked or does not go together. */
export function remoteOf(request: CreateRequest): Pick<ImageConfig, "remote_host" | "remote_model"> | undefined {
  const {
    from = "",
    remote_host = "",
    remote_model = "",
    files,
    adapters,
    draft_files,
    quantize,
    quantization,
  } = request;
  const host = remote_host === "" && remote_model !== "" && isRemoteUrl(from) ? from : remote_host;
  if (host === "") {
    if (remote_model !== "") throw new AppError("invalid", "remote_model needs a remote_host");
    return undefined;
  }
  const name = remote_model === "" ? from : remote_model;
  // eslint-disable-next-line no-control-regex -- it is shown on terminals
  if (name === "" || name.length > MAX_NAME_LENGTH || /[\u0000-\u001f\u007f]/.test(name))
    throw new AppError(
      "invalid",
      "a remote model needs the name it has there (REMOTE_MODEL, or 'from' beside remote_host)",
    );
  const parts = [files, adapters, draft_files].some((part) => part !== undefined && Object.keys(part).length > 0);
  if (parts || (quantize ?? quantization ?? "") !== "")
    throw new AppError("invalid", "a remote model has no weights here: no files, adapters, drafts or quantization");
  return { remote_host: remoteUrls(host).join(","), remote_model: name };
}
