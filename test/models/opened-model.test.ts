// Opening a model costs nothing as long as its files are the same, and sees every change of them.

import { afterEach, expect, setSystemTime, test } from "bun:test";
import { appendFile, copyFile, rename } from "node:fs/promises";
import { dialogFormatOf } from "../../src/models/capabilities.ts";
import { ModelName } from "../../src/models/name.ts";
import { openModel } from "../../src/models/opened-model.ts";
import type { ModelStore } from "../../src/models/store.ts";
import { rejection } from "../support/rejection.ts";
import { tinyGguf } from "../support/tiny-gguf.ts";
import { create, tempStore, upload } from "./temp-store.ts";

async function createModel(store: ModelStore, system: string): Promise<void> {
  const files = { "model.gguf": await upload(store, tinyGguf("llama")) };
  await create(store, { model: "m", files, system, template: "{{ .Prompt }}" });
  // Files that changed a moment ago are not remembered.
  setSystemTime(new Date(Date.now() + 5000));
}

afterEach(() => {
  setSystemTime();
});

function open(store: ModelStore) {
  return openModel(store, ModelName.parse("m"), "m");
}

test("a model is opened once, with its dialog format, until it is made anew", async () => {
  await using temp = await tempStore();
  await createModel(temp.store, "one");
  const first = await open(temp.store);
  const again = await open(temp.store);
  expect(again).toBe(first);
  expect(dialogFormatOf(again, undefined)).toBe(dialogFormatOf(first, undefined));
  await createModel(temp.store, "two");
  const changed = await open(temp.store);
  expect([first.system, changed.system]).toEqual(["one", "two"]);
});

test("a manifest that another program replaced is read again", async () => {
  await using temp = await tempStore();
  await createModel(temp.store, "one");
  const first = await open(temp.store);
  const path = temp.store.manifestPath(first.name);
  await copyFile(path, `${path}.new`);
  await rename(`${path}.new`, path);
  expect(await open(temp.store)).not.toBe(first);
});

test("weights that change after the model was opened are noticed at the next opening", async () => {
  await using temp = await tempStore();
  await createModel(temp.store, "one");
  const { weightsPath = "" } = await open(temp.store);
  await appendFile(weightsPath, "more");
  expect((await rejection(open(temp.store))).message).toContain("a file of model 'm:latest' is damaged");
});
