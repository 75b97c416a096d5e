// Constants that the build defines; a checkout run without a build gets these.

declare const BUILD_VERSION: string | undefined;
declare const BUILD_COMMIT: string | undefined;
declare const BUILD_TARGET: string | undefined;
declare const BUILD_DOWNLOAD_URL: string | undefined;
declare const BUILD_RELEASE_KEY: string | undefined;

/** This program's version. Clients and registries compare it with Ollama's, so it counts on from there (docs/decisions). */
export const VERSION = typeof BUILD_VERSION === "string" ? BUILD_VERSION : "0.50.0";
export const COMMIT = typeof BUILD_COMMIT === "string" ? BUILD_COMMIT : "dev";
/** Its row in the table of build targets; "" when it is not compiled. */
export const TARGET = typeof BUILD_TARGET === "string" ? BUILD_TARGET : "";
/** Where releases are published, and the ed25519 key that signs them (SPKI, base64); "" where nobody publishes. */
export const DOWNLOAD_URL = typeof BUILD_DOWNLOAD_URL === "string" ? BUILD_DOWNLOAD_URL : "";
export const RELEASE_KEY = typeof BUILD_RELEASE_KEY === "string" ? BUILD_RELEASE_KEY : "";
