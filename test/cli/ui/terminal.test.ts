import { describe, expect, test } from "bun:test";
import { grey, thinkingClosing, thinkingOpening } from "../../../src/cli/ui/style.ts";
import { rawMode, screenOf } from "../../../src/cli/ui/terminal.ts";

describe("a screen", () => {
  const tty = { isTTY: true, columns: 100, rows: 30, write: () => true };
  const can = (stream: object, noColor: boolean, term: string | undefined): boolean[] => {
    const screen = screenOf({ write: () => true, ...stream }, { noColor, term });
    return [screen.isTerminal, screen.canRedraw, screen.hasColor];
  };

  test("redraws and has colour unless told otherwise", () => {
    expect(can(tty, false, "xterm-256color")).toEqual([true, true, true]);
    expect(can(tty, false, undefined)).toEqual([true, true, true]);
    expect(can(tty, true, "xterm")).toEqual([true, true, false]);
    expect(can(tty, false, "dumb")).toEqual([true, false, false]);
    expect(can(tty, false, "")).toEqual([true, false, false]);
    expect(can({}, false, "xterm")).toEqual([false, false, false]);
  });

  test("follows its stream's size and has a usual one where that is unknown", () => {
    const stream = { ...tty };
    const screen = screenOf(stream, { noColor: false, term: "xterm" });
    stream.columns = 50;
    expect([screen.columns, screen.rows]).toEqual([50, 30]);
    stream.columns = 0;
    expect(screen.columns).toBe(80);
    const pipe = screenOf({ write: () => true }, { noColor: false, term: "xterm" });
    expect([pipe.columns, pipe.rows]).toEqual([80, 24]);
  });
});

describe("raw mode", () => {
  function input(isTTY = true): { isTTY: boolean; isRaw: boolean; setRawMode(raw: boolean): void } {
    return {
      isTTY,
      isRaw: false,
      setRawMode(raw) {
        this.isRaw = raw;
      },
    };
  }
  const listeners = (): number[] => ["exit", "SIGINT", "SIGTERM", "SIGHUP"].map((name) => process.listenerCount(name));

  test("is given back once, with all listeners", () => {
    const before = listeners();
    const stream = input();
    const raw = rawMode(stream);
    expect(stream.isRaw).toBe(true);
    expect(listeners()).toEqual(before.map((count) => count + 1));
    raw[Symbol.dispose]();
    expect(stream.isRaw).toBe(false);
    stream.isRaw = true;
    raw[Symbol.dispose]();
    expect(stream.isRaw).toBe(true);
    expect(listeners()).toEqual(before);
  });

  test("is not taken twice, nor from what is no terminal", () => {
    const stream = input();
    using _outer = rawMode(stream);
    rawMode(stream)[Symbol.dispose]();
    expect(stream.isRaw).toBe(true);
    const pipe = input(false);
    using _pipe = rawMode(pipe);
    expect(pipe.isRaw).toBe(false);
  });

  test.skipIf(process.platform === "win32").each(["exit", "SIGTERM", "SIGINT"])("is given back on %s", async (end) => {
    const module = new URL("../../../src/cli/ui/terminal.ts", import.meta.url).pathname;
    const program = [
      `import { rawMode } from ${JSON.stringify(module)};`,
      `rawMode({ isTTY: true, setRawMode: (raw) => console.log("raw", raw) }, () => console.log("sudden"));`,
      end === "exit" ? "process.exit(0);" : `process.kill(process.pid, "${end}"); setInterval(() => {}, 1000);`,
    ].join("\n");
    const child = Bun.spawn([process.execPath, "-e", program], { stdout: "pipe", timeout: 10_000 });
    expect(await new Response(child.stdout).text()).toBe("raw true\nraw false\nsudden\n");
    await child.exited;
    expect(child.signalCode).toBe(end === "exit" ? null : (end as NodeJS.Signals));
  });
});

test("thinking is framed in grey where colour is possible and plain where it is not", () => {
  expect(thinkingOpening({ hasColor: false }) + thinkingClosing({ hasColor: false })).toBe(
    "Thinking...\n...done thinking.\n\n",
  );
  expect(thinkingOpening({ hasColor: true })).toBe("\x1b[38;5;245m\x1b[1mThinking...\n\x1b[0m\x1b[38;5;245m");
  expect(thinkingClosing({ hasColor: true })).toBe("\x1b[38;5;245m\x1b[1m...done thinking.\n\n\x1b[0m");
  expect(grey("", { hasColor: true })).toBe("");
});
