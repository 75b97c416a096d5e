// Who may do what, as a table.

import { describe, expect, test } from "bun:test";
import { type ApiKey, makeKey, type Scope } from "../../src/access/api-key.ts";
import { type Caller, decide, identify, isThisMachine, type Need, presentedKey } from "../../src/access/decide.ts";
import type { KeyTable } from "../../src/access/key-store.ts";
import { ownerWord } from "../../src/access/owner.ts";

const key = (...scopes: Scope[]): ApiKey => makeKey({ name: "k", scopes, limit: 0, budget: 0 }).key;
const callers = {
  local: { kind: "local" },
  remote: { kind: "remote", address: "10.0.0.7" },
  owner: { kind: "owner" },
  stranger: { kind: "stranger" },
  infer: { kind: "key", key: key("infer") },
  manage: { kind: "key", key: key("manage") },
  metrics: { kind: "key", key: key("metrics") },
} satisfies Record<string, Caller>;
const NEEDS: readonly Need[] = ["nothing", "entry", "infer", "manage", "metrics"];

const yes: string = "yes";
const no: string = "forbidden";
const who: string = "unauthorized";

/** In the order of NEEDS. */
const WITHOUT_KEYS = { local: [yes, yes, yes, yes, yes], remote: [yes, yes, yes, no, no] };
const WITH_KEYS = {
  local: [yes, who, who, who, who],
  remote: [yes, who, who, who, who],
  stranger: [yes, who, who, who, who],
  owner: [yes, yes, yes, yes, yes],
  infer: [yes, yes, yes, no, no],
  manage: [yes, yes, no, yes, yes],
  metrics: [yes, yes, no, no, yes],
};
const RULES = { keysRequired: true, keylessLoopback: false, remoteManagement: false };

describe.each<[string, object, Record<string, string[]>]>([
  ["without keys", { keysRequired: false }, WITHOUT_KEYS],
  [
    "without keys, managing from elsewhere allowed",
    { keysRequired: false, remoteManagement: true },
    { remote: [yes, yes, yes, yes, yes] },
  ],
  ["with keys", {}, WITH_KEYS],
  ["with keys, managing from elsewhere allowed", { remoteManagement: true }, WITH_KEYS],
  ["with keys, none on this machine", { keylessLoopback: true }, { ...WITH_KEYS, local: [yes, yes, yes, yes, yes] }],
])("%s", (_, change, table) => {
  test.each(Object.entries(table))("%s", (name, wanted) => {
    const caller: Caller = callers[name as keyof typeof callers];
    const got = NEEDS.map((need) => {
      const verdict = decide(need, caller, { ...RULES, ...change });
      return verdict.do === "allow" ? yes : verdict.fault;
    });
    expect(got).toEqual(wanted);
  });
});

test.each<[string | undefined, Record<string, string>, boolean]>([
  ["127.0.0.1", {}, true],
  ["127.9.9.9", {}, true],
  ["::1", {}, true],
  ["::ffff:127.0.0.1", {}, true],
  ["10.0.0.1", {}, false],
  ["172.17.0.1", {}, false],
  ["::ffff:10.0.0.1", {}, false],
  ["fe80::1", {}, false],
  [undefined, {}, false],
  ["127.0.0.1", { "x-forwarded-for": "127.0.0.1" }, false],
  ["127.0.0.1", { forwarded: "for=127.0.0.1" }, false],
  ["10.0.0.1", { "x-forwarded-for": "127.0.0.1", "x-real-ip": "127.0.0.1" }, false],
])("the peer %p with %j is this machine: %p", (address, headers, wanted) => {
  expect(isThisMachine(address, new Headers(headers))).toBe(wanted);
});

test.each<[Record<string, string>, string | undefined]>([
  [{ authorization: "Bearer abc" }, "abc"],
  [{ authorization: "bearer  abc " }, "abc"],
  [{ "x-api-key": "abc" }, "abc"],
  [{ authorization: "Basic abc", "x-api-key": "def" }, "def"],
  [{ authorization: "Bearer abc", "x-api-key": "def" }, "abc"],
  [{ authorization: "Bearer " }, undefined],
  [{ authorization: "abc" }, undefined],
  [{}, undefined],
])("%j presents %p", (headers, wanted) => {
  expect(presentedKey(new Headers(headers))).toBe(wanted);
});

describe("who somebody is", () => {
  const { key: known, text } = makeKey({ name: "k", scopes: ["infer"], limit: 0, budget: 0 });
  const table: KeyTable = { required: true, keys: [known], ownerSecret: "a".repeat(64), problems: [] };
  const open: KeyTable = { required: false, keys: [], ownerSecret: undefined, problems: [] };
  const nowMs = 1_800_000_000_000;
  const kind = (
    address: string,
    shown: string | undefined,
    more: { table?: KeyTable; keylessLoopback?: boolean } = {},
  ) =>
    identify(address, new Headers(shown === undefined ? {} : { authorization: `Bearer ${shown}` }), {
      table,
      keylessLoopback: false,
      nowMs,
      ...more,
    }).kind;
  const word = ownerWord("a".repeat(64), nowMs);

  test.each<[string, string, string]>([
    ["a key from elsewhere", kind("10.0.0.1", text), "key"],
    ["a wrong key", kind("127.0.0.1", "wrong"), "stranger"],
    ["the owner here", kind("127.0.0.1", word), "owner"],
    ["the owner's word from elsewhere", kind("10.0.0.1", word), "stranger"],
    ["a made-up key where there are none", kind("10.0.0.1", "ollama", { table: open }), "remote"],
    ["a made-up key where this machine needs none", kind("127.0.0.1", "ollama", { keylessLoopback: true }), "local"],
    ["the same from elsewhere", kind("10.0.0.1", "ollama", { keylessLoopback: true }), "stranger"],
    ["nothing", kind("10.0.0.1", undefined), "remote"],
  ])("%s: %s", (_, got, wanted) => expect(got).toBe(wanted));
});
