// The command line against cobra itself: test/fixtures/cli holds one table of commands, many argvs, and what cobra did.

import { describe, expect, test } from "bun:test";
import { AppError } from "../../src/base/errors.ts";
import type { Command, CommandTable, FlagSpec, Invocation } from "../../src/cli/command.ts";
import { defineCommand, defineFlags } from "../../src/cli/command.ts";
import { parseArgs } from "../../src/cli/parse-args.ts";
import commands from "../fixtures/cli/commands.json";
import recorded from "../fixtures/cli/goldens.json";

interface Run {
  argv: string[];
  command?: string;
  args?: string[] | null;
  flags?: Record<string, unknown>;
  given?: string[];
  dash?: number;
  stdout?: string;
  stderr?: string;
  error?: string;
}

type Spec = Omit<Command, "load" | "flags"> & { flags: Record<string, unknown> };

function commandOf(spec: unknown): Command {
  const { flags, ...rest } = spec as Spec;
  return { ...rest, flags: flags as Record<string, FlagSpec>, load: () => Promise.reject(new Error("never run here")) };
}

const table: CommandTable = { root: commandOf(commands.root), commands: commands.commands.map(commandOf) };
const runs: Run[] = recorded.runs;

/** Our answer in the recording's shape. */
function answer(argv: string[]): Run {
  try {
    const parsed = parseArgs(table, argv);
    if (parsed.do === "help") return { argv, [parsed.stream]: parsed.text };
    const { args, flags, given, argsBeforeDash } = parsed.input;
    const run: Run = { argv, command: parsed.command.name, flags: { ...flags } };
    if (args.length > 0) run.args = [...args];
    if (given.size > 0) run.given = [...given].sort();
    if (argsBeforeDash !== undefined) run.dash = argsBeforeDash;
    return run;
  } catch (error) {
    if (error instanceof AppError && error.fault === "invalid") return { argv, error: error.message };
    throw error;
  }
}

test.each(runs.map((run) => ({ run, line: run.argv.join(" ") })))("ollama $line", ({ run }) => {
  // The recording leaves out what is empty.
  expect(answer(run.argv)).toEqual(run.command === undefined ? run : { flags: {}, ...run });
});

describe("what cobra does not know", () => {
  const flags = defineFlags({
    license: { type: "bool", summary: "" },
    system: { type: "bool", summary: "" },
    template: { type: "bool", summary: "" },
    count: { type: "int", summary: "" },
  });
  const show = defineCommand({
    name: "show",
    summary: "",
    args: "any",
    flags,
    exclusive: ["license", "system", "template"],
    load: () =>
      Promise.resolve({
        run: (input: Invocation<typeof flags>, context: { log: (text: string) => void }) => {
          context.log(`${input.flags.count + 1} ${input.flags.license ? "license" : "no license"}`);
          return Promise.resolve();
        },
      }),
  });
  const table = { root: show, commands: [show] };

  test("two of an exclusive set are refused with the names of the whole set", () => {
    expect(() => parseArgs(table, ["show", "--license", "--template"])).toThrow(
      "only one of '--license', '--system', or '--template' can be specified",
    );
    expect(parseArgs(table, ["show", "--license", "--template=false"]).do).toBe("run");
  });

  test("a command runs with typed flags and the context its module asks for", async () => {
    const parsed = parseArgs(table, ["show", "--count", "41"]);
    if (parsed.do !== "run") throw new Error("expected a run");
    const lines: string[] = [];
    const module = await parsed.command.load();
    await module.run(parsed.input, { log: (text) => lines.push(text) });
    expect(lines).toEqual(["42 no license"]);
  });

  test("a long wrong name costs no time", () => {
    const name = "x".repeat(100_000);
    expect(() => parseArgs(table, [name])).toThrow(`unknown command "${name}" for "show"`);
  });
});
