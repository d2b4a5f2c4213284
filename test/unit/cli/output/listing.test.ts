import { expect } from 'chai';
import type { Command } from 'commander';
import { parse } from 'yaml';
import { EXIT } from '../../../../cli/exit.ts';
import { type Listing, printed, table } from '../../../../cli/output/listing.ts';
import { declareListing, type ListingOptions } from '../../../../cli/output/options.ts';
import type { Column } from '../../../../cli/output/table.ts';
import { frameOf, printWatched } from '../../../../cli/output/watch.ts';
import type { Call, VerbRow } from '../../../../cli/verb.ts';
import { runCli } from '../../../support/cli.ts';

interface Row {
  name: string;
  count: number;
}

const COLUMNS: readonly Column<Row>[] = [
  { header: 'NAME', text: ({ name }) => name },
  {
    header: 'COUNT',
    align: 'right',
    text: ({ count }) => String(count),
    colour: (row) => (row.count > 9 ? 'red' : null),
  },
  { header: 'TWICE', align: 'right', wide: true, text: ({ count }) => String(2 * count) },
];
const ROWS: readonly Row[] = [
  { name: 'a', count: 1 },
  { name: 'second', count: 1000 },
];
/** What a terminal would obey: a colour, a title (C1), a turn of the direction of writing, a new line. */
const HOSTILE = 'x\u001b[31m\u009d0;t\u202e\n';

function listingOf(rows: readonly Row[]): Listing {
  return {
    tables: rows.length === 0 ? [] : [table(COLUMNS, rows, 3)],
    value: rows,
    names: rows.map(({ name }) => `pod/${name}`),
  };
}

describe('what verbs list', () => {
  const verbs = (rows: readonly Row[]): VerbRow[] => [
    {
      name: 'list',
      summary: 'Lists what this test has',
      group: 'Other:',
      load: async () => ({
        describe: (command: Command) =>
          void declareListing(command.argument('[names...]'), ['watch', 'allNamespaces', 'selector', 'timeWindow']),
        async run({ context, command }: Call) {
          const { output, watch = false, timeWindow } = command.opts<ListingOptions>();
          context.stderr.write(command.args.length > 0 ? `${timeWindow} s\n` : '');
          await printWatched(context, watch, () => printed(context, listingOf(rows), output, 'Nothing found.'));
          return EXIT.ok;
        },
      }),
    },
  ];
  const list = (argv: string[], rows: readonly Row[] = ROWS, world = {}) =>
    runCli(['list', ...argv], { verbs: verbs(rows), ...world });
  const outputOf = async (format: string, rows: readonly Row[] = ROWS) => (await list(['-o', format], rows)).stdout;

  it('is a table, names from the left, numbers from the right, and more columns where they are wanted', async () => {
    expect((await list([])).stdout).to.equal('NAME     COUNT\na            1\nsecond    1000\n');
    expect(await outputOf('wide')).to.equal('NAME     COUNT   TWICE\na            1       2\nsecond    1000    2000\n');
  });

  it('is JSON, YAML, names, or what a template makes of it', async () => {
    expect(JSON.parse(await outputOf('json'))).to.deep.equal(ROWS);
    expect(parse(await outputOf('yaml'))).to.deep.equal(ROWS);
    expect(await outputOf('name')).to.equal('pod/a\npod/second\n');
    expect(await outputOf('jsonpath={range [*]}{.name}={.count}{"\\n"}{end}')).to.equal('a=1\nsecond=1000\n');
  });

  it('that is nothing says so on stderr, and is an empty list for programs', async () => {
    expect(await list([], [])).to.deep.equal({ status: 0, stdout: '', stderr: 'Nothing found.\n' });
    expect(await list(['-o', 'json'], [])).to.deep.equal({ status: 0, stdout: '[]\n', stderr: '' });
  });

  it('has colours on a terminal only, and never where NO_COLOR is set', async () => {
    const terminal = { columns: 80, rows: 24 };
    expect((await list([], ROWS, { terminal })).stdout).to.include('\u001b[31m 1000\u001b[39m');
    expect((await list([], ROWS, { terminal, env: { NO_COLOR: '1' } })).stdout).not.to.include('\u001b');
    expect((await list([], ROWS)).stdout).not.to.include('\u001b');
  });

  it('shows nothing that a terminal obeys, whatever names there are, and loses none of it', async () => {
    const rows = [{ name: HOSTILE, count: 1 }];
    const formats = ['table', 'wide', 'json', 'yaml', 'name', 'jsonpath={[0].name}'];
    for (const format of formats) {
      const text = await outputOf(format, rows);
      expect(text.replaceAll('\n', ''), format).not.to.match(/[\p{Cc}\p{Cf}]/u);
      expect(text, format).to.match(/\\u001b|\\e/);
    }
    expect(JSON.parse(await outputOf('json', rows))).to.deep.equal(rows);
    expect(parse(await outputOf('yaml', rows))).to.deep.equal(rows);
    expect((await outputOf('table', rows)).split('\n')).to.have.length(3);
  });

  it('refuses a form that it does not have, a template that is not understood, and a time beyond the window', async () => {
    const wrong: [string[], RegExp][] = [
      [['-o', 'jason'], /must be one of table, wide, json, yaml, name, jsonpath=/],
      [['-o', 'jsonpath={.a'], /is expected at|is expected/],
      [['-t', '11m'], /from 1s to 10m0s/],
      [['-t', '-5s'], /duration such as/],
      [['-t', 'soon'], /duration such as/],
    ];
    for (const [argv, words] of wrong) {
      const { status, stderr } = await list(argv);
      expect(status, argv.join(' ')).to.equal(2);
      expect(stderr).to.match(words);
    }
    expect((await list(['x', '-t', '1m30s'])).stderr).to.equal('90 s\n');
  });
});

describe('--watch', () => {
  it('in a pipe prints what differs from what was there, until nobody reads', async () => {
    const reading = new AbortController();
    const texts = ['a\n', 'a\n', 'b\n'];
    const asked: string[] = [];
    const verbs = watching(async () => {
      const text = texts[asked.length] ?? 'c\n';
      asked.push(text);
      return text;
    });
    const wrote: string[] = [];
    const { status } = await runCli(['watch'], {
      verbs,
      unread: reading.signal,
      wrote: (text) => {
        wrote.push(text);
        if (text.endsWith('b\n')) reading.abort();
      },
    });
    expect(status).to.equal(0);
    expect(wrote).to.deep.equal(['a\n', '\nb\n']);
    expect(asked).to.deep.equal(['a\n', 'a\n', 'b\n']);
  }).timeout(10_000);

  it('on a terminal draws over what it has drawn, and cuts what does not fit', () => {
    expect(frameOf('ab\ncd\n', { columns: 80, rows: 24 }, true)).to.equal(
      '\u001b[2J\u001b[Hab\u001b[K\ncd\u001b[K\n\u001b[K\u001b[J',
    );
    const small = frameOf('\u001b[31mabc\u001b[39m\nd\ne\n', { columns: 2, rows: 3 }, false);
    expect(small).to.equal('\u001b[H\u001b[31mab\u001b[39m\u001b[K\nd\u001b[K\u001b[J');
  });

  function watching(ask: () => Promise<string>): VerbRow[] {
    return [
      {
        name: 'watch',
        summary: 'Watches what this test says',
        group: 'Other:',
        load: async () => ({
          describe: () => {},
          async run({ context }: Call) {
            await printWatched(context, true, ask);
            return EXIT.ok;
          },
        }),
      },
    ];
  }
});
