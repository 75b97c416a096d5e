// Metadata values of a GGUF under construction, in the types llama.cpp's own converter gives them.

import type { GgufWriteValue } from "../formats/gguf/write.ts";

export type Metadata = Map<string, GgufWriteValue>;

export const text = (value: string): GgufWriteValue => ({ type: "str", value });
export const uint = (value: number): GgufWriteValue => ({ type: "u32", value });
export const int = (value: number): GgufWriteValue => ({ type: "i32", value });
export const float = (value: number): GgufWriteValue => ({ type: "f32", value });
export const flag = (value: boolean): GgufWriteValue => ({ type: "bool", value });
export const texts = (values: readonly string[]): GgufWriteValue => ({ type: "arr", elementType: "str", values });
export const ints = (values: readonly number[]): GgufWriteValue => ({ type: "arr", elementType: "i32", values });
export const floats = (values: readonly number[]): GgufWriteValue => ({ type: "arr", elementType: "f32", values });
