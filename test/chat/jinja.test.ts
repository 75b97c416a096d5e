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

const DOUBLED = "{% set ns = namespace(t='a') %}{% for i in range(22) %}{% set ns.t = ns.t ~ ns.t %}{% endfor %}";

const runaways: Readonly<Record<string, string>> = {
  "a huge range": "{% for i in range(1000000000) %}x{% endfor %}",
  "nested loops":
    "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}{% endfor %}{% endfor %}{% endfor %}",
  "a text that doubles":
    "{% set ns = namespace(t='xxxxxxxxxxxxxxxx') %}{% for i in range(60) %}{% set ns.t = ns.t ~ ns.t %}{% endfor %}{{ ns.t }}",
  "a list that doubles":
    "{% set ns = namespace(l=[1,2,3,4]) %}{% for i in range(60) %}{% set ns.l = ns.l + ns.l %}{% endfor %}{{ ns.l | length }}",
  "a list of lists that share what they hold, written out":
    "{% set ns = namespace(l=[1]) %}{% for i in range(40) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}",
  "the same as JSON":
    "{% set ns = namespace(l=[1]) %}{% for i in range(40) %}{% set ns.l = {'a': ns.l, 'b': ns.l} %}{% endfor %}{{ ns.l | tojson }}",
  "the same joined to a text":
    "{% set ns = namespace(l=[1]) %}{% for i in range(40) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ 'x' ~ ns.l }}",
  "the same compared with a text":
    "{% set ns = namespace(l=[1]) %}{% for i in range(40) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ 'x' == ns.l }}",
  "namespaces that hold each other":
    "{% set a = namespace() %}{% set b = namespace(x=a) %}{% set a.x = b %}{% set l = [a, a] %}{{ l }}",
  "an indent of a million": "{{ messages | tojson(indent=1000000) }}",
  "a separator that multiplies": `${DOUBLED}{{ range(100000) | join(ns.t) | length }}`,
  "a replacement that multiplies": `${DOUBLED}{{ ns.t.replace('a', ns.t) | length }}`,
  "a filter around a block that multiplies": `${DOUBLED}{% filter replace('a', ns.t) %}{{ ns.t }}{% endfilter %}`,
  "a text cut into millions": `${DOUBLED}{% for i in range(1000) %}{{ ns.t.split('a') | length }}{% endfor %}`,
  "a date of a million months":
    "{% set ns = namespace(t='%B') %}{% for i in range(20) %}{% set ns.t = ns.t ~ ns.t %}{% endfor %}{{ strftime_now(ns.t) }}",
  "a long text turned around again and again": `${DOUBLED}{% for i in range(100000) %}{{ ns.t[::-1] | length }}{% endfor %}`,
  "a long gap": " ".repeat(500_000),
  "many long gaps": `${"\n".repeat(500_000)}{% if x %}`,
  "a macro that calls itself": "{% macro m(n) %}{{ m(n) }}{% endmacro %}{{ m(1) }}",
  "deep nesting": `${"{% if true %}".repeat(20_000)}x${"{% endif %}".repeat(20_000)}`,
};

test.each(Object.entries(runaways))("%s is stopped with an error", (_, source) => {
  const startMs = performance.now();
  expect(() => new JinjaTemplate(source).render({ messages: [{ role: "user" }] })).toThrow(AppError);
  // A second is what a template may take; the rest is for the last step, and for a busy machine.
  expect(performance.now() - startMs).toBeLessThan(4_000);
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
