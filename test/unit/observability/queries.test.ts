import { expect } from 'chai';
import { readAlerts, readRules } from '../../../hack/observability/files.ts';
import { selectorsOf } from '../../../hack/observability/proof.ts';
import { type Shorter, shortenQuery, shortenRules } from '../../../hack/observability/shortened.ts';

const SHORTER: Shorter = { window: '15s', longWindow: '60s', pending: '2s', staleSeconds: 25 };
/** Of a family, or of a recording rule. */
const NAME = /\b\w+_(?:total|seconds|bucket|status|requests|proxies|stores|incomplete|endpoints)\b|\w+:\w+|\bup\b/;
const TIMES = /\[\w+\]|\boffset \w+/g;

describe('queries of rules, as they are shown to work', () => {
  it('of alerts are asked without their conditions: every vector that one selects', () => {
    for (const { alert, expr } of readAlerts()) {
      const selectors = selectorsOf(expr);
      expect(selectors, alert).to.have.length.above(0);
      const rest = selectors
        .toSorted((a, b) => b.length - a.length)
        .reduce((text, one) => text.replaceAll(one, ''), expr);
      expect(rest, alert).not.to.match(NAME);
    }
  });

  it('differ where nobody waits in lengths of time only', () => {
    const rules = readRules().flatMap(({ groups }) => groups.flatMap((group) => group.rules));
    const changed: string[] = [];
    for (const { alert, record, expr } of rules) {
      const shorter = shortenQuery(expr, SHORTER);
      if (shorter.replaceAll(TIMES, '') !== expr.replaceAll(TIMES, '')) changed.push(alert ?? record ?? '');
      for (const [time] of shorter.matchAll(TIMES)) expect(time).to.match(/^(\[(15|60)s\]|offset (15|60)s)$/);
    }
    // Its threshold is a length of time.
    expect(changed).to.deep.equal(['WeftProxyStale']);
  });

  it('keep names, labels and texts, and wait only where they waited', () => {
    for (const { groups } of readRules()) {
      const shorter = shortenRules(groups, SHORTER);
      for (const [index, group] of groups.entries()) {
        const expected = group.rules.map((rule) => ({
          ...rule,
          expr: '',
          ...(rule.for === undefined ? {} : { for: '2s' }),
        }));
        expect(shorter[index]!.rules.map((rule) => ({ ...rule, expr: '' }))).to.deep.equal(expected);
      }
    }
  });
});
