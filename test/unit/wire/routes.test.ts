import { expect } from 'chai';
import { ROUTE_ROWS } from '../../support/routes/table.ts';
import type { Answer } from '../../wire/app/contract.ts';
import { routeRows } from '../../wire/routes.ts';
import { isOfTimes } from '../../wire/routes-times.ts';

const ALL = Object.values(ROUTE_ROWS).flat();
const OF_TIMES = new Set(ALL.filter((row) => isOfTimes(row.expect)).map(({ title }) => title));

/** As if the route said nothing of times and retries. */
const AT_ONCE: Answer = {
  status: 200,
  grpcStatus: -1,
  headers: {},
  seen: { name: 'v1', method: 'GET', target: '/', host: 'web', headers: {} },
  ms: 3,
  error: '',
};

describe('rows of routes, for the wire', () => {
  it('are all asked with the definitions of the experimental channel, and otherwise left out with a reason', () => {
    const experimental = routeRows('experimental');
    expect(experimental.absent).to.deep.equal({});
    expect(experimental.rows).to.have.lengthOf(ALL.length);
    const { rows, absent } = routeRows('standard');
    expect(rows.length + Object.keys(absent).length).to.equal(ALL.length);
    for (const why of Object.values(absent)) expect(why).to.include('standard channel');
  });

  it('ask, where they are about times or retries, what a Service that answers at once does not satisfy', () => {
    const rows = routeRows('experimental').rows.filter(({ title }) => OF_TIMES.has(title));
    expect(rows.length).to.be.at.least(15);
    for (const { title, questions } of rows) {
      const [where, ...times] = questions;
      expect(where!.counted, title).to.equal(false);
      expect(times, title).to.not.be.empty;
      for (const { judge, expected } of times) {
        const grpcStatus = expected.startsWith('grpc') ? 0 : -1;
        expect(judge([{ ...AT_ONCE, grpcStatus }], { v1: 1, 'calls-v1': 1 }).holds, `${title}: ${expected}`).to.equal(
          false,
        );
      }
    }
  });
});
