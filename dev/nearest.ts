/** The names that a mistyped one may mean. */

const MOST = 5;

/** How many letters have to be added, removed or replaced (Levenshtein). */
const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries())
      next.push(
        Math.min((row[j] ?? 0) + (letter === other ? 0 : 1), (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1),
      );
    row = next;
  }
  return row.at(-1) ?? 0;
};

/** The few nearest, best first; a name that contains the text is near, too. */
export const nearest = (text: string, names: readonly string[]): string[] =>
  names
    .map((name) => ({ name, far: name.includes(text) ? 1 : distance(text, name) }))
    .sort((a, b) => a.far - b.far)
    .slice(0, MOST)
    .map(({ name }) => name);
