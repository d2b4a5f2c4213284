import { expect } from 'chai';
import { CliError } from '../../../../cli/errors.ts';
import { readAnswer } from '../../../../cli/traffic/answer.ts';

describe('an answer of live numbers', () => {
  const answer = (items: unknown, more = {}) => ({ kind: 'TrafficList', by: ['name', 'counted'], items, ...more });

  it('is taken as far as it can be used: a control plane of another version may say less, or more', () => {
    const { items, missing } = readAnswer(
      answer(
        [
          { labels: ['a', 'requests'], counts: { success: 3, ofTheFuture: 9 }, seconds: 60, latencyMs: { p50: 1.5 } },
          { labels: ['b'], counts: { success: 1 } },
          {
            labels: ['c', 7],
            counts: { success: -1, failure: '9', retries: Number.NaN },
            latencyMs: 'x',
            seconds: null,
          },
          null,
          'x',
        ],
        { missing: ['replica', 5] },
      ),
    );
    expect(items.map((item) => [item.label('name'), item.label('counted')])).to.deep.equal([
      ['a', 'requests'],
      ['c', ''],
    ]);
    expect(items[0]!.counts).to.include({ success: 3, failure: 0, open: 0 }).and.not.to.have.property('ofTheFuture');
    expect(items[0]!.latencyMs).to.deep.equal({ p50: 1.5, p95: null, p99: null });
    expect(items[0]!.label('namespace')).to.equal('');
    expect(items[1]!.counts).to.include({ success: 0, failure: 0, retries: 0 });
    expect(items[1]!.seconds).to.equal(0);
    expect(missing).to.deep.equal(['replica', '']);
  });

  it('that is something else is an error with a code', () => {
    for (const raw of [null, [], 'text', {}, { kind: 'Status' }, answer({}), answer(undefined)]) {
      expect(() => readAnswer(raw), JSON.stringify(raw))
        .to.throw(CliError)
        .with.property('code', 'WEFT_CLI_LIVE_NUMBERS');
    }
  });
});
