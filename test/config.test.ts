// The environment as Ollama reads it (envconfig): defaults, forms, and values that cannot be used.

import { describe, expect, test } from "bun:test";
import { homedir } from "node:os";
import { describeSettings, readConfig, settings } from "../src/config.ts";

const minute = 60_000;

test("an empty environment gives the defaults", () => {
  const config = readConfig({ HOME: "/home/u" });
  expect(config).toMatchObject({
    keepAliveMs: 5 * minute,
    loadTimeoutMs: 5 * minute,
    maxQueue: 512,
    maxLoadedModels: 0,
    numParallel: 0,
    contextLength: 0,
    kvCacheType: "f16",
    flashAttention: "auto",
    noPrune: false,
    debug: 0,
    homeDir: "/home/u/.ollama",
    modelsDir: "/home/u/.ollama/models",
    cacheDir: "/home/u/.cache/ollama",
    warnings: [],
    editorCommand: "",
  });
  expect(config.host).toEqual({ scheme: "http", hostname: "127.0.0.1", port: 11434, path: "" });
  expect(config.goTemplate).toBeUndefined();
  expect(Object.isFrozen(config)).toBe(true);
});

describe("OLLAMA_KEEP_ALIVE", () => {
  test.each([
    ["5m", 5 * minute],
    ["1h30m", 90 * minute],
    ["300", 300_000],
    ["0", 0],
    ["0s", 0],
    ["-1", Infinity],
    ["-1m", Infinity],
    ["1.5s", 1500],
    ['"10m"', 10 * minute],
    [" 10m ", 10 * minute],
    ["soon", 5 * minute],
  ])("%p is %p milliseconds", (value, ms) => {
    expect(readConfig({ OLLAMA_KEEP_ALIVE: value }).keepAliveMs).toBe(ms);
  });
});

test.each([
  ["0", Infinity],
  ["-5m", Infinity],
  ["10s", 10_000],
  ["90", 90_000],
  ["x", 5 * minute],
])("OLLAMA_LOAD_TIMEOUT %p is %p milliseconds", (value, ms) => {
  expect(readConfig({ OLLAMA_LOAD_TIMEOUT: value }).loadTimeoutMs).toBe(ms);
});

describe("whole numbers", () => {
  test.each(["7", "'7'", '"7"', " 7 "])("%p is 7", (value) => {
    expect(readConfig({ OLLAMA_MAX_QUEUE: value }).maxQueue).toBe(7);
  });
  test.each(["-1", "1.5", "0x10", "1e3", "many", "99999999999999999999"])("%p warns and gives the default", (value) => {
    const config = readConfig({ OLLAMA_MAX_QUEUE: value });
    expect(config.maxQueue).toBe(512);
    expect(config.warnings).toEqual([`invalid OLLAMA_MAX_QUEUE=${value}, using default 512`]);
  });
  test("an earlier warning does not stay", () => {
    readConfig({ OLLAMA_MAX_QUEUE: "x" });
    expect(readConfig({}).warnings).toEqual([]);
  });
});

describe("switches", () => {
  test.each(["1", "t", "T", "true", "TRUE", "yes", "anything"])("%p is on", (value) => {
    expect(readConfig({ OLLAMA_NOPRUNE: value }).noPrune).toBe(true);
  });
  test.each(["0", "f", "F", "false", "FALSE", "False", ""])("%p is off", (value) => {
    expect(readConfig({ OLLAMA_NOPRUNE: value }).noPrune).toBe(false);
  });
  test("flash attention and Go templates have a third state: not set", () => {
    const of = (value: string) => readConfig({ OLLAMA_FLASH_ATTENTION: value, OLLAMA_GO_TEMPLATE: value });
    expect([of("1").flashAttention, of("0").flashAttention, of("").flashAttention]).toEqual(["on", "off", "auto"]);
    expect([of("1").goTemplate, of("0").goTemplate, of("").goTemplate]).toEqual([true, false, undefined]);
  });
  test.each([
    ["1", 1],
    ["true", 1],
    ["2", 2],
    ["0", 0],
    ["false", 0],
  ])("OLLAMA_DEBUG %p is level %i", (value, level) => {
    expect(readConfig({ OLLAMA_DEBUG: value }).debug).toBe(level);
  });
});

test("an unknown cache type warns and stays at f16; letter case does not matter", () => {
  expect(readConfig({ OLLAMA_KV_CACHE_TYPE: "Q8_0" }).kvCacheType).toBe("q8_0");
  const config = readConfig({ OLLAMA_KV_CACHE_TYPE: "q3" });
  expect(config.kvCacheType).toBe("f16");
  expect(config.warnings[0]).toContain("OLLAMA_KV_CACHE_TYPE=q3");
});

test("directories are absolute, wherever the environment points", () => {
  expect(readConfig({ OLLAMA_MODELS: "/data/m" }).modelsDir).toBe("/data/m");
  expect(readConfig({ OLLAMA_MODELS: "rel" }).modelsDir).toBe(`${process.cwd()}/rel`);
  expect(readConfig({ HOME: "/h", XDG_CACHE_HOME: "/x" }).cacheDir).toBe("/x/ollama");
  expect(readConfig({ HOME: "/h", XDG_CACHE_HOME: "relative" }).cacheDir).toBe("/h/.cache/ollama");
  expect(readConfig({ HOME: "" }).modelsDir).toBe("/.ollama/models");
  expect(readConfig({}).homeDir).toBe(`${homedir()}/.ollama`);
});

test("the editor is Ollama's own variable, then VISUAL, then EDITOR", () => {
  const env = { OLLAMA_EDITOR: "a", VISUAL: "b", EDITOR: "c" };
  expect(readConfig(env).editorCommand).toBe("a");
  expect(readConfig({ ...env, OLLAMA_EDITOR: " " }).editorCommand).toBe("b");
  expect(readConfig({ EDITOR: "c -w" }).editorCommand).toBe("c -w");
});

test("NO_COLOR counts when it is not empty", () => {
  expect([readConfig({ NO_COLOR: "1" }).noColor, readConfig({ NO_COLOR: "" }).noColor]).toEqual([true, false]);
});

test("a port that is none is warned of, and the default one stands in for it", () => {
  const config = readConfig({ OLLAMA_HOST: "127.0.0.1:80000" });
  expect(config.host.port).toBe(11434);
  expect(config.warnings).toEqual(['invalid port "80000" in OLLAMA_HOST=127.0.0.1:80000, using 11434']);
  expect(readConfig({ OLLAMA_HOST: "127.0.0.1:8000" }).warnings).toEqual([]);
});

test("every setting names an environment variable of its own and says what it does", () => {
  const names = Object.keys(settings) as (keyof typeof settings)[];
  const rows = describeSettings(names);
  expect(new Set(rows.map(({ env }) => env)).size).toBe(names.length);
  expect(rows.filter(({ env, summary }) => !/^(OLLAMA|HF)_[A-Z_]+$/.test(env) || summary.length < 10)).toEqual([]);
});
