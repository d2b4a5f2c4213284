import { expect } from 'chai';
import { FOR_OLDER_PROXIES } from '../../../proxy-image/contract/older-proxies.ts';
import type {
  Destination,
  DestinationEntry,
  InboundPort,
  ServiceEntry,
} from '../../../proxy-image/core/state/entries.ts';
import type { ProxyState } from '../../../proxy-image/core/state/state.ts';
import {
  applyAll,
  authorization,
  backend,
  balanceOf,
  endpoint,
  endpointsKey,
  ManualClock,
  newState,
  portPolicy,
  request,
  route,
  SERVICE_KEY,
  type ServiceSketch,
  service,
  set,
  WORKLOAD_KEY,
  workload,
} from './fixtures.ts';

class Watcher {
  readonly seen: string[] = [];
  destinationChanged(destination: Destination, previous: DestinationEntry | null): void {
    this.seen.push(`${previous?.kind ?? 'null'} -> ${destination.entry?.kind ?? 'null'}`);
  }
  protocolChanged(destination: Destination): void {
    this.seen.push(`protocol of ${destination.key}`);
  }
  policyChanged(port: InboundPort): void {
    this.seen.push(`${port.port}: ${port.policy.server.name}`);
  }
  trustChanged(trust: { version: string }): void {
    this.seen.push(trust.version);
  }
}

class Subscribed {
  readonly keys = new Set<string>();
  subscribe(key: string): void {
    this.keys.add(key);
  }
  unsubscribe(key: string): void {
    this.keys.delete(key);
  }
}

const web = endpointsKey('web');
const endpoints = (...addresses: string[]) => ({ sources: '5', endpoints: addresses.map((each) => endpoint(each)) });

function serviceEntry(state: ProxyState): ServiceEntry {
  const { entry } = state.destination('10.96.0.1', 80);
  if (entry?.kind !== 'service') throw new Error(`not a service: ${entry?.kind}`);
  return entry;
}

describe('destinations', () => {
  it('are unseen until answered, and subscribed once', () => {
    const state = newState(new ManualClock());
    const source = new Subscribed();
    state.attach(source);
    const destination = state.destination('10.96.0.1', 80);
    expect(destination.entry).to.equal(null);
    expect(state.destination('10.96.0.1', 80)).to.equal(destination);
    expect([...source.keys]).to.deep.equal([SERVICE_KEY]);
    state.destination('fd00::1', 443);
    expect(source.keys.has('service/[fd00::1]:443')).to.equal(true);
  });

  it('asked for before the source was attached are subscribed when it is', () => {
    const state = newState(new ManualClock());
    state.destination('10.96.0.1', 80);
    const source = new Subscribed();
    state.attach(source);
    expect([...source.keys]).to.deep.equal([SERVICE_KEY]);
  });

  it('get an entry with what the service resource says', () => {
    const state = newState(new ManualClock());
    applyAll(
      state,
      set(web, endpoints('10.0.0.1', '10.0.0.2')),
      set(
        SERVICE_KEY,
        service({
          protocol: 'http1',
          routes: [route('list', '/list', { isRetryable: true, timeoutMs: 250 })],
          backends: [backend('web', 900), backend('web-canary', 100, { unavailable: true })],
        }),
        'v7',
      ),
    );
    const entry = serviceEntry(state);
    expect([entry.version, entry.protocol, entry.authority]).to.deep.equal([
      'v7',
      'http1',
      'web.shop.svc.cluster.local:80',
    ]);
    const { shares, split } = entry.streams;
    expect(split.cumulative).to.deep.equal([900, 1000]);
    expect(shares.map(({ backend: { meta, dispatch } }) => [meta.name, dispatch.type])).to.deep.equal([
      ['web', 'balance'],
      ['web-canary', 'fail'],
    ]);
    expect(balanceOf(entry).pool.endpoints.map((each) => each.id)).to.deep.equal(['10.0.0.1:8080', '10.0.0.2:8080']);
    const matched = entry.routes.match(request('GET', '/list'));
    const { retry, timeouts, distribution } = matched.policy;
    expect(distribution).to.equal(entry.streams);
    expect([matched.name, retry?.type, timeouts.requestMs, matched.dst]).to.deep.equal([
      'list',
      'budget',
      250,
      'web.shop.svc.cluster.local:80',
    ]);
  });

  it('can be pods, unknown, or forbidden', () => {
    const state = newState(new ManualClock());
    applyAll(
      state,
      set('service/10.0.0.1:8080', {
        sources: '1',
        type: 'pod',
        namespace: 'shop',
        pod: 'web-1',
        protocol: 'http1',
        endpoint: endpoint('10.0.0.1'),
      }),
      set('service/1.1.1.1:443', { sources: '1', type: 'unknown' }),
      set('service/10.96.0.1:81', { sources: '1', type: 'forbidden', reason: 'no such port' }),
    );
    const kinds = (['10.0.0.1', '1.1.1.1', '10.96.0.1'] as const).map(
      (ip, i) => state.destination(ip, [8080, 443, 81][i]!).entry,
    );
    expect(kinds.map((entry) => entry?.kind)).to.deep.equal(['pod', 'unknown', 'forbidden']);
    expect(kinds[0]?.kind === 'pod' && kinds[0].endpoint.id).to.equal('10.0.0.1:8080');
    expect(kinds[2]?.kind === 'forbidden' && kinds[2].reason).to.equal('no such port');
  });

  it('share the endpoints that several services name', () => {
    const state = newState(new ManualClock());
    applyAll(
      state,
      set(web, endpoints('10.0.0.1')),
      set(SERVICE_KEY, service()),
      set('service/10.96.0.2:80', service({ service: 'root', backends: [backend('web', 1)] })),
    );
    const other = state.destination('10.96.0.2', 80).entry as ServiceEntry;
    expect(balanceOf(other).pool).to.equal(balanceOf(serviceEntry(state)).pool);
  });

  it('tell watchers of the first answer and of another kind or protocol, not of other changes', () => {
    const state = newState(new ManualClock());
    const destination = state.destination('10.96.0.1', 80);
    const watcher = new Watcher();
    state.watch(destination, watcher);
    applyAll(state, set(SERVICE_KEY, { sources: '1', type: 'unknown' }, 'v1'));
    applyAll(state, set(SERVICE_KEY, service(), 'v2'));
    applyAll(state, set(SERVICE_KEY, service({ backends: [backend('web', 5)] }), 'v3'));
    applyAll(state, set(SERVICE_KEY, service({ protocol: 'opaque' }), 'v4'));
    applyAll(state, { op: 'delete', key: SERVICE_KEY });
    expect(watcher.seen).to.deep.equal([
      'null -> unknown',
      'unknown -> service',
      'service -> service',
      'service -> null',
    ]);
    state.unwatch(destination, watcher);
    applyAll(state, set(SERVICE_KEY, service(), 'v5'));
    expect(watcher.seen).to.have.length(4);
  });

  it('are announced when the whole batch is in place', () => {
    const state = newState(new ManualClock());
    const destination = state.destination('10.96.0.1', 80);
    const seen: number[] = [];
    state.watch(destination, {
      destinationChanged: ({ entry }) => {
        if (entry?.kind === 'service') seen.push(balanceOf(entry).pool.endpoints.length);
      },
      protocolChanged: () => {},
    });
    // The wrong order on purpose: even then nobody sees the service without its endpoints.
    applyAll(state, set(SERVICE_KEY, service()), set(web, endpoints('10.0.0.1', '10.0.0.2')));
    expect(seen).to.deep.equal([2]);
  });

  it('let a watcher end others while it is told: those are not told any more', () => {
    const state = newState(new ManualClock());
    const destination = state.destination('10.96.0.1', 80);
    const told: number[] = [];
    const watchers = [0, 1].map((index) => ({
      destinationChanged: () => {
        told.push(index);
        for (const watcher of watchers) state.unwatch(destination, watcher);
      },
      protocolChanged: () => {},
    }));
    for (const watcher of watchers) state.watch(destination, watcher);
    applyAll(state, set(SERVICE_KEY, service()));
    expect(told).to.deep.equal([0]);
  });
});

describe('updates', () => {
  const update = (state: ProxyState, more: Partial<ServiceSketch>, version: string) =>
    applyAll(state, set(SERVICE_KEY, service(more), version));

  it('keep the retry budget while its parameters stay', () => {
    const state = newState(new ManualClock());
    update(state, {}, 'v1');
    const { budget } = serviceEntry(state);
    while (budget.withdraw(0));
    update(state, { protocol: 'http1', routes: [route('a', '/a')] }, 'v2');
    expect(serviceEntry(state).budget).to.equal(budget);
    update(state, { retryBudget: { ratio: 0.2, minRetriesPerSecond: 11, ttlMs: 10_000 } }, 'v3');
    expect(serviceEntry(state).budget).to.not.equal(budget);
  });

  it('keep what is known of endpoints when the service, the list or one of them changes', () => {
    const state = newState(new ManualClock());
    applyAll(state, set(web, endpoints('10.0.0.1', '10.0.0.2'), 'e1'), set(SERVICE_KEY, service()));
    const [first] = balanceOf(serviceEntry(state)).pool.endpoints;
    first!.inFlight = 3;
    update(state, { backends: [backend('web', 1), backend('other', 1)] }, 'v2');
    applyAll(state, set(web, endpoints('10.0.0.3', '10.0.0.1'), 'e2'));
    expect(balanceOf(serviceEntry(state)).pool.endpoints[1]).to.equal(first);
    expect(first!.inFlight).to.equal(3);
  });

  it('leave an entry that a request has in hand as it was', () => {
    const state = newState(new ManualClock());
    update(state, { routes: [route('old', '/a')] }, 'v1');
    const inHand = serviceEntry(state);
    update(state, { routes: [route('new', '/a')] }, 'v2');
    expect(inHand.routes.match(request('GET', '/a')).name).to.equal('old');
    expect(serviceEntry(state).routes.match(request('GET', '/a')).name).to.equal('new');
  });

  it('patch endpoints: added, changed, removed', () => {
    const state = newState(new ManualClock());
    applyAll(state, set(web, endpoints('10.0.0.1', '10.0.0.2'), 'e1'), set(SERVICE_KEY, service()));
    const [stays] = balanceOf(serviceEntry(state)).pool.endpoints;
    applyAll(state, {
      op: 'patch',
      key: web,
      baseVersion: 'e1',
      version: 'e2',
      sources: '6',
      added: [endpoint('10.0.0.3')],
      changed: [endpoint('10.0.0.1', { node: 'node-9' })],
      removed: ['10.0.0.2:8080'],
    });
    const { pool } = balanceOf(serviceEntry(state));
    expect(pool.endpoints.map((each) => each.id)).to.deep.equal(['10.0.0.1:8080', '10.0.0.3:8080']);
    expect([pool.endpoints[0] === stays, stays!.facts.node, pool.version]).to.deep.equal([true, 'node-9', 'e2']);
    expect(state.held()).to.deep.include({ key: web, version: 'e2', sources: '6' });
  });

  it('empty a pool whose endpoints are deleted', () => {
    const state = newState(new ManualClock());
    applyAll(state, set(web, endpoints('10.0.0.1')), set(SERVICE_KEY, service()), { op: 'delete', key: web });
    expect(balanceOf(serviceEntry(state)).pool.endpoints).to.deep.equal([]);
  });

  it('forget what was learned about a pod when its address goes to another', () => {
    const state = newState(new ManualClock());
    const pod = (name: string, version: string) =>
      set(
        'service/10.0.0.1:8080',
        { sources: '1', type: 'pod', namespace: 'shop', pod: name, protocol: 'http1', endpoint: endpoint('10.0.0.1') },
        version,
      );
    const learned = () => {
      const { entry } = state.destination('10.0.0.1', 8080);
      return entry?.kind === 'pod' ? entry.endpoint : null;
    };
    applyAll(state, pod('web-1', 'v1'));
    const first = learned();
    applyAll(state, pod('web-1', 'v2'));
    expect(learned()).to.equal(first);
    applyAll(state, pod('web-2', 'v3'));
    expect(learned()).to.not.equal(first);
  });

  it('learn the own zone from a neighbour on the same node, for all pools', () => {
    const state = newState(new ManualClock());
    const zoned = (address: string, zone: string, node: string) => endpoint(address, { zone, node, hintZones: [zone] });
    applyAll(
      state,
      set(web, { sources: '1', endpoints: [zoned('10.0.0.1', 'a', 'node-8'), zoned('10.0.0.2', 'b', 'node-9')] }),
      set(SERVICE_KEY, service()),
    );
    const { pool } = balanceOf(serviceEntry(state));
    expect(pool.preferred).to.have.length(2);
    applyAll(state, set(endpointsKey('api'), { sources: '1', endpoints: [zoned('10.0.1.1', 'b', 'node-1')] }));
    expect(state.zone).to.equal('b');
    expect(pool.preferred.map((each) => each.id)).to.deep.equal(['10.0.0.2:8080']);
  });
});

describe('inbound ports', () => {
  it('have the policy of the environment until the workload arrives', () => {
    const state = newState(new ManualClock());
    const watcher = new Watcher();
    const port = state.inboundPort(8080);
    expect([port.policy.server.name, state.status.workloadArrived]).to.deep.equal(['all-unauthenticated', false]);
    expect(state.inboundPort(3306).policy.protocol).to.equal('opaque');
    state.watchPort(port, watcher);
    applyAll(state, set(WORKLOAD_KEY, workload({ '8080': portPolicy() })));
    expect([port.policy.server.name, port.policy.protocol]).to.deep.equal(['web-http', 'http1']);
    expect(state.inboundPort(9999).policy.server.name).to.equal('all-unauthenticated');
    expect([watcher.seen, state.status.workloadArrived]).to.deep.equal([['8080: web-http'], true]);
  });

  it('are opaque in the ranges only where they have no policy of their own: a Server stands above the annotation', () => {
    const state = newState(new ManualClock());
    const ports = { '3306': portPolicy({ protocol: 'detect' }) };
    applyAll(state, set(WORKLOAD_KEY, workload(ports, { opaquePorts: [[3000, 4000]] })));
    const protocols = [3306, 3307, 5000].map((port) => state.inboundPort(port).policy.protocol);
    expect(protocols).to.deep.equal(['detect', 'opaque', 'detect']);
  });

  it('keep their compiled policy, and say nothing, when an update says the same', () => {
    const state = newState(new ManualClock());
    applyAll(state, set(WORKLOAD_KEY, workload({ '8080': portPolicy() }), 'v1'));
    const port = state.inboundPort(8080);
    const { policy } = port;
    const watcher = new Watcher();
    state.watchPort(port, watcher);
    const other = portPolicy({ authorizations: [authorization('other')] });
    applyAll(state, set(WORKLOAD_KEY, workload({ '8080': portPolicy(), '9090': other }), 'v2'));
    expect(port.policy).to.equal(policy);
    applyAll(state, set(WORKLOAD_KEY, workload({ '8080': other }), 'v3'));
    expect(port.policy).to.not.equal(policy);
    state.unwatchPort(port, watcher);
    applyAll(state, set(WORKLOAD_KEY, workload({}), 'v4'));
    expect(watcher.seen).to.deep.equal(['8080: web-http']);
  });

  it('give the routes of the profile for metrics', () => {
    const state = newState(new ManualClock());
    const profile = { dst: 'web.shop.svc.cluster.local:80', routes: [route('list', '/list')] };
    applyAll(state, set(WORKLOAD_KEY, workload({ '8080': portPolicy({ profile }) })));
    const matched = state.inboundPort(8080).policy.routes.match(request('GET', '/list'));
    expect([matched.name, matched.direction, matched.dst]).to.deep.equal(['list', 'inbound', profile.dst]);
  });

  it('keep their last policy when the workload is deleted: a terminating pod outlives its object', () => {
    const state = newState(new ManualClock());
    applyAll(state, set(WORKLOAD_KEY, workload({ '8080': portPolicy() })), { op: 'delete', key: WORKLOAD_KEY });
    expect(state.inboundPort(8080).policy.server.name).to.equal('web-http');
  });

  it('take the mesh-wide settings from the workload', () => {
    const state = newState(new ManualClock());
    const settings = { detectTimeoutMs: 5, requireIdentity: true, tapRedacts: ['x-session'] };
    applyAll(state, set(WORKLOAD_KEY, workload({}, { settings })));
    expect(state.settings).to.deep.equal(settings);
    const older = { ...settings, ...FOR_OLDER_PROXIES.settings(['10.0.0.0/8']) };
    applyAll(state, set(WORKLOAD_KEY, workload({}, { settings: older }), 'older'));
    expect(state.settings, 'of an operator of before').to.deep.equal(settings);
  });
});

describe('trust', () => {
  const pem = (name: string) => `-----BEGIN CERTIFICATE-----\n${name}\n-----END CERTIFICATE-----\n`;

  it('is announced when the anchors change, and never withdrawn', () => {
    const state = newState(new ManualClock());
    const watcher = new Watcher();
    state.watchTrust(watcher);
    applyAll(state, set('trust', { sources: '1', anchorsPem: pem('a') }, 'v1'));
    applyAll(state, set('trust', { sources: '2', anchorsPem: pem('a') }, 'v2'));
    applyAll(state, set('trust', { sources: '3', anchorsPem: pem('b') }, 'v3'));
    applyAll(state, { op: 'delete', key: 'trust' });
    expect(watcher.seen).to.deep.equal(['v1', 'v3']);
    expect(state.trust).to.deep.equal({ version: 'v3', anchorsPem: pem('b') });
  });
});
