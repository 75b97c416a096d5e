// Chat templates come with models from anywhere: they are rendered as transformers does, and stopped when they run away.

import { expect, test } from "bun:test";
import { AppError } from "../../src/base/errors.ts";
import { JinjaTemplate } from "../../src/chat/jinja.ts";

const CHATML =
  "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message['content'] | trim }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

test("a conversation renders with trimmed blocks", () => {
  const messages = [
    { role: "system", content: " Be brief. " },
    { role: "user", content: "Hi" },
  ];
  expect(new JinjaTemplate(CHATML).render({ messages, add_generation_prompt: true })).toBe(
    "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n",
  );
});

const runaways: Readonly<Record<string, string>> = {
  "a huge range": "{% for i in range(1000000000) %}x{% endfor %}",
  "nested loops":
    "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}{% endfor %}{% endfor %}{% endfor %}",
  "a text that doubles":
    "{% set ns = namespace(t='xxxxxxxxxxxxxxxx') %}{% for i in range(60) %}{% set ns.t = ns.t ~ ns.t %}{% endfor %}{{ ns.t }}",
  "a list that doubles":
    "{% set ns = namespace(l=[1,2,3,4]) %}{% for i in range(60) %}{% set ns.l = ns.l + ns.l %}{% endfor %}{{ ns.l | length }}",
  "a macro that calls itself": "{% macro m(n) %}{{ m(n) }}{% endmacro %}{{ m(1) }}",
  "deep nesting": `${"{% if true %}".repeat(20_000)}x${"{% endif %}".repeat(20_000)}`,
};

test.each(Object.entries(runaways))("%s is stopped with an error", (_, source) => {
  expect(() => new JinjaTemplate(source).render({ messages: [] })).toThrow(AppError);
});

test("what a template refuses is said in its own words", () => {
  const source = "{{ raise_exception('roles must alternate') }}";
  expect(() => new JinjaTemplate(source).render({})).toThrow("roles must alternate");
});

test("a template that cannot be parsed says so", () => {
  expect(() => new JinjaTemplate("{% for x %}")).toThrow(/^chat template: /);
});

test("strftime_now writes the date", () => {
  expect(new JinjaTemplate("{{ strftime_now('%Y-%m-%d') }}").render({})).toMatch(/^\d{4}-\d{2}-\d{2}$/);
});
