// Home folders by user name, for paths like ~somebody/model.gguf.

import { readFileSync } from "node:fs";
import { homedir, userInfo } from "node:os";
import { AppError } from "../../base/errors.ts";

/** Without a name: the current user's. */
export function homeOf(user?: string): string {
  if (user === undefined || user === userInfo().username) return homedir();
  const home = passwordLines()
    .map((line) => line.split(":"))
    .find(([name]) => name === user)?.[5];
  if (home === undefined || home === "") throw new AppError("invalid", `user: unknown user ${user}`);
  return home;
}

function passwordLines(): string[] {
  try {
    return readFileSync("/etc/passwd", "utf8").split("\n");
  } catch {
    return [];
  }
}
