// When a runner counts as hanging: work, but no message and no computing, look after look.

import { describe, expect, test } from "bun:test";
import { Watchdog } from "../../src/runner/watchdog.ts";

interface Scene {
  busy: boolean;
  progress: number | undefined;
  hangs: number;
  workBytes: number | undefined;
}

function watched(): { scene: Scene; dog: Watchdog; look: (times: number) => void } {
  const scene: Scene = { busy: true, progress: 7, hangs: 0, workBytes: undefined };
  const dog = new Watchdog({
    pid: 1,
    limitMs: 600_000, // a look each 100 seconds; they are made by hand
    isBusy: () => scene.busy,
    onHang: () => scene.hangs++,
    progress: () => scene.progress,
    workBytes: () => scene.workBytes,
  });
  const look = (times: number): void => {
    for (let i = 0; i < times; i++) dog.look();
  };
  return { scene, dog, look };
}

describe("a runner with work that neither answers nor computes", () => {
  test("hangs after six looks in a row", () => {
    const { scene, dog, look } = watched();
    look(6);
    expect(scene.hangs).toBe(0);
    look(1);
    expect(scene.hangs).toBe(1);
    expect(dog.verdict).toBe("it neither answered nor computed for 600 seconds");
  });
});

/** Looks while the process computes, until it counts as hanging. */
function looksUntilHang({ scene, look }: ReturnType<typeof watched>): number {
  for (let looks = 1; looks <= 1000; looks++) {
    scene.progress = looks * 1000;
    look(1);
    if (scene.hangs > 0) return looks;
  }
  return Number.POSITIVE_INFINITY;
}

describe("a runner that computes and says nothing", () => {
  test("hangs after ten times the limit", () => {
    const all = watched();
    all.scene.workBytes = 0;
    expect(looksUntilHang(all)).toBe(60);
    expect(all.dog.verdict).toBe("it computed for 6000 seconds without getting anywhere");
  });
  test("gets more time where its weights are many, for they may be read from a slow disk", () => {
    const all = watched();
    all.scene.workBytes = 40e9;
    expect(looksUntilHang(all)).toBe(60 + 20);
  });
  test("gets the time that it announced, until its next word", () => {
    const all = watched();
    all.scene.workBytes = 0;
    all.dog.hear(1_000_000);
    expect(looksUntilHang(all)).toBe(1 + 60 + 10);
    const again = watched();
    again.scene.workBytes = 0;
    again.dog.hear(1_000_000);
    again.dog.hear();
    expect(looksUntilHang(again)).toBe(1 + 60);
  });
  test("is left alone while it loads, which has a limit of its own", () => {
    expect(looksUntilHang(watched())).toBe(Number.POSITIVE_INFINITY);
  });
  test("is noticed where the system cannot tell who computes", () => {
    const { scene, look } = watched();
    scene.workBytes = 0;
    scene.progress = undefined;
    look(59);
    expect(scene.hangs).toBe(0);
    look(1);
    expect(scene.hangs).toBe(1);
  });
});

describe("is no hang:", () => {
  test("nothing to do", () => {
    const { scene, look } = watched();
    scene.busy = false;
    look(50);
    expect(scene.hangs).toBe(0);
  });
  test("a long step that computes", () => {
    const { scene, look } = watched();
    for (let i = 0; i < 50; i++) {
      scene.progress = (scene.progress ?? 0) + 1;
      look(1);
    }
    expect(scene.hangs).toBe(0);
  });
  test("a message now and then", () => {
    const { scene, dog, look } = watched();
    for (let i = 0; i < 10; i++) {
      look(5);
      dog.hear();
    }
    expect(scene.hangs).toBe(0);
  });
  test("a system that cannot tell", () => {
    const { scene, look } = watched();
    scene.progress = undefined;
    look(50);
    expect(scene.hangs).toBe(0);
  });
});
