// Request bodies read as Go's decoder reads them, messages included (test/fixtures/api).

import { describe, expect, test } from "bun:test";
import { decodeBody } from "../../src/api/decode.ts";
import { parseFirstJson } from "../../src/api/go-json.ts";
import { ChatRequest } from "../../src/api/schema/generate.ts";
import { AppError } from "../../src/base/errors.ts";
import recorded from "../fixtures/api/goldens.json";

interface Row {
  readonly in: string;
  readonly out?: string;
  readonly error?: string;
}

const { syntax, typed }: { syntax: Row[]; typed: Row[] } = recorded;

function answer(run: () => unknown): { value: unknown } | { error: string } {
  try {
    return { value: run() };
  } catch (error) {
    if (error instanceof AppError && error.fault === "invalid") return { error: error.message };
    throw error;
  }
}

describe("the first JSON value of a text", () => {
  test.each(syntax)("$in", (row) => {
    const want = row.error === undefined ? { value: JSON.parse(row.out ?? "") as unknown } : { error: row.error };
    expect(answer(() => parseFirstJson(row.in))).toEqual(want);
  });
});

describe("a chat request", () => {
  test.each(typed.filter(({ error }) => error !== undefined))("$in is refused in Go's words", (row) => {
    expect(answer(() => decodeBody(ChatRequest, row.in))).toEqual({ error: row.error ?? "" });
  });

  test.each(typed.filter(({ error }) => error === undefined))(
    "$in is taken, and what it sets is what Go sets",
    (row) => {
      const ours = decodeBody(ChatRequest, row.in);
      const go = JSON.parse(row.out ?? "") as { model: string; messages: { role: string; content: string }[] | null };
      expect(ours.model ?? "").toBe(go.model);
      const messages = ours.messages?.map(({ role = "", content = "" }) => ({ role, content }));
      expect(messages).toEqual(go.messages?.map(({ role, content }) => ({ role, content })));
    },
  );
});
