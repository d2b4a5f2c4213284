import { expect } from 'chai';
import type { Change } from '../../../proxy-image/contract/messages.ts';
import type { ResourceBody } from '../../../proxy-image/contract/resources.ts';
import { isFailure } from '../../../proxy-image/core/classify/classify.ts';
import { authorizeConnection, InboundPeer } from '../../../proxy-image/core/policy/authorize.ts';
import type { ServiceEntry } from '../../../proxy-image/core/state/entries.ts';
import { ProxyState } from '../../../proxy-image/core/state/state.ts';
import { loadRuleParts } from '../../../proxy-image/io/rule-parts.ts';
import {
  applyAll,
  authorization,
  backend,
  balanceOf,
  endpoint,
  endpointsKey,
  hostile,
  initialWorkload,
  ManualClock,
  newState,
  portPolicy,
  regexEngine,
  request,
  route,
  SERVICE_KEY,
  service,
  set,
  WORKLOAD_KEY,
  workload,
} from './fixtures.ts';

const web = endpointsKey('web');

/** A Service whose policy says other things than it should. */
function policyWith(more: object): unknown {
  const body = service();
  return { ...body, policy: { ...body.policy, ...more } };
}

/** The policy of a Service, with a filter. */
function withFilter(...filters: object[]): object {
  return { ...service().policy.policies[0]!, filters };
}

function refused(body: unknown, key = SERVICE_KEY): string[] {
  const rejected = newState(new ManualClock()).apply([set(key, hostile<ResourceBody>(body))]);
  expect(rejected.map((each) => [each.key, each.applied])).to.deep.equal([[key, false]]);
  return rejected[0]!.problems;
}

describe('a resource that cannot be read', () => {
  const rows: [title: string, body: unknown, path: string, key?: string][] = [
    ['no body', undefined, 'body'],
    ['a list', [], 'body'],
    ['no type', { sources: '1' }, 'type'],
    ['another type', { sources: '1', type: 'gateway' }, 'type'],
    ['no sources', { type: 'unknown' }, 'sources'],
    ['a negative weight', service({ backends: [backend('web', -1)] }), 'policy.distributions[0][0].weight'],
    ['a fraction of a weight', service({ backends: [backend('web', 0.5)] }), 'policy.distributions[0][0].weight'],
    [
      'weights beyond 2^53',
      service({ backends: [backend('a', 2 ** 53 - 1), backend('b', 1)] }),
      'policy.distributions[0]',
    ],
    ['a port of 0', service({ port: 0 }), 'port'],
    ['a port of 65536', service({ port: 65_536 }), 'port'],
    [
      'a timeout of more than a day',
      service({ routes: [route('a', '/a', { timeoutMs: 86_400_001 })] }),
      'policy.policies[1].timeouts.requestMs',
    ],
    [
      'a timeout as text',
      service({ routes: [{ ...route('a', '/a'), timeoutMs: hostile('1s') }] }),
      'policy.policies[1].timeouts.requestMs',
    ],
    [
      'a budget outside its range',
      service({ retryBudget: { ratio: 1001, minRetriesPerSecond: 1, ttlMs: 1000 } }),
      'policy.retryBudget.ratio',
    ],
    [
      'a ttl outside its range',
      service({ retryBudget: { ratio: 1, minRetriesPerSecond: 1, ttlMs: 999 } }),
      'policy.retryBudget.ttlMs',
    ],
    [
      'NaN',
      service({ retryBudget: { ratio: Number.NaN, minRetriesPerSecond: 1, ttlMs: 1000 } }),
      'policy.retryBudget.ratio',
    ],
    [
      'a status outside 100..599',
      service({
        routes: [
          route('a', '/a', { responseClasses: [{ match: { type: 'status', min: 0, max: 600 }, isFailure: true }] }),
        ],
      }),
      'policy.policies[1].classes[0].match.min',
    ],
    ['rules as an object', policyWith({ rules: {} }), 'policy.rules'],
    ['no policy', { ...service(), policy: [] }, 'policy'],
    [
      'a header name with a capital',
      policyWith({
        policies: [
          withFilter({ type: 'requestHeaders', changes: { add: [{ name: 'X-A', value: '' }], set: [], remove: [] } }),
        ],
      }),
      'policy.policies[0].filters[0].changes.add[0].name',
    ],
    [
      'a header value with a line feed',
      policyWith({
        policies: [
          withFilter({
            type: 'responseHeaders',
            changes: { add: [], set: [{ name: 'x-a', value: 'a\nb' }], remove: [] },
          }),
        ],
      }),
      'policy.policies[0].filters[0].changes.set[0].value',
    ],
    [
      'a path with a blank',
      policyWith({ policies: [withFilter({ type: 'rewrite', hostname: '', path: { type: 'full', path: '/a b' } })] }),
      'policy.policies[0].filters[0].path.path',
    ],
    [
      'a share of faults above 1',
      policyWith({ policies: [withFilter({ type: 'delay', ms: 1, ratio: 1.5 })] }),
      'policy.policies[0].filters[0].ratio',
    ],
    ['no certificate', { sources: '1', anchorsPem: 'x' }, 'anchorsPem', 'trust'],
    ['an address that is none', { sources: '1', endpoints: [endpoint('10.0.0')] }, 'endpoints[0].address', web],
    [
      'an empty identity',
      { sources: '1', endpoints: [endpoint('10.0.0.1', { identity: '' })] },
      'endpoints[0].identity',
      web,
    ],
    [
      'a meshed endpoint without proxy port',
      { sources: '1', endpoints: [endpoint('10.0.0.1', { proxyPort: 0 })] },
      'endpoints[0].proxyPort',
      web,
    ],
    [
      'labels that are no text',
      { sources: '1', endpoints: [{ ...endpoint('10.0.0.1'), labels: { a: 1 } }] },
      'endpoints[0].labels.a',
      web,
    ],
    ['a port that is no number', workload({ http: portPolicy() }), 'ports.http', WORKLOAD_KEY],
    [
      'a network that is none',
      workload({
        '80': portPolicy({ authorizations: [authorization('a', { networks: [{ cidr: '10/8', except: [] }] })] }),
      }),
      'ports.80.authorizations[0].networks[0]',
      WORKLOAD_KEY,
    ],
    [
      'an exception that is none',
      workload({
        '80': portPolicy({
          authorizations: [authorization('a', { networks: [{ cidr: '10.0.0.0/8', except: ['x'] }] })],
        }),
      }),
      'ports.80.authorizations[0].networks[0]',
      WORKLOAD_KEY,
    ],
    ['opaque ports out of order', workload({}, { opaquePorts: [[9, 3]] }), 'opaquePorts[0]', WORKLOAD_KEY],
    ['the workload of another pod', workload({}), 'key', 'workload/shop/web-2'],
    ['a key that is none', { sources: '1', type: 'unknown' }, 'key', 'services/1.2.3.4:80'],
  ];
  for (const [title, body, path, key] of rows) {
    it(`is refused, naming the field: ${title}`, () => {
      expect(refused(body, key).map((problem) => problem.split(': ')[0])).to.include(path);
    });
  }

  it('cannot overflow the stack with nested matches', () => {
    let match: unknown = { type: 'path', regex: '/a' };
    for (let depth = 0; depth < 5000; depth++) match = { type: 'not', of: match };
    expect(refused(policyWith({ rules: [{ match, section: '', policy: 0 }] })).join()).to.include('at most 32 levels');
  });

  it('names at most 20 problems', () => {
    const endpoints = Array.from({ length: 1000 }, () => ({}));
    expect(refused({ sources: '1', endpoints }, web)).to.have.length(20);
  });

  it('keeps its last good value, and the rest of the batch takes effect', () => {
    const state = newState(new ManualClock());
    applyAll(state, set(SERVICE_KEY, service(), 'good'));
    const before = state.destination('10.96.0.1', 80).entry;
    const rejected = state.apply([
      set(web, { sources: '1', endpoints: [endpoint('10.0.0.1')] }),
      set(SERVICE_KEY, service({ port: -1 }), 'bad'),
      set('service/10.96.0.2:80', { sources: '1', type: 'unknown' }),
    ]);
    expect(rejected.map((each) => each.key)).to.deep.equal([SERVICE_KEY]);
    expect(state.destination('10.96.0.1', 80).entry).to.equal(before);
    expect(state.destination('10.96.0.2', 80).entry?.kind).to.equal('unknown');
    expect(balanceOf(before as ServiceEntry).pool.endpoints).to.have.length(1);
    expect(state.held().find((held) => held.key === SERVICE_KEY)?.version).to.equal('good');
    expect(state.status.rejections).to.equal(1);
  });

  it('ignores fields it does not know', () => {
    const state = newState(new ManualClock());
    applyAll(state, set(SERVICE_KEY, hostile({ ...service(), newField: { deep: [1] } })));
    expect(state.destination('10.96.0.1', 80).entry?.kind).to.equal('service');
  });
});

describe('a patch that does not fit', () => {
  const patch = (more: Partial<Extract<Change, { op: 'patch' }>>): Change => ({
    op: 'patch',
    key: web,
    baseVersion: 'e1',
    version: 'e2',
    sources: '2',
    added: [],
    changed: [],
    removed: [],
    ...more,
  });
  const prepared = () => {
    const state = newState(new ManualClock());
    applyAll(
      state,
      set(web, { sources: '1', endpoints: [endpoint('10.0.0.1')] }, 'e1'),
      set(SERVICE_KEY, service(), 'v1'),
    );
    return state;
  };
  const rows: [title: string, change: Change, path: string][] = [
    ['another base', patch({ baseVersion: 'e0' }), 'baseVersion'],
    ['an endpoint that is not there', patch({ removed: ['10.0.0.9:8080'] }), 'removed'],
    ['a bad endpoint', patch({ added: [hostile({})] }), 'added[0].address'],
    ['no lists', hostile({ ...patch({}), added: undefined }), 'added'],
    ['no version', hostile({ ...patch({}), version: undefined }), 'version'],
    ['not endpoints', patch({ key: SERVICE_KEY }), 'op'],
  ];
  for (const [title, change, path] of rows) {
    it(`is refused: ${title}`, () => {
      const state = prepared();
      const [rejected] = state.apply([change]);
      expect(rejected?.problems.map((problem) => problem.split(': ')[0])).to.include(path);
      const entry = state.destination('10.96.0.1', 80).entry as ServiceEntry;
      expect(balanceOf(entry).pool.endpoints.map((each) => each.id)).to.deep.equal(['10.0.0.1:8080']);
      expect(balanceOf(entry).pool.version).to.equal('e1');
    });
  }

  it('is passed over in silence when its key was released here', () => {
    expect(newState(new ManualClock()).apply([patch({})])).to.deep.equal([]);
  });
});

describe('a rule of a type this proxy does not know', () => {
  it('denies: an authorization authorizes nobody, the others stand, and it is reported (E14)', () => {
    const state = newState(new ManualClock());
    const spiffe = hostile<ReturnType<typeof authorization>>({
      ...authorization('spiffe'),
      authentication: { type: 'spiffe', ids: ['*'] },
    });
    const only = portPolicy({ authorizations: [spiffe] });
    const both = portPolicy({ authorizations: [spiffe, authorization('all')] });
    const rejected = state.apply([set(WORKLOAD_KEY, workload({ '80': only, '81': both }), 'v1')]);
    expect(rejected).to.have.length(1);
    expect(rejected[0]).to.deep.include({ key: WORKLOAD_KEY, applied: true });
    expect(rejected[0]!.problems[0]).to.match(/^ports\.80\.authorizations\[0\]\.authentication\.type: .*"spiffe"/);
    const judge = (port: number) =>
      authorizeConnection(state.inboundPort(port).policy, new InboundPeer('10.1.1.1', null, false)).reason;
    expect([judge(80), judge(81)]).to.deep.equal(['no_authorizations', 'authorized']);
    expect(state.held()[0]?.version).to.equal('v1');
  });

  describe('in a policy', () => {
    const path = (regex: string) => ({ type: 'path', regex });
    const unknown = { type: 'body', contains: 'x' };

    /** Where requests are answered by, with how many problems; `closed`: by failing. */
    function answers(policy: object, ...targets: string[]): { by: string[]; problems: number } {
      const state = newState(new ManualClock());
      const [rejected] = state.apply([set(SERVICE_KEY, hostile<ResourceBody>(policyWith(policy)))]);
      const { entry } = state.destination('10.96.0.1', 80);
      if (entry?.kind !== 'service') throw new Error(JSON.stringify(rejected));
      const by = targets.map((target) => {
        const { name, policy: found } = entry.routes.match(request('GET', target));
        const [filter] = found.filters;
        return filter?.type === 'fail' && filter.status === 500 && filter.ratio === 1 ? 'closed' : name || 'default';
      });
      return { by, problems: rejected?.problems.length ?? 0 };
    }

    const rule = (section: string, match: unknown) => ({ match, section, policy: 0 });

    const matches: [title: string, match: unknown, closed: string[], open: string[]][] = [
      ['by itself', unknown, ['/a', '/b'], []],
      ['beside another that must hold too', { type: 'all', of: [path('/a.*'), unknown] }, ['/a', '/ab'], ['/b']],
      ['beside another of which either is enough', { type: 'any', of: [path('/a'), unknown] }, ['/a', '/b'], []],
      ['under `not`', { type: 'not', of: unknown }, ['/a', '/b'], []],
      [
        'under `not`, beside another',
        { type: 'not', of: { type: 'all', of: [path('/a'), unknown] } },
        ['/a', '/b'],
        [],
      ],
      ['of a text', { type: 'header', name: 'x', value: { type: 'glob', glob: '*' } }, ['/a'], []],
      ['of a part of gRPC', { type: 'grpc', service: { type: 'glob' }, method: null }, ['/a'], []],
    ];
    for (const [title, match, closed, open] of matches) {
      it(`fails every request that it could be true of: a match ${title}`, () => {
        const rules = [rule('first', path('/first')), rule('new', match), rule('last', path('.*'))];
        const { by, problems } = answers({ rules }, '/first', ...closed, ...open);
        expect(by).to.deep.equal(['first', ...closed.map(() => 'closed'), ...open.map(() => 'last')]);
        expect(problems).to.equal(1);
      });
    }

    it('fails its rule and no other: a filter', () => {
      const { policies } = service().policy;
      const rules = [{ ...rule('new', path('/a')), policy: 1 }, rule('last', path('.*'))];
      const filtered = withFilter({ type: 'delay', ms: 1, ratio: 1 }, { type: 'wasm', module: 'x' });
      const { by, problems } = answers({ policies: [...policies, filtered], rules }, '/a', '/b');
      expect([by, problems]).to.deep.equal([['closed', 'last'], 1]);
    });

    it('fails its rule and no other: an index that refers to nothing', () => {
      const { policies } = service().policy;
      const lost = [
        { ...policies[0], origin: 7 },
        { ...policies[0], distribution: -1 },
      ];
      const rules = [1, 2, 9].map((policy) => ({ ...rule('', path(`/${policy}`)), policy }));
      const { by, problems } = answers({ policies: [...policies, ...lost], rules }, '/1', '/2', '/9', '/');
      expect([by, problems]).to.deep.equal([['closed', 'closed', 'closed', 'default'], 3]);
    });

    it('fails what no rule matches: a fallback that refers to nothing', () => {
      expect(answers({ fallback: 1 }, '/a')).to.deep.equal({ by: ['closed'], problems: 1 });
    });

    it('fails what goes to it: a dispatch', () => {
      const state = newState(new ManualClock());
      const [known] = service().policy.backends;
      const backends = [{ ...known, dispatch: { type: 'lambda' } }, known];
      const distributions = [[0, 1].map((index) => ({ backend: index, weight: 1, filters: [] }))];
      const [rejected] = state.apply([
        set(SERVICE_KEY, hostile<ResourceBody>(policyWith({ backends, distributions }))),
      ]);
      expect(rejected).to.deep.include({ applied: true });
      const entry = state.destination('10.96.0.1', 80).entry as ServiceEntry;
      const { shares } = entry.routes.fallback.policy.distribution;
      expect(shares.map(({ backend: { dispatch } }) => dispatch.type)).to.deep.equal(['fail', 'balance']);
    });

    it('gives nobody its share: a distribution with a backend that is none', () => {
      const state = newState(new ManualClock());
      const distributions = [[0, 5].map((index) => ({ backend: index, weight: 1, filters: [] }))];
      state.apply([set(SERVICE_KEY, hostile<ResourceBody>(policyWith({ distributions })))]);
      const entry = state.destination('10.96.0.1', 80).entry as ServiceEntry;
      expect(entry.routes.fallback.policy.distribution.shares).to.deep.equal([]);
    });
  });

  it('leaves out a response class with such a part, and lets the next ones decide', () => {
    const state = newState(new ManualClock());
    const status = (min: number, max: number) => ({ type: 'status', min, max });
    const unknown = { type: 'grpcStatus', code: 14 };
    const body = service({
      routes: hostile([
        {
          ...route('a', '/a'),
          responseClasses: [
            { match: unknown, isFailure: false },
            { match: { type: 'not', of: unknown }, isFailure: false },
            { match: { type: 'any', of: [status(500, 500), unknown] }, isFailure: false },
            { match: { type: 'all', of: [status(404, 404), { type: 'not', of: status(500, 599) }] }, isFailure: true },
          ],
        },
      ]),
    });
    const [rejected] = state.apply([set(SERVICE_KEY, body)]);
    expect([rejected?.applied, rejected?.problems.length]).to.deep.equal([true, 3]);
    const matched = (state.destination('10.96.0.1', 80).entry as ServiceEntry).routes.match(request('GET', '/a'));
    expect([404, 403, 500].map((code) => isFailure(matched, code))).to.deep.equal([true, false, true]);
  });

  it('cannot overflow the stack with nested response matches', () => {
    let match: unknown = { type: 'status', min: 500, max: 599 };
    for (let depth = 0; depth < 5000; depth++) match = { type: 'all', of: [match] };
    const routes = [{ ...route('a', '/a'), responseClasses: [{ match, isFailure: true }] }];
    expect(refused(service({ routes: hostile(routes) })).join()).to.include('at most 32 levels');
  });

  it('reports an expression that the engine refuses, and applies the rest', () => {
    const state = newState(new ManualClock());
    const [rejected] = state.apply([set(SERVICE_KEY, service({ routes: [route('bad', '/(a'), route('good', '/a')] }))]);
    expect(rejected).to.deep.include({ key: SERVICE_KEY, applied: true });
    expect(rejected!.problems[0]).to.match(/^policy\.rules\[0\]\.match/);
    const inbound = set(
      WORKLOAD_KEY,
      workload({ '80': portPolicy({ profile: { dst: 'd', routes: [route('b', '/(a')] } }) }),
    );
    expect(state.apply([inbound])[0]?.problems[0]).to.match(/^ports\.80\.profile\.routes\[0\]\.match/);
  });

  it('treats protocols it does not know as opaque, balancers as the default', () => {
    const state = newState(new ManualClock());
    const body = service({ protocol: hostile('http3'), balancer: hostile({ type: 'maglev', seats: 7 }) });
    const [rejected] = state.apply([set(SERVICE_KEY, body)]);
    expect(rejected).to.deep.include({ applied: true });
    const entry = state.destination('10.96.0.1', 80).entry as ServiceEntry;
    expect([entry.protocol, balanceOf(entry).balancer]).to.deep.equal([
      'opaque',
      { type: 'ewma', defaultRttMs: 30, decayMs: 10_000 },
    ]);
  });
});

describe('the environment', () => {
  it('must make a workload that can be read', () => {
    const make = () =>
      new ProxyState({
        clock: new ManualClock(),
        loadRegexEngine: regexEngine,
        loadRuleParts,
        namespace: 'shop',
        pod: 'web-1',
        node: '',
        zone: '',
        initialWorkload: { ...initialWorkload(), opaquePorts: [[5, 1]] },
      });
    expect(make).to.throw(/opaquePorts\[0\]/);
  });
});
