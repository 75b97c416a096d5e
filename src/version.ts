// Constants that the build defines; a checkout run without a build gets these.

declare const BUILD_VERSION: string | undefined;
declare const BUILD_COMMIT: string | undefined;

/** This program's version. Clients and registries compare it with Ollama's, so it counts on from there (docs/decisions). */
export const VERSION = typeof BUILD_VERSION === "string" ? BUILD_VERSION : "0.50.0";
export const COMMIT = typeof BUILD_COMMIT === "string" ? BUILD_COMMIT : "dev";
