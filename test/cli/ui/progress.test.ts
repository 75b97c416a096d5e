import { describe, expect, test } from "bun:test";
import { Progress, type ProgressClock } from "../../../src/cli/ui/progress.ts";
import { TestScreen } from "../../support/screen.ts";

class TestClock implements ProgressClock {
  ms = 0;
  act: (() => void) | undefined;
  now(): number {
    return this.ms;
  }
  every(_ms: number, act: () => void): () => void {
    this.act = act;
    return () => (this.act = undefined);
  }
  pass(ms: number): void {
    this.ms += ms;
    this.act?.();
  }
}

function open(columns = 80, rows = 24): { screen: TestScreen; clock: TestClock; progress: Progress } {
  const screen = new TestScreen(columns, rows);
  const clock = new TestClock();
  return { screen, clock, progress: new Progress(screen, clock) };
}

function openPipe(): { screen: TestScreen; progress: Progress } {
  const screen = new TestScreen(80);
  screen.isTerminal = false;
  screen.canRedraw = false;
  return { screen, progress: new Progress(screen, new TestClock()) };
}

const MB = 1_000_000;

describe("on a terminal", () => {
  test("a spinner turns until the next line comes", () => {
    const { screen, clock, progress } = open();
    progress.spinner("pulling manifest");
    clock.pass(100);
    expect(screen.lines).toEqual(["pulling manifest ⠙"]);
    clock.pass(100);
    expect(screen.lines).toEqual(["pulling manifest ⠹"]);
    progress.spinner("verifying sha256 digest");
    clock.pass(800);
    expect(screen.lines).toEqual(["pulling manifest", "verifying sha256 digest ⠇"]);
    progress.stop();
    expect(screen.lines).toEqual(["pulling manifest", "verifying sha256 digest"]);
    expect(screen.cursor).toEqual({ row: 2, column: 0 });
    expect(screen.isCursorShown).toBe(true);
  });

  test("a bar shows percentage, sizes, rate and time left, as Ollama's does", () => {
    const { screen, clock, progress } = open();
    const bar = progress.bar("pulling 475f0ee1da24:", 253 * MB);
    progress.set(bar, 1 * MB);
    clock.pass(100);
    expect(screen.lines).toEqual(["pulling 475f0ee1da24:   0% ▕                  ▏   1 MB/253 MB"]);
    for (let second = 1; second <= 5; second++) {
      clock.pass(1001);
      progress.set(bar, second * 25 * MB);
    }
    clock.pass(100);
    expect(screen.lines).toEqual(["pulling 475f0ee1da24:  49% ▕████████          ▏ 125 MB/253 MB   24 MB/s      5s"]);
    progress.set(bar, 253 * MB);
    clock.pass(100);
    expect(screen.lines).toEqual(["pulling 475f0ee1da24: 100% ▕██████████████████▏ 253 MB"]);
  });

  test("a bar never goes backwards", () => {
    const { screen, clock, progress } = open();
    const bar = progress.bar("x", 100, 10);
    for (const value of [60, 20, 0]) progress.set(bar, value);
    clock.pass(100);
    expect(screen.lines[0]).toContain(" 60% ");
  });

  test("long waits are told in two units, very long ones are not told", () => {
    const { screen, clock, progress } = open();
    const bar = progress.bar("x", 1000 * MB);
    clock.pass(10_000);
    progress.set(bar, 1 * MB);
    clock.pass(100);
    expect(screen.lines[0]).toEndWith("100 KB/s   2h46m");
    const slow = progress.bar("y", 10_000_000 * MB);
    clock.pass(10_000);
    progress.set(slow, 1 * MB);
    clock.pass(100);
    expect(screen.lines[1]).toEndWith("100 KB/s    99h+");
  });

  test.each([8, 20, 30, 40, 60, 80, 200])("lines stay within %i columns", (columns) => {
    const { screen, clock, progress } = open(columns);
    const bar = progress.bar("pulling 日本語-475f0ee1da24:", 253 * MB);
    progress.spinner("a message that is a good deal longer than many a terminal has columns to show it");
    for (let second = 0; second < 4; second++) {
      progress.set(bar, second * 50 * MB);
      clock.pass(1001);
    }
    expect(screen.lines.length).toBe(2);
    for (const line of screen.lines) expect(Bun.stringWidth(line)).toBeLessThan(columns);
    expect(screen.lines[0]).toContain(columns >= 30 ? " 59%" : "");
  });

  test("more lines than the screen has show the last ones", () => {
    const { screen, clock, progress } = open(40, 4);
    for (let index = 0; index < 9; index++) progress.spinner(`step ${index}`);
    clock.pass(100);
    clock.pass(100);
    expect(screen.lines.map((line) => line.slice(0, 6))).toEqual(["step 5", "step 6", "step 7", "step 8"]);
    expect(screen.scrollback).toEqual([]);
  });

  test("a window that becomes narrower leaves no ghosts", () => {
    const { screen, clock, progress } = open(80);
    screen.write("before\n");
    progress.bar("pulling 475f0ee1da24:", 253 * MB);
    progress.spinner("verifying");
    clock.pass(100);
    screen.resize(30);
    clock.pass(100);
    expect(screen.lines.length).toBe(3);
    expect(screen.lines[0]).toBe("before");
  });

  test("cleared, it is as if nothing had been", () => {
    const { screen, clock, progress } = open();
    screen.write("before\n");
    progress.spinner("one");
    progress.spinner("two");
    clock.pass(100);
    progress.clear();
    expect(screen.lines).toEqual(["before"]);
    expect(screen.cursor).toEqual({ row: 1, column: 0 });
  });

  test("after its end it writes nothing more, however often it is ended", () => {
    const { screen, clock, progress } = open();
    progress.spinner("one");
    {
      using owned = progress;
      clock.pass(100);
      owned.stop();
    }
    const written = screen.raw;
    progress.clear();
    clock.pass(100);
    expect(screen.raw).toBe(written);
    expect(clock.act).toBeUndefined();
  });
});

describe("in a pipe", () => {
  test("each change is one line, without escape codes", () => {
    const { screen, progress } = openPipe();
    progress.spinner("pulling manifest");
    const bar = progress.bar("pulling 475f0ee1da24:", 253 * MB, 1);
    for (let value = 0; value <= 253; value++) progress.set(bar, value * MB);
    const spinner = progress.spinner("writing");
    progress.setMessage(spinner, "writing");
    progress.setMessage(spinner, "success");
    progress.stop();
    const steps = [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100];
    expect(screen.raw).toBe(
      [
        "pulling manifest",
        ...steps.map((step) => `pulling 475f0ee1da24: ${String(step).padStart(3)}% of 253 MB`),
        "writing",
        "success",
        "",
      ].join("\n"),
    );
  });

  test("a spinner without words says nothing, and clearing takes nothing back", () => {
    const { screen, progress } = openPipe();
    progress.spinner("");
    progress.clear();
    expect(screen.raw).toBe("");
  });
});
