// "Did you mean this?": cobra's rule is a name within two edits, or a name that begins with what was typed.

const NEAR = 2;

export function suggestions(typed: string, names: readonly string[]): string[] {
  const wanted = typed.toLowerCase();
  return names.filter((name) => {
    const candidate = name.toLowerCase();
    return candidate.startsWith(wanted) || editDistance(wanted, candidate) <= NEAR;
  });
}

/** Characters to insert, remove or replace. Names are short, so that nothing needs to be saved here. */
export function editDistance(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    for (let column = 1; column <= right.length; column++) {
      const same = left[row - 1] === right[column - 1];
      const diagonal = previous[column - 1] ?? 0;
      current.push(same ? diagonal : 1 + Math.min(diagonal, previous[column] ?? 0, current[column - 1] ?? 0));
    }
    previous = current;
  }
  return previous[right.length] ?? 0;
}
