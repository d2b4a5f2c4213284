import { printable } from '../../crds/scalars/scalar.ts';
import type { Colour } from './colour.ts';

/** A column of what is listed. Its text may come from anywhere: nothing that a terminal obeys gets through. */
export interface Column<R> {
  header: string;
  /** `left` where it is not said: names; numbers are read from the right. */
  align?: 'left' | 'right';
  /** Only with `-o wide`. */
  wide?: boolean;
  /** Not with `-o wide`, where others say more. */
  narrow?: boolean;
  text(row: R): string;
  /** `null`, or without it: as all text. */
  colour?(row: R): Colour | null;
}

export interface TableStyle {
  wide: boolean;
  /** Spaces between columns: Linkerd's tables of traffic have three, its newer ones two. */
  gap: number;
  paint(colour: Colour, text: string): string;
}

/** A header and a line for each row, each ended, as Linkerd prints them: people cut them into columns by their spaces. */
export function renderTable<R>(columns: readonly Column<R>[], rows: readonly R[], style: TableStyle): string {
  const shown = columns.filter(({ wide = false, narrow = false }) => (style.wide ? !narrow : !wide));
  const cells = rows.map((row) => shown.map(({ text }) => printable(text(row))));
  const widths = shown.map(({ header }, at) => Math.max(widthOf(header), ...cells.map((line) => widthOf(line[at]!))));
  const between = ' '.repeat(style.gap);
  const header = shown.map((column, at) => padded(column.header, widths[at]!, column));
  const lines = cells.map((line, row) =>
    shown.map((column, at) => {
      const text = padded(line[at]!, widths[at]!, column);
      const colour = column.colour?.(rows[row]!) ?? null;
      return colour === null ? text : style.paint(colour, text);
    }),
  );
  return [header, ...lines].map((line) => `${joined(line, between).trimEnd()}\n`).join('');
}

/** What a branch of a tree is drawn with: it goes on to the end of its column, and over the space between two of them. */
const BRANCH = '─';

function padded(text: string, width: number, { align = 'left' }: { align?: 'left' | 'right' }): string {
  const missing = width - widthOf(text);
  if (text.endsWith(BRANCH)) return text + BRANCH.repeat(missing);
  if (text.startsWith(BRANCH)) return BRANCH.repeat(missing) + text;
  const space = ' '.repeat(missing);
  return align === 'left' ? text + space : space + text;
}

function joined(cells: readonly string[], between: string): string {
  return cells.reduce((line, cell) => {
    const isBranch = line.endsWith(BRANCH) && cell.startsWith(BRANCH);
    return line + (isBranch ? BRANCH.repeat(between.length) : between) + cell;
  });
}

/** Characters; names of routes may have any. */
function widthOf(text: string): number {
  let width = 0;
  for (const _ of text) width++;
  return width;
}
