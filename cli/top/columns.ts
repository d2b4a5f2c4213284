import type { Column } from '../output/table.ts';
import { percent } from '../traffic/figures.ts';
import type { TopOptions, TopRow } from './rows.ts';

/** Those of Linkerd's `viz top`, in its order. */
export function columnsOf({ hideSources, routes }: TopOptions): Column<TopRow>[] {
  return [
    ...(hideSources ? [] : [{ header: 'Source', text: ({ source }: TopRow) => source }]),
    { header: 'Destination', text: ({ destination }) => destination },
    ...(routes
      ? [{ header: 'Route', text: ({ route }: TopRow) => route }]
      : [
          { header: 'Method', text: ({ method }: TopRow) => method },
          { header: 'Path', text: ({ path }: TopRow) => path },
        ]),
    { header: 'Count', align: 'right', text: ({ count }) => String(count) },
    { header: 'Best', align: 'right', text: ({ bestUs }) => durationText(bestUs) },
    { header: 'Worst', align: 'right', text: ({ worstUs }) => durationText(worstUs) },
    { header: 'Last', align: 'right', text: ({ lastUs }) => durationText(lastUs) },
    {
      header: 'Success Rate',
      align: 'right',
      text: (row) => percent(row.successes / row.count),
      colour: (row) => (row.successes === row.count ? null : 'red'),
    },
  ];
}

/** Three digits that say something: `850µs`, `12ms`, `1.5s`. */
function durationText(us: number): string {
  if (us < 1_000) return `${us}µs`;
  return us < 1_000_000 ? `${Math.round(us / 1_000)}ms` : `${(us / 1_000_000).toFixed(1)}s`;
}
