// Bodies that try to get past the schema or to cost more than they should.

import { describe, expect, test } from "bun:test";
import type { TObject } from "@sinclair/typebox";
import { decodeBody, decodeValue } from "../../src/api/decode.ts";
import { MessagesRequest } from "../../src/api/anthropic.ts";
import { parseFirstJson } from "../../src/api/go-json.ts";
import { ChatCompletionRequest } from "../../src/api/openai/chat.ts";
import { ResponsesRequest } from "../../src/api/openai/responses.ts";
import { ChatRequest, GenerateRequest } from "../../src/api/schema/generate.ts";

test("an unknown field is dropped, and a tool schema keeps all of its own", () => {
  const tool = { type: "function", function: { name: "f", parameters: { type: "object", "x-own": 1 }, strict: true } };
  const body = decodeBody(ChatRequest, JSON.stringify({ nonsense: 1, tools: [tool] }));
  expect(body).toEqual({ tools: [tool] });
});

test("the exact spelling of a field wins over another letter case when both are there", () => {
  expect(decodeBody(GenerateRequest, '{"prompt":"a","PROMPT":"b"}').prompt).toBe("b");
  expect(decodeBody(GenerateRequest, '{"PROMPT":"b","prompt":"a"}').prompt).toBe("a");
});

test("__proto__ and constructor are ordinary unknown fields", () => {
  const body = decodeBody(GenerateRequest, '{"__proto__":{"prompt":"x"},"constructor":1,"prompt":"y"}');
  expect(body).toEqual({ prompt: "y" });
  expect(Object.getPrototypeOf(body)).toBe(Object.prototype);
});

test("a null element has its type's zero value", () => {
  expect(decodeValue(GenerateRequest, { context: [1, null, 3] })).toEqual({ context: [1, 0, 3] });
});

test.each([
  ['{"top_logprobs":1.5}', "number 1.5 into Go struct field GenerateRequest.top_logprobs of type int"],
  ['{"top_logprobs":1e30}', "number 1e30 into Go struct field GenerateRequest.top_logprobs of type int"],
  ['{"top_logprobs":1e400}', "number 1e400 into Go struct field GenerateRequest.top_logprobs of type int"],
  ['{"context":[1e300]}', "number 1e300 into Go struct field GenerateRequest.context of type int"],
])("the number in %s, which no machine integer holds, is refused", (text, message) => {
  expect(() => decodeBody(GenerateRequest, text)).toThrow(`json: cannot unmarshal ${message}`);
});

test("a number that no float holds is refused", () => {
  const message =
    "json: cannot unmarshal number 1e400 into Go struct field ChatCompletionRequest.temperature of type float64";
  expect(() => decodeBody(ChatCompletionRequest, '{"temperature":1e400}')).toThrow(message);
});

test.each<[string, TObject, string]>([
  ['{"messages":[{"role":1}]}', MessagesRequest, "MessagesRequest.messages.role"],
  ['{"messages":[{"role": 1}]}', ChatCompletionRequest, "Message.messages.role"],
  ['{"model":2,"messages":[{"role":1}]}', ChatRequest, "ChatRequest.messages.role"],
  ['{"tools":[{"function":{"name":1}}]}', ChatRequest, "ToolFunction.tools.function.name"],
])("%s is refused by the struct that Go names", (text, schema, field) => {
  expect(() => decodeBody(schema, text)).toThrow(
    `json: cannot unmarshal number into Go struct field ${field} of type string`,
  );
});

test("what is no object is refused by the name of the dialect's own type", () => {
  const refused = (schema: TObject) => () => decodeBody(schema, "[]");
  expect(refused(GenerateRequest)).toThrow("json: cannot unmarshal array into Go value of type api.GenerateRequest");
  expect(refused(ChatCompletionRequest)).toThrow("Go value of type openai.ChatCompletionRequest");
  expect(refused(ResponsesRequest)).toThrow("Go value of type openai.ResponsesRequest");
  expect(refused(MessagesRequest)).toThrow("Go value of type anthropic.MessagesRequest");
});

describe("nesting", () => {
  const deep = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);

  test("as deep as Go allows is read", () => {
    expect(Array.isArray(parseFirstJson(deep(9_000)))).toBe(true);
  });
  test.each([11_000, 1_000_000])("%i levels are refused, and the stack holds", (depth) => {
    expect(() => parseFirstJson(deep(depth))).toThrow("exceeded max depth");
    expect(() => parseFirstJson('{"a":'.repeat(depth) + "1" + "}".repeat(depth))).toThrow("exceeded max depth");
  });
  test("brackets inside strings do not count", () => {
    expect(parseFirstJson(JSON.stringify("[".repeat(50_000)))).toBe("[".repeat(50_000));
    expect(parseFirstJson(JSON.stringify(['\\"[', "{".repeat(20_000)]))).toEqual(['\\"[', "{".repeat(20_000)]);
  });
  test("an unfinished deep text ends with a message, not with the process", () => {
    expect(() => parseFirstJson("[".repeat(2_000_000))).toThrow("exceeded max depth");
  });
});

test("a body of many values before the mistake is scanned in linear time", () => {
  const text = `[${"1,".repeat(400_000)}x`;
  const startedMs = performance.now();
  expect(() => parseFirstJson(text)).toThrow("invalid character 'x' looking for beginning of value");
  expect(performance.now() - startedMs).toBeLessThan(3_000);
});

test("more than a million values are refused, commas of a text are none", () => {
  expect(() => parseFirstJson(`[${"1,".repeat(1_000_001)}1]`)).toThrow("exceeded 1000000 values");
  expect(parseFirstJson(`[${"1,".repeat(999_999)}1]`)).toHaveLength(1_000_000);
  const prose = `a \\"quoted\\" word, `.repeat(1_100_000);
  expect(parseFirstJson(`{"prompt":"${prose}","x":1}`)).toMatchObject({ x: 1 });
});
