import { expect } from 'chai';
import { newerService } from '../../../proxy-image/contract/older-operators.ts';
import { type OlderService, olderBody, olderService } from '../../../proxy-image/contract/older-proxies.ts';
import type { Backend } from '../../../proxy-image/contract/policy/backend.ts';
import type { Distribution } from '../../../proxy-image/contract/policy/distribution.ts';
import type { Filter } from '../../../proxy-image/contract/policy/filter.ts';
import type { InboundRule } from '../../../proxy-image/contract/policy/inbound.ts';
import { MATCHES_ALL, type RequestMatch } from '../../../proxy-image/contract/policy/match.ts';
import { DEFAULT_ROUTE, serviceMeta } from '../../../proxy-image/contract/policy/meta.ts';
import type { OutboundPolicy } from '../../../proxy-image/contract/policy/outbound.ts';
import { DEFAULT_QUEUE } from '../../../proxy-image/contract/policy/queue.ts';
import type { RoutePolicy } from '../../../proxy-image/contract/policy/route-policy.ts';
import { NO_TIMEOUTS } from '../../../proxy-image/contract/policy/timeouts.ts';
import type { PortPolicy, WorkloadResource } from '../../../proxy-image/contract/resources.ts';
import { backend, endpointsKey, portPolicy, route, service, serviceSketch, workload } from '../core/fixtures.ts';

const WEB = 0;
const CANARY = 1;

function backendOf(name: string, dispatch: Partial<Backend['dispatch']> = {}): Backend {
  return {
    meta: serviceMeta('shop', name, 80),
    authority: `${name}.shop.svc.cluster.local:80`,
    dispatch: {
      type: 'balance',
      endpoints: endpointsKey(name),
      balancer: { type: 'roundRobin' },
      localTrafficOnly: false,
      slowStartMs: 0,
      breaker: null,
      penalty: null,
      queue: DEFAULT_QUEUE,
      ...dispatch,
    } as Backend['dispatch'],
  };
}

const only = (index: number, filters: Filter[] = []): Distribution => [{ backend: index, weight: 1, filters }];

const policyOf = (more: Partial<RoutePolicy> = {}): RoutePolicy => ({
  origin: 0,
  filters: [],
  distribution: 0,
  retry: null,
  timeouts: NO_TIMEOUTS,
  classes: [],
  ...more,
});

/** What proxies of revision 1 are told of a policy over the backends `web` and `canary`; its distributions are one to each. */
function told(more: Partial<OutboundPolicy>): OlderService {
  const body = service();
  return olderService({
    ...body,
    policy: {
      ...body.policy,
      origins: [DEFAULT_ROUTE],
      backends: [backendOf('web'), backendOf('canary')],
      distributions: [only(WEB), only(CANARY)],
      policies: [policyOf()],
      rules: [],
      fallback: 0,
      streams: 0,
      ...more,
    },
  });
}

const rule = (match: RequestMatch, policy: number) => ({ match, section: '', policy });
const path = (exact: string): RequestMatch => ({ type: 'pathExact', path: exact });
const header: RequestMatch = { type: 'header', name: 'x', value: { type: 'exact', value: 'a' } };

/** Nobody gets anything: 503. */
function isClosed({ backends }: OlderService): boolean {
  return backends.every(({ unavailable }) => unavailable);
}

const NOT_FOUND: Filter = { type: 'fail', status: 404, grpcStatus: 5, message: 'no route', ratio: 1 };
const UNSAYABLE: Filter[] = [
  NOT_FOUND,
  { type: 'redirect', scheme: 'https', hostname: '', port: 0, path: null, status: 302 },
  { type: 'rewrite', hostname: '', path: { type: 'full', path: '/' } },
  { type: 'requestHeaders', changes: { add: [], set: [], remove: ['x-admin'] } },
  { type: 'responseHeaders', changes: { add: [], set: [], remove: ['server'] } },
];
const LEFT_OUT: Filter[] = [
  { type: 'delay', ms: 10, ratio: 1 },
  { type: 'mirror', backend: CANARY, ratio: 1 },
];

describe('what a proxy of the release before is told', () => {
  it('is what its own operator told it, of profiles, splits and annotations', () => {
    const retry = { http: [[500, 599]] as [number, number][], grpc: [14], limit: 3, timeoutMs: 250 };
    const { sources, ...sketch } = serviceSketch({
      protocol: 'http1',
      routes: [
        route('a', '/a', { isRetryable: true, timeoutMs: 250 }),
        route('b', '/b', { responseClasses: [{ match: { type: 'status', min: 404, max: 404 }, isFailure: true }] }),
      ],
      backends: [backend('web', 900), backend('gone', 100, { unavailable: true })],
      balancer: { type: 'consistentHash', key: { type: 'source' } },
      slowStartMs: 5,
      retry: { ...retry, backoffMs: 25 },
      timeouts: { requestMs: 1_000, responseMs: 900, idleMs: 800 },
    });
    const body = { ...sketch, type: 'service', sources };
    expect(olderBody(newerService(body) as never)).to.deep.equal({ ...body, retry });
  });

  describe('of an inbound port with rules', () => {
    const inbound = (match: RequestMatch): InboundRule => ({
      meta: DEFAULT_ROUTE,
      match,
      filters: [],
      authorizations: [],
    });
    const toldOf = (...matches: RequestMatch[]) => {
      const body = workload({ '80': portPolicy({ audit: true, rules: matches.map(inbound) }), '81': portPolicy() });
      const { ports } = olderBody(body) as WorkloadResource;
      return ports as Record<string, PortPolicy>;
    };

    it('is that nobody is authorized, for a rule may be for none of a client’s requests', () => {
      const { 80: port, 81: other } = toldOf(path('/a'), { type: 'pathPrefix', path: '/b' });
      expect([port?.authorizations, port?.audit]).to.deep.equal([[], false]);
      expect(other).to.deep.equal(portPolicy());
    });

    it('is what the Server says, where every request is one of some rule: each authorizes those too', () => {
      const { 80: port } = toldOf(path('/a'), { type: 'pathPrefix', path: '/' });
      expect(port?.authorizations).to.deep.equal(portPolicy().authorizations);
    });

    it('is the same body where there are none', () => {
      const body = workload({ '80': portPolicy() });
      expect(olderBody(body)).to.equal(body);
    });
  });

  it('is the same body where it says the same', () => {
    const body = { sources: '1', endpoints: [] };
    expect(olderBody(body)).to.equal(body);
  });

  it('has paths as expressions', () => {
    const rules = [path('/a.b'), { type: 'pathPrefix', path: '/v2/' } as const].map((match) => rule(match, 0));
    expect(told({ rules }).routes.map(({ match }) => match)).to.deep.equal([
      { type: 'path', regex: '/a\\.b' },
      { type: 'path', regex: '/v2(?:/.*)?' },
    ]);
  });

  it('leaves out a rule with a match that cannot be said, where it goes the same way as all others', () => {
    const policies = [policyOf(), policyOf({ retry: { type: 'budget' } })];
    const answer = told({ policies, rules: [rule(header, 1), rule(path('/a'), 1)] });
    expect(answer.routes.map(({ isRetryable }) => isRetryable)).to.deep.equal([true]);
    expect(isClosed(answer)).to.equal(false);
  });

  for (const match of [header, path('/a')]) {
    it(`closes a Service of which a rule goes another way: ${match.type}`, () => {
      const answer = told({ policies: [policyOf(), policyOf({ distribution: 1 })], rules: [rule(match, 1)] });
      expect(isClosed(answer)).to.equal(true);
    });
  }

  for (const filter of UNSAYABLE) {
    it(`closes a Service of which a rule does more than send on: ${filter.type}`, () => {
      const policies = [policyOf(), policyOf({ filters: [filter] })];
      expect(isClosed(told({ policies, rules: [rule(path('/a'), 1)] }))).to.equal(true);
      expect(isClosed(told({ policies: [policyOf({ filters: [filter] })] }))).to.equal(true);
      const shares = [...only(WEB, [filter]), ...only(CANARY)];
      const { backends } = told({ distributions: [shares, only(CANARY)] });
      expect(backends.map(({ service: name, unavailable }) => [name, unavailable])).to.deep.equal([
        ['web', true],
        ['canary', false],
      ]);
    });
  }

  for (const filter of LEFT_OUT) {
    it(`lets through what is only not done: ${filter.type}`, () => {
      expect(isClosed(told({ policies: [policyOf({ filters: [filter] })] }))).to.equal(false);
    });
  }

  it('does not mind what no request gets to: a 404 behind a rule for everything', () => {
    const policies = [policyOf({ filters: [NOT_FOUND], distribution: 0 }), policyOf()];
    for (const match of [MATCHES_ALL, { type: 'pathPrefix', path: '/' } as const]) {
      expect(isClosed(told({ policies, rules: [rule(match, 1)] }))).to.equal(false);
      expect(isClosed(told({ policies, rules: [rule(path('/a'), 1)] }))).to.equal(true);
    }
  });

  it('sends bytes the way of requests, unless there are only bytes', () => {
    const policies = [policyOf({ distribution: 1 })];
    expect(told({ policies }).backends.map(({ service: name }) => name)).to.deep.equal(['canary']);
    expect(told({ policies, protocol: 'opaque' }).backends.map(({ service: name }) => name)).to.deep.equal(['web']);
  });

  it('closes what has nobody to go to, or goes to an address', () => {
    expect(isClosed(told({ distributions: [[], only(CANARY)] }))).to.equal(true);
    const address = { type: 'address', ip: '192.0.2.1', port: 80 } as const;
    expect(isClosed(told({ backends: [backendOf('web', address), backendOf('canary')] }))).to.equal(true);
  });
});
