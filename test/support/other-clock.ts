// A program whose wall clock can be set while it runs, and its children's with it: a library loaded before the C library adds an
// offset to what it tells. Clocks that nobody sets (monotonic ones) stay as they are, as on a computer whose time is corrected.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const SOURCE = `
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static const volatile long long *offset;
__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("LD_OTHER_CLOCK");
  int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (file < 0) return;
  void *mapped = mmap(0, sizeof *offset, PROT_READ, MAP_SHARED, file, 0);
  if (mapped != MAP_FAILED) offset = mapped;
  close(file);
}
int clock_gettime(clockid_t id, struct timespec *t) {
  int result = syscall(SYS_clock_gettime, id, t);
  if (result == 0 && offset && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) t->tv_sec += *offset;
  return result;
}
int gettimeofday(struct timeval *t, void *zone) {
  struct timespec now;
  (void)zone;
  if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
  t->tv_sec = now.tv_sec;
  t->tv_usec = now.tv_nsec / 1000;
  return 0;
}
time_t time(time_t *to) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (to) *to = now.tv_sec;
  return now.tv_sec;
}
`;

export interface OtherClock extends Disposable {
  /** For the program's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Seconds that it goes ahead of ours; less than 0: behind. */
  setAhead(seconds: number): void;
}

/** Undefined where there is no C compiler, or no such way to load a library. */
export function otherClock(): OtherClock | undefined {
  const compiler = Bun.which("cc") ?? Bun.which("gcc");
  if (process.platform !== "linux" || compiler === null) return undefined;
  const directory = mkdtempSync(join(tmpdir(), "other-clock-"));
  const [source, library, file] = ["clock.c", "clock.so", "offset"].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  const setAhead = (seconds: number): void => writeFileSync(file, new BigInt64Array([BigInt(seconds)]), { flag: "r+" });
  writeFileSync(source, SOURCE);
  writeFileSync(file, new Uint8Array(8));
  const { exitCode, stderr } = Bun.spawnSync([compiler, "-O1", "-shared", "-fPIC", "-o", library, source]);
  if (exitCode !== 0) throw new Error(stderr.toString());
  return {
    env: { LD_PRELOAD: library, LD_OTHER_CLOCK: file },
    setAhead,
    [Symbol.dispose]: () => rmSync(directory, { recursive: true }),
  };
}
