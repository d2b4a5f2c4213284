import { expect } from 'chai';
import type { ServiceEntry } from '../../../proxy-image/core/state/entries.ts';
import type { ProxyState } from '../../../proxy-image/core/state/state.ts';
import {
  applyAll,
  backend,
  balanceOf,
  endpoint,
  endpointsKey,
  ManualClock,
  newState,
  portPolicy,
  SERVICE_KEY,
  service,
  set,
  WORKLOAD_KEY,
  workload,
} from './fixtures.ts';

const web = endpointsKey('web');
const MINUTES = 60_000;
const watcher = { destinationChanged: () => {}, protocolChanged: () => {} };

class Source {
  readonly log: string[] = [];
  subscribe(key: string): void {
    this.log.push(`+${key}`);
  }
  unsubscribe(key: string): void {
    this.log.push(`-${key}`);
  }
}

function filled(clock = new ManualClock(), maxDestinations?: number): { state: ProxyState; source: Source } {
  const state = newState(clock, maxDestinations === undefined ? {} : { maxDestinations });
  const source = new Source();
  state.attach(source);
  state.connectionChanged(true);
  return { state, source };
}

describe('persisted snapshot', () => {
  it('brings a restarted container back to where it was, through JSON', () => {
    const { state } = filled();
    applyAll(
      state,
      set(web, { sources: '1', endpoints: [endpoint('10.0.0.1')] }, 'e1'),
      set(SERVICE_KEY, service({ protocol: 'http1' }), 's1'),
      set(WORKLOAD_KEY, workload({ '8080': portPolicy() }), 'w1'),
      set('trust', { sources: '4', anchorsPem: '-----BEGIN CERTIFICATE-----' }, 't1'),
    );
    const text = state.persist();
    const next = newState(new ManualClock());
    expect(next.restore(JSON.parse(text))).to.deep.equal([]);
    const entry = next.destination('10.96.0.1', 80).entry as ServiceEntry;
    expect([entry.version, balanceOf(entry).pool.endpoints[0]!.id]).to.deep.equal(['s1', '10.0.0.1:8080']);
    expect(next.inboundPort(8080).policy.server.name).to.equal('web-http');
    expect(next.trust?.version).to.equal('t1');
    expect(next.held()).to.deep.equal(state.held());
    expect(next.status.workloadArrived).to.equal(true);
  });

  it('has the endpoints as patches left them', () => {
    const { state } = filled();
    applyAll(state, set(SERVICE_KEY, service()), set(web, { sources: '1', endpoints: [endpoint('10.0.0.1')] }, 'e1'), {
      op: 'patch',
      key: web,
      baseVersion: 'e1',
      version: 'e2',
      sources: '8',
      added: [endpoint('10.0.0.2', { zone: 'a' })],
      changed: [],
      removed: ['10.0.0.1:8080'],
    });
    const persisted = JSON.parse(state.persist());
    expect(persisted.resources.find((each: { key: string }) => each.key === web)).to.deep.equal({
      key: web,
      version: 'e2',
      body: { sources: '8', endpoints: [endpoint('10.0.0.2', { zone: 'a' })] },
    });
  });

  it('says nothing about contact with the source', () => {
    const { state } = filled();
    applyAll(state, set(SERVICE_KEY, service()));
    const next = newState(new ManualClock(5));
    next.restore(JSON.parse(state.persist()));
    expect(next.status).to.deep.include({ connected: false, lastContactMs: Number.NEGATIVE_INFINITY });
  });

  it('subscribes what it restored when the source is attached', () => {
    const { state } = filled();
    applyAll(state, set(SERVICE_KEY, service()));
    const next = newState(new ManualClock());
    next.restore(JSON.parse(state.persist()));
    const source = new Source();
    next.attach(source);
    expect(source.log).to.deep.equal([`+${SERVICE_KEY}`]);
  });

  it('is hostile: wrong shapes are refused, one bad resource does not spoil the others', () => {
    for (const wrong of [null, 7, 'x', [], {}, { format: 2, resources: [] }, { format: 1, resources: [{ key: 1 }] }]) {
      const state = newState(new ManualClock());
      expect(state.restore(wrong), JSON.stringify(wrong)).to.have.length(1);
      expect(state.status.resources).to.equal(0);
    }
    const { state } = filled();
    applyAll(state, set(SERVICE_KEY, service()), set(web, { sources: '1', endpoints: [] }));
    const spoiled = JSON.parse(state.persist().replace('"port":80,', '"port":"80",'));
    const next = newState(new ManualClock());
    expect(next.restore(spoiled).map((each) => each.key)).to.deep.equal([SERVICE_KEY]);
    expect(next.held().map((each) => each.key)).to.deep.equal([web]);
  });
});

describe('release of idle destinations', () => {
  it('unsubscribes what nobody watched or looked up, with its endpoints', () => {
    const clock = new ManualClock();
    const { state, source } = filled(clock);
    state.destination('10.96.0.1', 80);
    applyAll(state, set(web, { sources: '1', endpoints: [endpoint('10.0.0.1')] }), set(SERVICE_KEY, service()));
    clock.ms = 10 * MINUTES - 1;
    expect(state.releaseIdle(10 * MINUTES)).to.deep.equal([]);
    clock.ms = 10 * MINUTES;
    expect(state.releaseIdle(10 * MINUTES)).to.deep.equal([SERVICE_KEY]);
    expect(source.log).to.deep.equal([`+${SERVICE_KEY}`, `-${SERVICE_KEY}`]);
    expect(state.held()).to.deep.equal([]);
    expect(state.destination('10.96.0.1', 80).entry).to.equal(null);
    expect(source.log.at(-1)).to.equal(`+${SERVICE_KEY}`);
  });

  it('keeps endpoints that another service names', () => {
    const clock = new ManualClock();
    const { state } = filled(clock);
    applyAll(
      state,
      set(web, { sources: '1', endpoints: [endpoint('10.0.0.1')] }),
      set(SERVICE_KEY, service()),
      set('service/10.96.0.2:80', service({ backends: [backend('web', 1)] })),
    );
    clock.ms = 20 * MINUTES;
    const kept = state.destination('10.96.0.2', 80);
    expect(state.releaseIdle(10 * MINUTES)).to.deep.equal([SERVICE_KEY]);
    expect(balanceOf(kept.entry as ServiceEntry).pool.endpoints).to.have.length(1);
    expect(state.held().map((each) => each.key)).to.include(web);
  });

  it('never releases what a connection watches', () => {
    const clock = new ManualClock();
    const { state } = filled(clock);
    const destination = state.destination('10.96.0.1', 80);
    state.watch(destination, watcher);
    clock.ms = 60 * MINUTES;
    expect(state.releaseIdle(10 * MINUTES)).to.deep.equal([]);
    state.unwatch(destination, watcher);
    clock.ms += 10 * MINUTES - 1;
    expect(state.releaseIdle(10 * MINUTES)).to.deep.equal([]);
    clock.ms += 1;
    expect(state.releaseIdle(10 * MINUTES)).to.deep.equal([SERVICE_KEY]);
  });

  it('waits while the source is away: what is forgotten then could not be learned again', () => {
    const clock = new ManualClock();
    const { state } = filled(clock);
    applyAll(state, set(SERVICE_KEY, service()));
    state.connectionChanged(false);
    clock.ms = 60 * MINUTES;
    expect(state.releaseIdle(10 * MINUTES)).to.deep.equal([]);
    expect(state.destination('10.96.0.1', 80).entry?.kind).to.equal('service');
  });
});

describe('the cap on destinations', () => {
  it('makes room by the longest unused when an application scans addresses', () => {
    const clock = new ManualClock();
    const { state } = filled(clock, 100);
    const used = state.destination('10.96.0.1', 80);
    state.watch(used, watcher);
    for (let i = 0; i < 1000; i++) {
      clock.ms++;
      state.destination(`10.1.${i >> 8}.${i & 255}`, 80);
    }
    expect(state.status.destinations).to.be.at.most(100);
    expect(state.destination('10.96.0.1', 80)).to.equal(used);
    const latest = state.destination('10.1.3.231', 80);
    expect(state.destination('10.1.3.231', 80)).to.equal(latest);
  });

  it('gives an unseen place of its own when all others are in use', () => {
    const { state, source } = filled(new ManualClock(), 2);
    for (const ip of ['10.1.0.1', '10.1.0.2']) state.watch(state.destination(ip, 80), watcher);
    const extra = state.destination('10.1.0.3', 80);
    state.watch(extra, watcher);
    state.unwatch(extra, watcher);
    expect([extra.entry, state.status.destinations, source.log.length]).to.deep.equal([null, 2, 2]);
  });
});

describe('status', () => {
  it('knows connection, contact, and how much changed', () => {
    const clock = new ManualClock(100);
    const state = newState(clock);
    expect(state.status.lastContactMs).to.equal(Number.NEGATIVE_INFINITY);
    state.connectionChanged(true);
    clock.ms = 200;
    state.contact();
    applyAll(state, set(SERVICE_KEY, service()));
    expect(state.status).to.deep.equal({
      connected: true,
      lastContactMs: 200,
      workloadArrived: false,
      destinations: 1,
      resources: 1,
      revision: 1,
      rejections: 0,
    });
  });
});
