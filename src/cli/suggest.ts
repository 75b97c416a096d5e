// "Did you mean this?": cobra's rule is a name within two edits, or a name that begins with what was typed.

export function suggestions(typed: string, names: readonly string[]): string[] {
  const wanted = typed.toLowerCase();
  return names.filter((name) => {
    const candidate = name.toLowerCase();
    return candidate.startsWith(wanted) || withinEdits(wanted, candidate, 2);
  });
}

function withinEdits(left: string, right: string, limit: number): boolean {
  if (Math.abs(left.length - right.length) > limit) return false;
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
  return (previous[right.length] ?? 0) <= limit;
}
