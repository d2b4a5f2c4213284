import { printable } from '../../crds/scalars/scalar.ts';
import type { Context } from '../context.ts';
import { painter } from './colour.ts';
import type { Format } from './format.ts';
import { harmless, jsonOf } from './harmless.ts';
import { type Column, renderTable, type TableStyle } from './table.ts';

/** What a verb has found, in every form in which it can be printed. */
export interface Listing {
  /** None: there is nothing. With several, an empty line between. */
  tables: readonly Table[];
  /** Of `-o json`, which `-o yaml` and `-o jsonpath` take too. */
  value: unknown;
  /** Of `-o name`: `kind.group/name`, as kubectl has it. */
  names: readonly string[];
}

export interface Table {
  /** Above the header; empty = none. */
  title: string;
  render(style: Omit<TableStyle, 'gap'>): string;
}

/** @param gap as `TableStyle` has it */
export function table<R>(columns: readonly Column<R>[], rows: readonly R[], gap: number, title = ''): Table {
  return { title, render: (style) => renderTable(columns, rows, { ...style, gap }) };
}

/** The text for stdout. Of tables that are empty it is empty, and `none` stands on stderr, as Linkerd has it. */
export async function printed(context: Context, listing: Listing, format: Format, none: string): Promise<string> {
  switch (format.type) {
    case 'json':
      return `${jsonOf(listing.value)}\n`;
    case 'yaml':
      return (await import('./yaml.ts')).yamlOf(listing.value);
    case 'name':
      return listing.names.map((name) => `${printable(name)}\n`).join('');
    case 'jsonpath': {
      const { evaluateJsonPath } = await import('./jsonpath/evaluate.ts');
      return harmless(evaluateJsonPath(format.template, listing.value));
    }
    default:
      return tablesOf(context, listing, format.type === 'wide', none);
  }
}

function tablesOf(context: Context, { tables }: Listing, wide: boolean, none: string): string {
  if (tables.length === 0) context.stderr.write(`${none}\n`);
  const paint = painter(context.stdout, context);
  return tables
    .map(({ title, render }) => (title === '' ? '' : `${printable(title)}\n`) + render({ wide, paint }))
    .join('\n');
}
