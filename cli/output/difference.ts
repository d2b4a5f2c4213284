/** Lines around what differs (diff -u). */
const CONTEXT_LINES = 3;
/** Beyond so many lines that differ nobody reads on, and finding the fewest would take long. */
const MAX_EDITS = 400;

type Line = { type: ' ' | '-' | '+'; text: string };

/**
 * What differs between two texts, as `diff -u` prints it, without the names of files; empty where nothing does. The fewest lines, by Myers' algorithm (An O(ND) difference
 * algorithm and its variations, 1986); of texts that differ in more than `MAX_EDITS` lines, all of both.
 */
export function unifiedDifference(before: string, after: string): string {
  const lines = linesOf(split(before), split(after));
  return hunksOf(lines)
    .map((hunk) => hunk.map(({ type, text }) => `${type}${text}\n`).join(''))
    .join('');
}

function split(text: string): string[] {
  if (text === '') return [];
  return (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n');
}

function linesOf(before: readonly string[], after: readonly string[]): Line[] {
  const trace = tracesOf(before, after);
  if (trace === null) {
    return [...before.map((text): Line => ({ type: '-', text })), ...after.map((text): Line => ({ type: '+', text }))];
  }
  const lines: Line[] = [];
  let [x, y] = [before.length, after.length];
  for (let edits = trace.length - 1; edits >= 0; edits--) {
    const reached = trace[edits]!;
    const diagonal = x - y;
    const from = comesFromAbove(reached, diagonal, edits) ? diagonal + 1 : diagonal - 1;
    const fromX = edits === 0 ? 0 : (reached.get(from) ?? 0);
    const fromY = edits === 0 ? 0 : fromX - from;
    while (x > fromX && y > fromY && before[x - 1] === after[y - 1]) {
      lines.push({ type: ' ', text: before[x - 1]! });
      x -= 1;
      y -= 1;
    }
    if (edits === 0) break;
    if (x > fromX) lines.push({ type: '-', text: before[x - 1]! });
    else lines.push({ type: '+', text: after[y - 1]! });
    [x, y] = [fromX, fromY];
  }
  return lines.reverse();
}

/** For each number of edits, how far each diagonal was reached with one fewer; `null`: there are too many. */
function tracesOf(before: readonly string[], after: readonly string[]): Map<number, number>[] | null {
  const trace: Map<number, number>[] = [];
  let reached = new Map<number, number>([[1, 0]]);
  for (let edits = 0; edits <= Math.min(before.length + after.length, MAX_EDITS); edits++) {
    trace.push(reached);
    const next = new Map<number, number>();
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      const isDown = comesFromAbove(reached, diagonal, edits);
      let x = isDown ? (reached.get(diagonal + 1) ?? 0) : (reached.get(diagonal - 1) ?? 0) + 1;
      while (x < before.length && x - diagonal < after.length && before[x] === after[x - diagonal]) x += 1;
      next.set(diagonal, x);
      if (x >= before.length && x - diagonal >= after.length) return trace;
    }
    reached = next;
  }
  return null;
}

/** Whether the furthest way to a diagonal puts a line in, or takes one out. */
function comesFromAbove(reached: ReadonlyMap<number, number>, diagonal: number, edits: number): boolean {
  if (diagonal === -edits) return true;
  return diagonal !== edits && (reached.get(diagonal - 1) ?? 0) < (reached.get(diagonal + 1) ?? 0);
}

/** What differs with the lines around it; hunks that touch are one. */
function hunksOf(lines: readonly Line[]): Line[][] {
  const shown = new Set<number>();
  for (const [at, { type }] of lines.entries()) {
    if (type === ' ') continue;
    for (let near = at - CONTEXT_LINES; near <= at + CONTEXT_LINES; near++) shown.add(near);
  }
  const hunks: Line[][] = [];
  let hunk: Line[] | null = null;
  for (const [at, line] of lines.entries()) {
    if (!shown.has(at)) {
      hunk = null;
      continue;
    }
    if (hunk === null) {
      hunk = [];
      hunks.push(hunk);
    }
    hunk.push(line);
  }
  return hunks;
}
