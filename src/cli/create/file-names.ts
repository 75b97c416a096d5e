// What files are called in a create request: relative to the folder they share, or by their bare names
// (Ollama: cmd/cmd.go, createRequestFileNames).

import { basename, dirname, relative, sep } from "node:path";

/** Absolute paths → their names in the request, with "/". */
export function requestFileNames(paths: readonly string[]): Map<string, string> {
  const root = paths.length < 2 ? undefined : commonFolder(paths);
  return new Map(
    paths.map((path) => {
      const name = root === undefined ? basename(path) : relative(root, path);
      return [path, name.split(sep).join("/")];
    }),
  );
}

/** undefined on Windows for files on different drives. */
function commonFolder(paths: readonly string[]): string | undefined {
  let root = dirname(paths[0] ?? "");
  for (const path of paths) {
    while (!isBelow(root, dirname(path))) {
      const parent = dirname(root);
      if (parent === root) return undefined;
      root = parent;
    }
  }
  return root;
}

function isBelow(root: string, folder: string): boolean {
  return folder === root || folder.startsWith(root.endsWith(sep) ? root : root + sep);
}
