import { printable } from '../../crds/scalars/scalar.ts';
import type { TapShown } from '../../crds/viz/tap.ts';
import type { Context } from '../context.ts';
import { painter } from '../output/colour.ts';
import { renderTable } from '../output/table.ts';
import { frameOf } from '../output/watch.ts';
import { columnsOf } from './columns.ts';
import { type TopOptions, TopRows } from './rows.ts';

const GAP = 2;

/** The table as it is now: on a terminal in place, in a pipe again where it differs. */
export class TopScreen {
  readonly #context: Context;
  readonly #options: TopOptions;
  readonly #rows: TopRows;
  /** What was said last beside the traffic. */
  #note = '';
  #before: string | null = null;

  constructor(context: Context, options: TopOptions) {
    this.#context = context;
    this.#options = options;
    this.#rows = new TopRows(options);
  }

  add(event: TapShown): void {
    this.#rows.add(event);
  }

  /** On a terminal it would be drawn over: it stands above the table. */
  note(text: string): void {
    this.#note = text.trim().replaceAll('\n', '; ');
  }

  draw(): void {
    const { stdout } = this.#context;
    const style = { wide: false, gap: GAP, paint: painter(stdout, this.#context) };
    const rows = this.#rows.rows();
    const table = renderTable(columnsOf(this.#options), rows, style);
    if (stdout.terminal !== null) {
      const above = this.#note === '' ? '^C ends it' : printable(this.#note);
      stdout.write(frameOf(`${above}\n\n${table}`, stdout.terminal, this.#before === null));
    } else if (rows.length > 0 && table !== this.#before) {
      stdout.write(this.#before === null ? table : `\n${table}`);
    }
    if (rows.length > 0 || stdout.terminal !== null) this.#before = table;
  }
}
