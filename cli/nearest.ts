/** More edits than this, of each hundred letters, make another word. */
const MAX_EDITS_PERCENT = 34;

/** The name that was probably meant: the one with the fewest letters to insert, leave out or exchange; null where none is near. */
export function nearest(text: string, names: readonly string[]): string | null {
  let best: { name: string; edits: number } | null = null;
  for (const name of names) {
    const edits = editsBetween(text.toLowerCase(), name.toLowerCase());
    if (edits * 100 <= name.length * MAX_EDITS_PERCENT && (best === null || edits < best.edits)) best = { name, edits };
  }
  return best?.name ?? null;
}

/** Levenshtein's distance, a row of its table after the other. */
function editsBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const exchanged = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(exchanged, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
