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
  endpoint,
  endpointsKey,
  hostile,
  initialWorkload,
  ManualClock,
  newState,
  portPolicy,
  regexEngine,
  route,
  SERVICE_KEY,
  service,
  set,
  WORKLOAD_KEY,
  workload,
} from './fixtures.ts';

const web = endpointsKey('web');

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
    ['no backends', service({ backends: [] }), 'backends'],
    ['weights of zero', service({ backends: [backend('web', 0)] }), 'backends'],
    ['a negative weight', service({ backends: [backend('web', -1)] }), 'backends[0].weight'],
    ['a fraction of a weight', service({ backends: [backend('web', 0.5)] }), 'backends[0].weight'],
    ['weights beyond 2^53', service({ backends: [backend('a', 2 ** 53 - 1), backend('b', 1)] }), 'backends'],
    ['a port of 0', service({ port: 0 }), 'port'],
    ['a port of 65536', service({ port: 65_536 }), 'port'],
    [
      'a timeout of more than a day',
      service({ routes: [route('a', '/a', { timeoutMs: 86_400_001 })] }),
      'routes[0].timeoutMs',
    ],
    ['a timeout as text', { ...service(), routes: [{ ...route('a', '/a'), timeoutMs: '1s' }] }, 'routes[0].timeoutMs'],
    [
      'a budget outside its range',
      service({ retryBudget: { ratio: 1001, minRetriesPerSecond: 1, ttlMs: 1000 } }),
      'retryBudget.ratio',
    ],
    [
      'a ttl outside its range',
      service({ retryBudget: { ratio: 1, minRetriesPerSecond: 1, ttlMs: 999 } }),
      'retryBudget.ttlMs',
    ],
    ['NaN', service({ retryBudget: { ratio: Number.NaN, minRetriesPerSecond: 1, ttlMs: 1000 } }), 'retryBudget.ratio'],
    [
      'a status outside 100..599',
      service({
        routes: [
          route('a', '/a', { responseClasses: [{ match: { type: 'status', min: 0, max: 600 }, isFailure: true }] }),
        ],
      }),
      'routes[0].responseClasses[0].match.min',
    ],
    ['routes as an object', { ...service(), routes: {} }, 'routes'],
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
    expect(refused({ ...service(), routes: [{ ...route('a', '/a'), match }] }).join()).to.include('at most 32 levels');
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
    expect((before as ServiceEntry).backends[0]!.pool.endpoints).to.have.length(1);
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
      expect(entry.backends[0]!.pool.endpoints.map((each) => each.id)).to.deep.equal(['10.0.0.1:8080']);
      expect(entry.backends[0]!.pool.version).to.equal('e1');
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

  it('lets a route with such a condition match nothing, also under `not`', () => {
    const state = newState(new ManualClock());
    const unknown = { type: 'header', name: 'x' };
    const rejected = state.apply([
      set(
        SERVICE_KEY,
        hostile({
          ...service(),
          routes: [
            { ...route('a', ''), match: unknown },
            { ...route('b', ''), match: { type: 'not', of: unknown } },
            { ...route('c', ''), match: { type: 'any', of: [{ type: 'path', regex: '.*' }, unknown] } },
            route('d', '/d'),
          ],
        }),
      ),
    ]);
    expect(rejected[0]?.problems).to.have.length(3);
    const { routes } = state.destination('10.96.0.1', 80).entry as ServiceEntry;
    expect(['/', '/d'].map((path) => routes.match('GET', path).name)).to.deep.equal(['', 'd']);
  });

  it('leaves out a response class with such a part, and lets the next ones decide', () => {
    const state = newState(new ManualClock());
    const status = (min: number, max: number) => ({ type: 'status', min, max });
    const unknown = { type: 'grpcStatus', code: 14 };
    const body = {
      ...service(),
      routes: [
        {
          ...route('a', '/a'),
          responseClasses: [
            { match: unknown, isFailure: false },
            { match: { type: 'not', of: unknown }, isFailure: false },
            { match: { type: 'any', of: [status(500, 500), unknown] }, isFailure: false },
            { match: { type: 'all', of: [status(404, 404), { type: 'not', of: status(500, 599) }] }, isFailure: true },
          ],
        },
      ],
    };
    const [rejected] = state.apply([set(SERVICE_KEY, hostile(body))]);
    expect([rejected?.applied, rejected?.problems.length]).to.deep.equal([true, 3]);
    const matched = (state.destination('10.96.0.1', 80).entry as ServiceEntry).routes.match('GET', '/a');
    expect([404, 403, 500].map((code) => isFailure(matched, code))).to.deep.equal([true, false, true]);
  });

  it('cannot overflow the stack with nested response matches', () => {
    let match: unknown = { type: 'status', min: 500, max: 599 };
    for (let depth = 0; depth < 5000; depth++) match = { type: 'all', of: [match] };
    const routes = [{ ...route('a', '/a'), responseClasses: [{ match, isFailure: true }] }];
    expect(refused({ ...service(), routes }).join()).to.include('at most 32 levels');
  });

  it('reports an expression that the engine refuses, and applies the rest', () => {
    const state = newState(new ManualClock());
    const [rejected] = state.apply([set(SERVICE_KEY, service({ routes: [route('bad', '/(a'), route('good', '/a')] }))]);
    expect(rejected).to.deep.include({ key: SERVICE_KEY, applied: true });
    expect(rejected!.problems[0]).to.match(/^routes\[0\]\.match/);
    const inbound = set(
      WORKLOAD_KEY,
      workload({ '80': portPolicy({ profile: { dst: 'd', routes: [route('b', '/(a')] } }) }),
    );
    expect(state.apply([inbound])[0]?.problems[0]).to.match(/^ports\.80\.profile\.routes\[0\]\.match/);
  });

  it('treats protocols it does not know as opaque, balancers as the default', () => {
    const state = newState(new ManualClock());
    const body = { ...service(), protocol: 'http3', balancer: { type: 'maglev', seats: 7 } };
    const [rejected] = state.apply([set(SERVICE_KEY, hostile(body))]);
    expect(rejected).to.deep.include({ applied: true });
    const entry = state.destination('10.96.0.1', 80).entry as ServiceEntry;
    expect([entry.protocol, entry.balancer]).to.deep.equal([
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
