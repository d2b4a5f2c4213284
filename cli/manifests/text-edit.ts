/** Some characters of a text, and what stands there instead. */
export interface TextEdit {
  from: number;
  until: number;
  text: string;
}

/** All edits are of the text as it was, and none overlaps another; where several insert at one place, they stand in the order of the list. */
export function applyEdits(text: string, edits: readonly TextEdit[]): string {
  let result = '';
  let at = 0;
  for (const edit of edits.toSorted((a, b) => a.from - b.from || a.until - b.until)) {
    result += text.slice(at, edit.from) + edit.text;
    at = edit.until;
  }
  return result + text.slice(at);
}

/** Where the line begins that `at` is in. */
export function lineStart(text: string, at: number): number {
  return text.lastIndexOf('\n', at - 1) + 1;
}

/** Behind the end of the line that `at` is in; the end of the text for its last line. */
export function nextLine(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end === -1 ? text.length : end + 1;
}
