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
import { judgeRestart } from '../../scale/judge.ts';
import { collections, type KubernetesObject } from '../../scale/objects.ts';
import type { Figures } from '../../scale/proxies/protocol.ts';
import { Troupe } from '../../scale/proxies/troupe.ts';
import { measureRestart, type RestartParts } from '../../scale/restart.ts';
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

const connectedText = (count: number) =>
  `# HELP weft_config_connected_proxies Proxies.\n# TYPE weft_config_connected_proxies gauge\nweft_config_connected_proxies ${count}\n`;

/** The configuration server is the real one, with a state that no API server feeds. */
describe('simulated proxies of make scale', function () {
  this.timeout(30_000);
  const authority = createTestAuthority();
  const state = new ClusterState(KINDS);
  const objects = new Map<string, KubernetesObject>();
  const tls = new TestTls(authority);
  const servers: ConfigServer[] = [];
  const ports: number[] = [];
  let full: number[] = [];
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
    for (let at = 0; at < 2; at++) await open(at);
    const replicas = ports.map((port) => ({ host: HOST, port }));
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

  /** A second time on the port of the first. */
  async function open(at: number): Promise<void> {
    const server = createConfigServer({ state, tls, clock: systemClock, log: silentLog });
    servers[at] = server;
    ports[at] = await server.listen(ports[at] ?? 0, HOST);
    server.storesSynced();
  }

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

  /** The servers, as the harness knows the processes that they are in. */
  const operators: RestartParts['operators'] = {
    hosts: [HOST, HOST],
    metrics: async () => servers.map((server) => connectedText(server.connections().connected)),
    end: (at) => servers[at]!.close(),
    begin: (at) => open(at),
  };

  for (const [number, signal] of [
    [1, 'SIGTERM'],
    [0, 'SIGKILL'],
  ] as const)
    it(`come back to another replica with what they have, and are sent no more than what is new (${signal})`, async () => {
      const { fullBytes } = await troupe.figures();
      full = fullBytes.length > 0 ? fullBytes : full;
      const leaving = servers[number]!.connections().connected;
      const lead = async (replicas: number[]) => troupe.say({ type: 'lead', replicas });
      const parts = { operators, troupe, lead };
      const figures = await measureRestart(parts, { number, signal, proxies: PROXIES, fullBytes: full });
      expect(figures).to.include({ signal, moved: leaving, back: leaving });
      expect(figures.reasons).to.deep.equal({ WEFT_SERVE_STOPPING: leaving });
      expect(figures.allBackMs).to.be.within(1, figures.sinceSignalMs);
      expect(judgeRestart(figures).filter(({ holds }) => !holds)).to.deep.equal([]);
      expect(servers[1 - number]!.connections().connected).to.equal(PROXIES);
    });
});
