// The settings table: one row per environment variable gives parsing, default, help text and docs. The environment is
// read once, in main, by `readConfig`; everything else is handed the frozen result.

import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { readFileSync } from "node:fs";
import { parseBytes } from "./base/bytes.ts";
import { AppError } from "./base/errors.ts";
import { parseHost, type HostAddress } from "./base/host.ts";
import {
  boolean,
  consent,
  debugLevel,
  integerSetting,
  lifetime,
  type Setting,
  setting,
  settingWarnings,
  text,
  timeout,
  waiting,
} from "./base/setting-values.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** Bytes per second: "20MB", "2 MiB/s", "1000000"; 0 is no limit. */
function bytesPerSecond(value: string): number {
  try {
    return parseBytes(value.replace(/\s*\/\s*s$|ps$/i, ""));
  } catch {
    settingWarnings.push(`invalid OLLAMA_DOWNLOAD_LIMIT=${value}, downloads are not limited`);
    return 0;
  }
}

const KV_TYPES = ["f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl"] as const;
export type KvType = (typeof KV_TYPES)[number];

function kvType(value: string): KvType {
  const found = KV_TYPES.find((type) => type === value.toLowerCase());
  if (found === undefined)
    settingWarnings.push(`OLLAMA_KV_CACHE_TYPE=${value} is not one of ${KV_TYPES.join(", ")}, using f16`);
  return found ?? "f16";
}

function hostAddress(value: string): HostAddress {
  return parseHost(value, (port, used) =>
    settingWarnings.push(`invalid port "${port}" in OLLAMA_HOST=${value}, using ${used}`),
  );
}

const DEFAULT_KEEP_ALIVE_MS = 5 * 60_000;
const DEFAULT_LOAD_TIMEOUT_MS = 5 * 60_000;
const DEFAULT_STALL_TIMEOUT_MS = 30_000;
const DEFAULT_DRAIN_MS = 60_000;

export const settings = {
  debug: setting("OLLAMA_DEBUG", debugLevel, 0, "Show additional debug information (e.g. OLLAMA_DEBUG=1)"),
  host: setting<HostAddress>(
    "OLLAMA_HOST",
    hostAddress,
    parseHost(""),
    "IP Address for the ollama server (default 127.0.0.1:11434)",
  ),
  contextLength: integerSetting(
    "OLLAMA_CONTEXT_LENGTH",
    0,
    "Context length to use unless otherwise specified (default: what the model was trained for, as memory allows)",
  ),
  keepAliveMs: setting(
    "OLLAMA_KEEP_ALIVE",
    lifetime(DEFAULT_KEEP_ALIVE_MS),
    DEFAULT_KEEP_ALIVE_MS,
    'The duration that models stay loaded in memory (default "5m")',
  ),
  maxLoadedModels: integerSetting(
    "OLLAMA_MAX_LOADED_MODELS",
    0,
    "Maximum number of loaded models (default: 3 per GPU, at least 3)",
  ),
  maxQueue: integerSetting("OLLAMA_MAX_QUEUE", 512, "Maximum number of queued requests"),
  models: setting("OLLAMA_MODELS", text, "", "The path to the models directory"),
  numParallel: integerSetting(
    "OLLAMA_NUM_PARALLEL",
    0,
    "Maximum number of parallel requests per model (default: as many as memory allows)",
  ),
  noPrune: setting("OLLAMA_NOPRUNE", boolean, false, "Do not prune model blobs on startup"),
  origins: setting("OLLAMA_ORIGINS", text, "", "A comma separated list of allowed origins"),
  loadTimeoutMs: setting(
    "OLLAMA_LOAD_TIMEOUT",
    timeout(DEFAULT_LOAD_TIMEOUT_MS),
    DEFAULT_LOAD_TIMEOUT_MS,
    'How long to allow model loads to stall before giving up (default "5m")',
  ),
  stallTimeoutMs: setting(
    "OLLAMA_STALL_TIMEOUT",
    timeout(DEFAULT_STALL_TIMEOUT_MS),
    DEFAULT_STALL_TIMEOUT_MS,
    'How long a runner with work may neither answer nor compute before it is ended (default "30s")',
  ),
  flashAttention: setting<"auto" | "on" | "off">(
    "OLLAMA_FLASH_ATTENTION",
    (value) => (boolean(value) ? "on" : "off"),
    "auto",
    "Enabled flash attention (default: where it helps)",
  ),
  kvCacheType: setting<KvType>(
    "OLLAMA_KV_CACHE_TYPE",
    kvType,
    "f16",
    "Quantization type for the K/V cache (default: f16)",
  ),
  gpuOverheadBytes: integerSetting("OLLAMA_GPU_OVERHEAD", 0, "Reserve a portion of VRAM per GPU (bytes)"),
  schedSpread: setting("OLLAMA_SCHED_SPREAD", boolean, false, "Always schedule model across all GPUs"),
  llmLibrary: setting("OLLAMA_LLM_LIBRARY", text, "", "Set LLM library to bypass autodetection"),
  goTemplate: setting<boolean | undefined>(
    "OLLAMA_GO_TEMPLATE",
    boolean,
    undefined,
    "Prefer (true) or avoid (false) Go templates over a model's own Jinja template",
  ),
  noHistory: setting("OLLAMA_NOHISTORY", boolean, false, "Do not preserve readline history"),
  editor: setting("OLLAMA_EDITOR", text, "", "Path to editor for interactive prompt editing (Ctrl+G)"),
  prefixCacheMiB: integerSetting(
    "OLLAMA_PREFIX_CACHE_MB",
    1024,
    "Memory for the states of conversations that lost their slot, in MiB; 0 switches it off (default 1024)",
  ),
  stateCacheMiB: integerSetting(
    "OLLAMA_STATE_CACHE_MB",
    4096,
    "Disk space for conversation states that survive unloading, in MiB; 0 switches it off (default 4096)",
  ),
  numThreads: integerSetting(
    "OLLAMA_NUM_THREADS",
    0,
    "Compute threads (default: what the processors really available allow)",
  ),
  runnerCage: setting(
    "OLLAMA_RUNNER_CAGE",
    boolean,
    true,
    "Confine the processes that read a model: no network, no other programs, no other files (default true)",
  ),
  registryMirrors: setting(
    "OLLAMA_REGISTRY_MIRRORS",
    text,
    "",
    "Mirrors to download from before a registry, e.g. registry.ollama.ai=https://a.example,https://b.example;hf.co=https://c.example",
  ),
  registryAllow: setting(
    "OLLAMA_REGISTRY_ALLOW",
    text,
    "",
    "A comma separated list of hosts, addresses and ranges that pulls may reach though they are private",
  ),
  downloadLimit: setting(
    "OLLAMA_DOWNLOAD_LIMIT",
    bytesPerSecond,
    0,
    "Most bytes per second that pulls may use (e.g. 20MB)",
  ),
  remotes: setting(
    "OLLAMA_REMOTES",
    text,
    "",
    "A comma separated list of hosts that may serve models besides those of `ollama remote allow`",
  ),
  remoteKeys: setting(
    "OLLAMA_REMOTE_KEYS",
    text,
    "",
    "The private file of allowed remote hosts and their keys (default ~/.ollama/remotes.json)",
  ),
  remoteConnectMs: setting(
    "OLLAMA_REMOTE_CONNECT_TIMEOUT",
    timeout(10_000),
    10_000,
    'How long a remote engine may take to answer whether it is there (default "10s")',
  ),
  remoteFirstMs: setting(
    "OLLAMA_REMOTE_FIRST_TIMEOUT",
    timeout(5 * 60_000),
    5 * 60_000,
    'How long a remote engine may take to its first token (default "5m")',
  ),
  remoteGapMs: setting(
    "OLLAMA_REMOTE_GAP_TIMEOUT",
    timeout(2 * 60_000),
    2 * 60_000,
    'How long a remote engine may be silent between two tokens (default "2m")',
  ),
  downloadUrl: setting(
    "OLLAMA_DOWNLOAD_URL",
    text,
    "",
    "Where `ollama upgrade` and the install scripts find releases (http, https or file; default: this program's publisher)",
  ),
  apiKey: setting("OLLAMA_API_KEY", text, "", "API key that the commands send to the server"),
  keylessLoopback: setting(
    "OLLAMA_KEYLESS_LOOPBACK",
    consent("OLLAMA_KEYLESS_LOOPBACK"),
    false,
    "Let programs on this machine work without an API key even where keys exist (default false)",
  ),
  remoteManagement: setting(
    "OLLAMA_REMOTE_MANAGEMENT",
    consent("OLLAMA_REMOTE_MANAGEMENT"),
    false,
    "Let other machines pull, create and delete models where no API keys exist (default false)",
  ),
  shutdownTimeoutMs: setting(
    "OLLAMA_SHUTDOWN_TIMEOUT",
    waiting(DEFAULT_DRAIN_MS),
    DEFAULT_DRAIN_MS,
    'How long running answers may take to finish when the server is told to stop (default "1m")',
  ),
  logRequests: setting(
    "OLLAMA_DEBUG_LOG_REQUESTS",
    consent("OLLAMA_DEBUG_LOG_REQUESTS"),
    false,
    "Write what requests say, prompts included, to the log (default false)",
  ),
  hfEndpoint: setting("HF_ENDPOINT", text, "", "Address that stands in for Hugging Face"),
  hfToken: setting("HF_TOKEN", text, "", "Token for Hugging Face, which nobody else is sent"),
  hfHome: setting("HF_HOME", text, "", "Folder of Hugging Face's tools, in which their cache is looked for"),
  hfHubCache: setting("HF_HUB_CACHE", text, "", "Hugging Face's cache, where it is not in HF_HOME"),
  shareRegistry: setting(
    "OLLAMA_SHARE_REGISTRY",
    boolean,
    false,
    "Let others pull this server's models from it: ollama pull HOST:11434/library/NAME --insecure",
  ),
} as const satisfies Record<string, Setting<unknown>>;

type Values = { readonly [K in keyof typeof settings]: (typeof settings)[K] extends Setting<infer T> ? T : never };

export interface Config extends Values {
  /** `~/.ollama`: keys, history, settings. */
  readonly homeDir: string;
  /** The models directory, absolute. */
  readonly modelsDir: string;
  /** The private file of allowed remote hosts, absolute. */
  readonly remotesFile: string;
  /** An environment variable by its name: where that file says that a key is in the environment. */
  readonly variable: (name: string) => string | undefined;
  /** Where the unpacked libraries and other things that can be made again live. */
  readonly cacheDir: string;
  /** Set by whom: shown in errors about the host. */
  readonly warnings: readonly string[];
  /** NO_COLOR is set and not empty. */
  readonly noColor: boolean;
  /** TERM, as it stands. */
  readonly term: string | undefined;
  /** OLLAMA_EDITOR, else VISUAL, else EDITOR, else "": a command with its arguments. */
  readonly editorCommand: string;
  /** Where other programs keep models: Hugging Face's hub cache, and the home in which LM Studio's folders are. */
  readonly caches: { readonly huggingFace: string; readonly home: string };
  /** HTTP_PROXY, HTTPS_PROXY and NO_PROXY, in either case. */
  readonly proxies: { readonly http: string; readonly https: string; readonly no: string };
  /** Content of SSL_CERT_FILE: the certificate authorities to trust instead of the built-in ones, as in Go programs. */
  readonly certificateAuthorities: string | undefined;
}

/** Reads the environment. Values are trimmed of spaces and quotes, as Ollama does; an unusable one warns, never throws. */
export function readConfig(env: Env): Config {
  settingWarnings.length = 0;
  const values: Record<string, unknown> = {};
  for (const [name, row] of Object.entries(settings) as [string, Setting<unknown>][]) {
    const raw = clean(env[row.env]);
    values[name] = raw === "" ? row.fallback : row.parse(raw);
  }
  const home = env["HOME"] ?? env["USERPROFILE"] ?? homedir();
  const homeDir = join(home === "" ? "/" : home, ".ollama");
  const models = clean(env["OLLAMA_MODELS"]);
  const remotesFile = clean(env["OLLAMA_REMOTE_KEYS"]);
  const cacheHome = clean(env["XDG_CACHE_HOME"]);
  const caches = isAbsolute(cacheHome) ? cacheHome : join(home === "" ? "/" : home, ".cache");
  const hfHome = clean(env["HF_HOME"]);
  const hub = clean(env["HF_HUB_CACHE"]);
  return Object.freeze({
    ...(values as unknown as Values),
    homeDir,
    modelsDir: models === "" ? join(homeDir, "models") : resolve(models),
    remotesFile: remotesFile === "" ? join(homeDir, "remotes.json") : resolve(remotesFile),
    variable: (name: string) => env[name],
    cacheDir: join(caches, "ollama"),
    caches: {
      huggingFace: hub === "" ? resolve(hfHome === "" ? join(caches, "huggingface") : hfHome, "hub") : resolve(hub),
      home: home === "" ? "/" : home,
    },
    proxies: {
      http: clean(env["HTTP_PROXY"] ?? env["http_proxy"]),
      https: clean(env["HTTPS_PROXY"] ?? env["https_proxy"]),
      no: clean(env["NO_PROXY"] ?? env["no_proxy"]),
    },
    certificateAuthorities: readAuthorities(clean(env["SSL_CERT_FILE"])),
    warnings: [...settingWarnings],
    noColor: (env["NO_COLOR"] ?? "") !== "",
    term: env["TERM"],
    editorCommand:
      [env["OLLAMA_EDITOR"], env["VISUAL"], env["EDITOR"]].map(clean).find((command) => command !== "") ?? "",
  });
}

function readAuthorities(path: string): string | undefined {
  if (path === "") return undefined;
  try {
    return readFileSync(path, "utf8");
  } catch {
    settingWarnings.push(`SSL_CERT_FILE=${path} cannot be read, using the built-in certificate authorities`);
    return undefined;
  }
}

function clean(value: string | undefined): string {
  return (value ?? "")
    .trim()
    .replace(/^["']+|["']+$/g, "")
    .trim();
}

/** Rows for help texts and docs. */
export function describeSettings(names: readonly (keyof typeof settings)[]): { env: string; summary: string }[] {
  return names.map((name) => ({ env: settings[name].env, summary: settings[name].summary }));
}

/** A host that cannot be served or reached, said once. */
export function requireHost(host: HostAddress): HostAddress {
  if (host.hostname === "") throw new AppError("invalid", "OLLAMA_HOST names no host");
  return host;
}
