// When a runner counts as hanging: work, but no message and no computing, look after look.

import { describe, expect, test } from "bun:test";
import { Watchdog } from "../../src/runner/watchdog.ts";

interface Scene {
  busy: boolean;
  progress: number | undefined;
  hangs: number;
}

function watched(): { scene: Scene; dog: Watchdog; look: (times: number) => void } {
  const scene: Scene = { busy: true, progress: 7, hangs: 0 };
  const dog = new Watchdog({
    pid: 1,
    limitMs: Number.POSITIVE_INFINITY, // the looks are made by hand
    isBusy: () => scene.busy,
    onHang: () => scene.hangs++,
    progress: () => scene.progress,
  });
  const look = (times: number): void => {
    for (let i = 0; i < times; i++) dog.look();
  };
  return { scene, dog, look };
}

describe("a runner with work that neither answers nor computes", () => {
  test("hangs after six looks in a row", () => {
    const { scene, look } = watched();
    look(6);
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
