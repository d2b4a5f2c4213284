import { expect } from 'chai';
import { type Decision, decide } from '../../support/routes/decide.ts';
import type { Headers } from '../../support/routes/interpret.ts';
import type { RouteExpectation } from '../../support/routes/row.ts';
import { ROUTE_ROWS } from '../../support/routes/table.ts';

function sharesOf({ backend, shares, status }: RouteExpectation): Record<string, number> {
  if (shares !== undefined) return { ...shares };
  if (backend !== undefined) return { [backend]: 100 };
  return status === undefined ? {} : { invalid: 100 };
}

function expectHeaders(seen: Headers, wanted: Readonly<Record<string, string | null>>): void {
  for (const [name, value] of Object.entries(wanted)) expect(seen.get(name)?.join(',') ?? null, name).to.equal(value);
}

function check({ outcome, entry }: Decision, expected: RouteExpectation): void {
  expect(outcome.shares).to.deep.equal(sharesOf(expected));
  for (const name of ['status', 'grpcStatus', 'location', 'target', 'host', 'delayMs'] as const) {
    if (expected[name] !== undefined) expect(outcome[name], name).to.equal(expected[name]);
  }
  expectHeaders(outcome.requestHeaders, expected.requestHeaders ?? {});
  expectHeaders(outcome.responseHeaders, expected.responseHeaders ?? {});
  expect(outcome.mirrors).to.deep.equal(expected.mirrors ?? {});
  const { origin, timeouts, retry } = entry.policy;
  if (expected.route !== undefined) expect(`${origin.namespace}/${origin.name}`).to.equal(expected.route);
  if (expected.section !== undefined) expect(entry.name).to.equal(expected.section);
  if (expected.timeouts !== undefined) expect(timeouts).to.include(expected.timeouts);
  if (expected.retry === null) expect(retry).to.equal(null);
  else if (expected.retry !== undefined) expect({ ...retry, ...expected.retry }).to.deep.equal(retry);
}

describe('routes, from raw objects to what a proxy decides', () => {
  it('are shown by at least 120 rows, each with its rule and its own title', () => {
    const rows = Object.values(ROUTE_ROWS).flat();
    expect(rows.length).to.be.at.least(120);
    for (const { rule, title } of rows) expect(rule, title).to.not.equal('');
    for (const [about, of] of Object.entries(ROUTE_ROWS)) {
      expect(new Set(of.map(({ title, rule }) => `${title} ${rule}`)).size, about).to.equal(of.length);
    }
  });

  for (const [about, rows] of Object.entries(ROUTE_ROWS)) {
    describe(about, () => {
      for (const row of rows) {
        it(`${row.title} (${row.rule})`, () => {
          check(decide(row), row.expect);
        });
      }
    });
  }
});
