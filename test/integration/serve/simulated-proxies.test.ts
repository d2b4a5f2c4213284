import { expect } from 'chai';
import { KINDS } from '../../../crds/kinds/registry.ts';
import { ClusterState } from '../../../crds/state/cluster-state.ts';
import { systemClock } from '../../../operator/runtime/clock.ts';
import { silentLog } from '../../../operator/runtime/log.ts';
import { createConfigServer } from '../../../operator/serve/server.ts';
import type { ConfigServer } from '../../../operator/serve/types.ts';
import { type Change, Changes } from '../../scale/changes.ts';
import { machineMs } from '../../scale/clock.ts';
import { sum } from '../../scale/distribution.ts';
import { Fleet } from '../../scale/fleet.ts';
import { collections, type KubernetesObject } from '../../scale/objects.ts';
import type { Figures } from '../../scale/proxies/protocol.ts';
import { Troupe } from '../../scale/proxies/troupe.ts';
import { beginTrace, type Trace, Traces } from '../../scale/trace.ts';
import { createLeaf, createTestAuthority } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import { TestTls } from './serve-bench.ts';

const PROXIES = 24;
const fleet = new Fleet({
  services: 12,
  endpointsPerService: 10,
  profiles: 36,
  splits: 6,
  routes: 6,
  authorizations: 12,
  namespaces: 5,
  proxies: PROXIES,
  servicesPerProxy: 5,
});
const HOST = '127.0.0.1';

/** The configuration server is the real one, with a state that no API server feeds. */
describe('simulated proxies of make scale', function () {
  this.timeout(30_000);
  const authority = createTestAuthority();
  const state = new ClusterState(KINDS);
  const objects = new Map<string, KubernetesObject>();
  const servers: ConfigServer[] = [];
  const traces = new Traces();
  const changes = new Changes(fleet);
  let troupe: Troupe;
  let revision = 1;

  before(async () => {
    for (const { path, objects: all, status } of collections(fleet)) {
      for (const object of all()) {
        const { namespace, name } = object.metadata;
        const whole = status === undefined ? object : { ...object, status: status(object) };
        put(`${path(namespace!)}/${name}`, whole);
      }
    }
    state.applyTrust({ anchorsPem: authority.anchorsPem, resourceVersion: '1' });
    const tls = new TestTls(authority);
    const replicas: { host: string; port: number }[] = [];
    for (let at = 0; at < 2; at++) {
      const server = createConfigServer({ state, tls, clock: systemClock, log: silentLog });
      servers.push(server);
      replicas.push({ host: HOST, port: await server.listen(0, HOST) });
      server.storesSynced();
    }
    troupe = new Troupe(2, (arrival) => traces.arrived(arrival));
    const leaves = Array.from({ length: fleet.size.services }, (_, at) => createLeaf(authority, fleet.identityOf(at)));
    const cast = { replicas, serverName: 'weft-operator.test', anchorsPem: authority.anchorsPem };
    troupe.cast(
      { ...cast, leaves: leaves.map(({ keyPem, chainPem }) => ({ keyPem, chainPem })) },
      Array.from({ length: PROXIES }, (_, at) => fleet.role(at, 2)),
    );
  });

  after(async () => {
    troupe?.end();
    for (const server of servers) await server.close();
  });

  function put(path: string, object: KubernetesObject): void {
    revision += 1;
    const metadata = { ...object.metadata, uid: path, generation: revision, resourceVersion: String(revision) };
    objects.set(path, object);
    const { kind, apiVersion } = object;
    const row = KINDS.find((each) => each.kind === kind && (each.group || 'v1') === apiVersion.split('/')[0]);
    if (row === undefined) throw new Error(`no row of ${apiVersion} ${kind}`);
    const parsed = row.parse({ ...object, metadata });
    const meta = parsed.model?.meta ?? null;
    if (meta === null) throw new Error(`${path}: ${JSON.stringify(parsed.problems)}`);
    const reads = state.applyParsed(row, parsed, meta);
    for (const server of servers) server.invalidate(reads);
  }

  function make(change: Change): void {
    traces.add(beginTrace(change.kind, change.keys, machineMs()));
    const object = structuredClone(objects.get(change.path)!);
    for (const { path, value } of change.patch) set(object, path.split('/').slice(1), value);
    put(change.path, object);
  }

  /** RFC 6902, `replace`. */
  function set(object: object, [first = '', ...rest]: readonly string[], value: unknown): void {
    if (rest.length === 0) Reflect.set(object, first, value);
    else set(Reflect.get(object, first) as object, rest, value);
  }

  const settled = (figures: Figures) => figures.settled === PROXIES;

  it('have all that they ask for', async () => {
    troupe.say({ type: 'connect', below: PROXIES });
    const figures = await eventually('all are settled', async () => {
      const now = await troupe.figures();
      return settled(now) ? now : null;
    });
    expect(figures.fullBytes).to.have.length(PROXIES);
    expect(figures.holders[fleet.serviceKey(3)]).to.equal(10);
    expect(servers.map((server) => server.connections().connected)).to.deep.equal([12, 12]);
  });

  it('say of every change to whom it came, and in how many bytes', async () => {
    const made = Array.from({ length: 6 }, () => changes.nextEndpoint());
    made.push(...Array.from({ length: 4 }, () => changes.nextResource()));
    for (const change of made) make(change);
    const { holders, refusedBatches } = await troupe.figures();
    const expected = ({ kind, keys }: Trace) => (kind === 'endpoint' ? sum(keys.map((key) => holders[key]!)) : 1);
    await eventually('all have arrived', () => traces.all.every((trace) => trace.count >= expected(trace)));
    for (const trace of traces.all) {
      if (trace.kind === 'endpoint') expect(trace.count).to.equal(expected(trace));
      expect(trace.bytes / trace.count, trace.kind).to.be.within(100, 4_000);
    }
    expect(new Set(traces.all.map(({ kind }) => kind)).size).to.equal(5);
    expect(refusedBatches).to.equal(0);
  });

  it('come back to another replica with what they have, and are sent no more than what is new', async () => {
    const { fullBytes } = await troupe.figures();
    troupe.say({ type: 'mark' });
    await servers.pop()!.close();
    const figures = await eventually('all are back', async () => {
      const now = await troupe.figures();
      return settled(now) && now.resumeBytes.length === 12 ? now : null;
    });
    expect(figures.dropped).to.deep.equal({ WEFT_SERVE_STOPPING: 12 });
    expect(figures.backMs).to.have.length(12);
    expect(Math.max(...figures.resumeBytes)).to.be.below(Math.min(...fullBytes) / 10);
  });
});
