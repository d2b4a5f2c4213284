import { expect } from 'chai';
import fc from 'fast-check';
import { parseTraffic, type ServiceTraffic } from '../../../../crds/annotations/traffic.ts';
import type { MeshModel } from '../../../../crds/kinds/mesh/model.ts';
import type { Balancer } from '../../../../proxy-image/contract/policy/balancer.ts';
import { meshWith } from '../../../support/pods.ts';

const MESH: MeshModel['proxy']['balancer'] = { type: 'ewma', defaultRttMs: 50, decayMs: 20_000 };
const LINKERD = 'balancer.linkerd.io/failure-accrual';
const ALPHA = 'balancer.alpha.linkerd.io';
const WEFT = 'balancer.weft.dev';

function parse(
  annotations: Record<string, string>,
  mesh: MeshModel['proxy']['balancer'] = MESH,
): { traffic: ServiceTraffic; problems: string[] } {
  const { traffic, problems } = parseTraffic(annotations, meshWith({ balancer: mesh }));
  return { traffic, problems: problems.map(({ severity, path, message }) => `${severity} ${path}: ${message}`) };
}

/** What is accepted without a word. */
function accepted(annotations: Record<string, string>, mesh: MeshModel['proxy']['balancer'] = MESH): ServiceTraffic {
  const { traffic, problems } = parse(annotations, mesh);
  expect(problems).to.deep.equal([]);
  return traffic;
}

const DEFAULTS: ServiceTraffic = {
  balancer: MESH,
  slowStartMs: 0,
  breaker: null,
  penalty: null,
  retry: null,
  timeouts: { requestMs: 0, responseMs: 0, idleMs: 0 },
};

const CONSECUTIVE = {
  type: 'consecutive',
  maxFailures: 7,
  minPenaltyMs: 1_000,
  maxPenaltyMs: 60_000,
  jitterRatio: 0.5,
  maxEjectedPercent: 100,
} as const;

describe('traffic annotations of a Service', () => {
  it('are defaults where there are none, others notwithstanding', () => {
    expect(accepted({})).to.deep.equal(DEFAULTS);
    expect(accepted({ 'config.linkerd.io/opaque-ports': '25', 'example.com/retry': 'x' })).to.deep.equal(DEFAULTS);
  });

  it('are the same bytes for the same values, in whatever order they are written', () => {
    const entries = Object.entries({
      [LINKERD]: 'unified',
      [`${WEFT}/algorithm`]: 'aperture',
      'retry.linkerd.io/http': '5xx,418',
      'timeout.linkerd.io/idle': '1s',
      [`${ALPHA}/penalize-failures`]: 'true',
    });
    const texts = [entries, entries.toReversed()].map((each) => JSON.stringify(accepted(Object.fromEntries(each))));
    expect(texts[0]).to.equal(texts[1]);
  });

  const balancers: [algorithm: string, key: string | null, expected: Balancer][] = [
    ['ewma', null, MESH],
    ['least-loaded', null, { type: 'leastLoaded' }],
    ['round-robin', null, { type: 'roundRobin' }],
    ['aperture', null, { type: 'aperture', defaultRttMs: 50, decayMs: 20_000, endpoints: 12 }],
    ['consistent-hash', 'source', { type: 'consistentHash', key: { type: 'source' } }],
    ['consistent-hash', 'header:X-User', { type: 'consistentHash', key: { type: 'header', name: 'x-user' } }],
    ['consistent-hash', 'cookie:SID', { type: 'consistentHash', key: { type: 'cookie', name: 'SID' } }],
  ];
  for (const [algorithm, key, expected] of balancers) {
    it(`balance by ${algorithm} ${key ?? ''}`, () => {
      const more: Record<string, string> = key === null ? {} : { [`${WEFT}/hash-key`]: key };
      expect(accepted({ [`${WEFT}/algorithm`]: algorithm, ...more }).balancer).to.deep.equal(expected);
    });
  }

  it('may ask for ewma where the Mesh balances otherwise', () => {
    const balancer = accepted({ [`${WEFT}/algorithm`]: 'ewma' }, { type: 'roundRobin' }).balancer;
    expect(balancer).to.deep.equal({ type: 'ewma', defaultRttMs: 30, decayMs: 10_000 });
    expect(accepted({}, { type: 'roundRobin' }).balancer).to.deep.equal({ type: 'roundRobin' });
  });

  it('start new endpoints slowly', () => {
    expect(accepted({ [`${WEFT}/slow-start`]: '1m30s' }).slowStartMs).to.equal(90_000);
  });

  it('break circuits with the defaults of Linkerd', () => {
    expect(accepted({ [LINKERD]: 'consecutive' }).breaker).to.deep.equal(CONSECUTIVE);
    expect(accepted({ [LINKERD]: ' unified ' }).breaker).to.deep.equal({
      ...CONSECUTIVE,
      type: 'unified',
      successRate: { threshold: 0.8, windowMs: 10_000, minRequests: 5 },
      honorRetryAfter: false,
    });
  });

  it('break circuits as they say', () => {
    const consecutive = {
      [`${LINKERD}-consecutive-max-failures`]: '3',
      [`${LINKERD}-consecutive-min-penalty`]: '500ms',
      [`${LINKERD}-consecutive-max-penalty`]: '5m',
      [`${LINKERD}-consecutive-jitter-ratio`]: '1.25',
      [`${WEFT}/max-ejected`]: '50%',
    };
    const rate = {
      [`${ALPHA}/failure-accrual-success-rate-threshold`]: '.95',
      [`${ALPHA}/failure-accrual-success-rate-window`]: '10ms',
      [`${ALPHA}/failure-accrual-success-rate-min-requests`]: '1000000',
      [`${ALPHA}/failure-accrual-honor-retry-after`]: 'true',
    };
    const expected = {
      maxFailures: 3,
      minPenaltyMs: 500,
      maxPenaltyMs: 300_000,
      jitterRatio: 1.25,
      maxEjectedPercent: 50,
    };
    expect(accepted({ [LINKERD]: 'consecutive', ...consecutive }).breaker).to.deep.equal({
      type: 'consecutive',
      ...expected,
    });
    expect(accepted({ [LINKERD]: 'unified', ...consecutive, ...rate }).breaker).to.deep.equal({
      type: 'unified',
      ...expected,
      successRate: { threshold: 0.95, windowMs: 10, minRequests: 1_000_000 },
      honorRetryAfter: true,
    });
    expect(accepted({ ...consecutive, ...rate }).breaker).to.equal(null);
  });

  it('penalise rate-limited responses', () => {
    const wanted = { [`${ALPHA}/penalize-failures`]: 'true' };
    const amounts = { [`${ALPHA}/load-biaser-penalty`]: '2s', [`${ALPHA}/load-biaser-max-retry-after`]: '1m' };
    expect(accepted(wanted).penalty).to.deep.equal({ penaltyMs: 5_000, maxRetryAfterMs: 300_000 });
    expect(accepted({ ...wanted, ...amounts }).penalty).to.deep.equal({ penaltyMs: 2_000, maxRetryAfterMs: 60_000 });
    expect(accepted(amounts).penalty).to.equal(null);
    expect(accepted({ [`${ALPHA}/penalize-failures`]: 'false' }).penalty).to.equal(null);
  });

  it('retry as they say', () => {
    const retry = {
      'retry.linkerd.io/http': '5xx, gateway-error,418,500-502, 418',
      'retry.linkerd.io/grpc': 'cancelled,Deadline-Exceeded,internal,resource-exhausted,unavailable',
      'retry.linkerd.io/limit': '4',
      'retry.linkerd.io/timeout': '250ms',
    };
    expect(accepted(retry).retry).to.deep.equal({
      http: [
        [500, 599],
        [502, 504],
        [418, 418],
        [500, 502],
      ],
      grpc: [1, 4, 13, 8, 14],
      limit: 4,
      timeoutMs: 250,
      backoffMs: 25,
    });
  });

  it('retry once as soon as one of them is there', () => {
    const nothing = { http: [], grpc: [], limit: 1, timeoutMs: 0, backoffMs: 25 };
    expect(accepted({ 'retry.linkerd.io/http': '503' }).retry).to.deep.equal({ ...nothing, http: [[503, 503]] });
    expect(accepted({ 'retry.linkerd.io/timeout': '1s' }).retry).to.deep.equal({ ...nothing, timeoutMs: 1_000 });
    expect(accepted({ 'retry.linkerd.io/limit': '0' }).retry).to.deep.equal({ ...nothing, limit: 0 });
  });

  it('time out as they say', () => {
    const timeouts = {
      'timeout.linkerd.io/request': '1s',
      'timeout.linkerd.io/response': '1500us',
      'timeout.linkerd.io/idle': '0s',
    };
    expect(accepted(timeouts).timeouts).to.deep.equal({ requestMs: 1_000, responseMs: 2, idleMs: 0 });
  });
});

describe('a traffic annotation that is not accepted', () => {
  const rows: [name: string, ...values: string[]][] = [
    [LINKERD, '', 'Consecutive', 'outlier'],
    [`${LINKERD}-consecutive-max-failures`, '0', '-1', '1.5', '1e3', '2147483648', '9'.repeat(400), 'NaN', ''],
    [`${LINKERD}-consecutive-min-penalty`, '0s', '-1s', '5', '25h', '1e9s', 'soon'],
    [`${LINKERD}-consecutive-max-penalty`, '0s', '999999999999h', ''],
    [`${LINKERD}-consecutive-jitter-ratio`, '100.1', '-0.5', '1e999', 'Infinity', 'NaN', '.', ''],
    [`${ALPHA}/failure-accrual-success-rate-threshold`, '1.01', '80%', '-0'],
    [`${ALPHA}/failure-accrual-success-rate-window`, '9ms', '9.9ms', '0'],
    [`${ALPHA}/failure-accrual-success-rate-min-requests`, '1000001', '-5'],
    [`${ALPHA}/failure-accrual-honor-retry-after`, 'yes', '1', 'TRUE'],
    [`${ALPHA}/penalize-failures`, 'on', ''],
    [`${ALPHA}/load-biaser-penalty`, '-5s', '5'],
    [`${ALPHA}/load-biaser-max-retry-after`, 'forever'],
    [`${WEFT}/algorithm`, 'maglev', 'EWMA', ''],
    [`${WEFT}/hash-key`, 'header:', 'header:a b', 'cookie:a;b', `header:${'x'.repeat(257)}`, 'query:q', 'constructor'],
    [`${WEFT}/slow-start`, '-1s', '48h'],
    [`${WEFT}/max-ejected`, '101%', '-1%', '50.5%', '0x10', '%', '1e2'],
    [
      'retry.linkerd.io/http',
      '',
      '99',
      '600',
      '5xx,',
      '504-502',
      '4xx',
      '5xx,banana',
      '500-',
      'toString',
      '503,'.repeat(2_000),
    ],
    ['retry.linkerd.io/grpc', '', '14', 'UNKNOWN', 'unavailable unavailable', '__proto__'],
    ['retry.linkerd.io/limit', '65536', '-1', 'many'],
    ['retry.linkerd.io/timeout', '-1ms', '300'],
    ['timeout.linkerd.io/request', '300', '-1s', '24h1ms', '1e999s'],
    ['timeout.linkerd.io/response', 'none'],
    ['timeout.linkerd.io/idle', '1d'],
  ];
  for (const [name, ...values] of rows) {
    for (const value of values) {
      it(`${name}: ${JSON.stringify(value.slice(0, 30))} leaves the default in force, and says so`, () => {
        const { traffic, problems } = parse({ [name]: value });
        expect(traffic).to.deep.equal(DEFAULTS);
        const errors = problems.filter((problem) =>
          problem.startsWith(`error metadata.annotations[${name}]: must be `),
        );
        expect(errors, problems.join()).to.have.length(1);
        expect(errors[0]!.length).to.be.below(500);
      });
    }
  }

  it('takes nothing from the others', () => {
    const { traffic, problems } = parse({ [LINKERD]: 'consecutive', [`${LINKERD}-consecutive-max-failures`]: 'x' });
    expect([traffic.breaker, problems.length]).to.deep.equal([CONSECUTIVE, 1]);
  });

  it('is a shortest penalty above the longest, which voids both', () => {
    const { traffic, problems } = parse({ [LINKERD]: 'consecutive', [`${LINKERD}-consecutive-min-penalty`]: '2m' });
    expect(traffic.breaker).to.deep.equal(CONSECUTIVE);
    expect(problems).to.deep.equal([
      `error metadata.annotations[${LINKERD}-consecutive-min-penalty]: must not be longer than ${LINKERD}-consecutive-max-penalty (60000ms), not "2m"`,
    ]);
  });

  it('is consistent hashing without a key, and a key without consistent hashing', () => {
    const keyless = parse({ [`${WEFT}/algorithm`]: 'consistent-hash' });
    expect(keyless.traffic.balancer).to.deep.equal(MESH);
    expect(keyless.problems).to.deep.equal([
      `error metadata.annotations[${WEFT}/algorithm]: needs ${WEFT}/hash-key, not "consistent-hash"`,
    ]);
    expect(parse({ [`${WEFT}/algorithm`]: 'consistent-hash', [`${WEFT}/hash-key`]: 'x' }).problems).to.have.length(1);
    expect(parse({ [`${WEFT}/hash-key`]: 'source' }).problems).to.deep.equal([
      `warning metadata.annotations[${WEFT}/hash-key]: has an effect only with ${WEFT}/algorithm: consistent-hash`,
    ]);
  });

  it('is a name that nobody knows, in these domains only', () => {
    const { traffic, problems } = parse({
      'retry.linkerd.io/https': '5xx',
      [`${LINKERD}-consecutive-max-failure`]: '3',
      'retry.linkerd.io': 'x',
      'other.io/http': 'x',
    });
    expect(traffic).to.deep.equal(DEFAULTS);
    expect(problems).to.deep.equal([
      'warning metadata.annotations[retry.linkerd.io/https]: is not known and has no effect',
      `warning metadata.annotations[${LINKERD}-consecutive-max-failure]: is not known and has no effect`,
    ]);
  });

  it('never throws, and never lets a number out of its range, whatever is written', () => {
    const names = fc.constantFrom(...rows.map(([name]) => name));
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.double().map(String),
      fc.constantFrom('1e999', 'NaN', '5xx', '1s'),
    );
    fc.assert(
      fc.property(fc.dictionary(names, text), (annotations) => {
        const { traffic } = parse({ [LINKERD]: 'unified', ...annotations });
        expect(JSON.parse(JSON.stringify(traffic))).to.deep.equal(traffic);
        expect(JSON.stringify(traffic)).to.not.match(/[:[,]-|e\+/);
      }),
    );
  });
});
