import { expect } from 'chai';
import fc from 'fast-check';
import { compile } from '../../../crds/compile/compile.ts';
import { bodyOf, type Kept, ResourceCache } from '../../../crds/compile/resource-cache.ts';
import { destinationView } from '../../../crds/compile/service.ts';
import { KINDS } from '../../../crds/kinds/registry.ts';
import { ClusterState } from '../../../crds/state/cluster-state.ts';
import type { Model } from '../../../crds/types/kind-name.ts';
import type { ObjectMeta } from '../../../crds/types/object-meta.ts';
import { formatKey, parseKey, type ResourceKey } from '../../../proxy-image/contract/keys.ts';
import { type ModelNamed, NAMED, type Named } from '../../support/kinds.ts';
import {
  authorization,
  mesh,
  namespace,
  override,
  pod,
  profile,
  route,
  server,
  service,
  servicePort,
  slice,
  sliceEndpoint,
  split,
} from '../../support/models.ts';

/** One object as it becomes, or is deleted. A small world, so that events meet. */
type Event = {
  [K in Named]: { kind: K; model: ModelNamed<K>; deleted: boolean };
}[Named];

const name = fc.constantFrom('web', 'db', 'canary');
const space = fc.constantFrom('app', 'client');
const serviceIp = fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.0.3');
const podIp = fc.constantFrom('10.1.0.1', '10.1.0.2', '10.0.0.3');
const podName = fc.constantFrom('p1', 'p2', 'p3');
const stamp = fc.constantFrom('2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z');
const labels = fc.constantFrom<Record<string, string>>({}, { app: 'web' }, { app: 'db' }, { app: 'web', tier: 'x' });
const weight = fc.constantFrom(0, 1, 1000);
const port = fc.constantFrom<number | string>(8080, 9090, 'http');
const deleted = fc.boolean();

function selecting(matchLabels: Record<string, string>) {
  return { matchLabels, matchExpressions: [] };
}

const events = {
  Service: fc
    .record({
      name,
      ip: serviceIp,
      headless: fc.boolean(),
      labels,
      port,
      opaque: fc.boolean(),
      meta: fc.record({ namespace: space, creationTimestamp: stamp }),
    })
    .map((each) =>
      service(each.name, each.headless ? '' : each.ip, {
        selector: each.labels,
        ports: [servicePort(80, { targetPort: each.port, appProtocol: each.opaque ? 'linkerd.io/opaque' : '' })],
        meta: each.meta,
      }),
    ),
  Pod: fc
    .record({
      name: podName,
      ip: podIp,
      labels,
      meshed: fc.boolean(),
      phase: fc.constantFrom('Running' as const, 'Succeeded' as const),
      host: fc.boolean(),
      meta: fc.record({ namespace: space, creationTimestamp: stamp }),
    })
    .map((each) =>
      pod(each.name, each.ip, {
        meshed: each.meshed,
        phase: each.phase,
        hostNetwork: each.host,
        meta: { ...each.meta, labels: each.labels },
      }),
    ),
  EndpointSlice: fc
    .record({
      name,
      of: name,
      target: fc.constantFrom('', 'p1', 'p2'),
      ips: fc.subarray(['10.1.0.1', '10.1.0.2', '10.0.0.3']),
      ready: fc.boolean(),
      terminating: fc.boolean(),
      namespace: space,
    })
    .map((each) =>
      slice(
        each.name,
        each.of,
        each.ips.map((ip) =>
          sliceEndpoint(ip, { targetPod: each.target, ready: each.ready, terminating: each.terminating }),
        ),
        { meta: { namespace: each.namespace } },
      ),
    ),
  ServiceProfile: fc
    .record({
      of: name,
      namespace: space,
      routes: fc.subarray(['a', 'b']),
      overrides: fc.array(fc.tuple(name, weight), { maxLength: 2 }),
    })
    .map((each) =>
      profile(each.of, {
        routes: each.routes.map((one) => route(one)),
        dstOverrides: each.overrides.map(([to, share]) => override(to, share)),
        meta: { namespace: each.namespace },
      }),
    ),
  TrafficSplit: fc
    .record({ name, of: name, backend: name, weight, namespace: space, creationTimestamp: stamp })
    .map((each) => split(each.name, each.of, { [each.backend]: each.weight }, each)),
  Server: fc
    .record({
      name,
      labels,
      port,
      opaque: fc.boolean(),
      meta: fc.record({ namespace: space, creationTimestamp: stamp, labels }),
    })
    .map((each) =>
      server(each.name, {
        podSelector: selecting(each.labels),
        port: each.port,
        proxyProtocol: each.opaque ? 'opaque' : 'unknown',
        meta: each.meta,
      }),
    ),
  ServerAuthorization: fc
    .record({
      name,
      target: fc.oneof(
        name.map((one) => ({ name: one })),
        labels.map((one) => ({ selector: selecting(one) })),
      ),
      namespace: space,
    })
    .map((each) => authorization(each.name, { server: each.target, meta: { namespace: each.namespace } })),
  Namespace: fc
    .record({ name: space, policy: fc.constantFrom('deny', 'audit') })
    .map((each) => namespace(each.name, { 'config.linkerd.io/default-inbound-policy': each.policy })),
  Mesh: fc.constantFrom('cluster.local', 'other.example').map((clusterDomain) => mesh({ clusterDomain })),
};

function of<K extends Named>(kind: K, models: fc.Arbitrary<ModelNamed<K>>) {
  return fc.tuple(models, deleted).map(([model, gone]) => ({ kind, model, deleted: gone }));
}

const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 3, arbitrary: of('Service', events.Service) },
  { weight: 3, arbitrary: of('Pod', events.Pod) },
  { weight: 3, arbitrary: of('EndpointSlice', events.EndpointSlice) },
  { weight: 2, arbitrary: of('ServiceProfile', events.ServiceProfile) },
  { weight: 2, arbitrary: of('TrafficSplit', events.TrafficSplit) },
  { weight: 2, arbitrary: of('Server', events.Server) },
  { weight: 1, arbitrary: of('ServerAuthorization', events.ServerAuthorization) },
  { weight: 1, arbitrary: of('Namespace', events.Namespace) },
  { weight: 1, arbitrary: of('Mesh', events.Mesh) },
);

const KEYS = [
  'service/10.0.0.1:80',
  'service/10.0.0.2:80',
  'service/10.0.0.3:80',
  'service/10.0.0.3:8080',
  'service/10.1.0.1:8080',
  'endpoints/app/web:80/ipv4',
  'endpoints/app/db:80/ipv4',
  'endpoints/client/canary:80/ipv4',
  'workload/app/p1',
  'workload/client/p2',
].map((text): ResourceKey => {
  const key = parseKey(text);
  if (key === null) throw new Error(text);
  return key;
});

/** The objects of a world after some events, by kind and name; for compiling from scratch. */
class World {
  readonly #objects = new Map<string, Event & { meta: ObjectMeta }>();
  #revision = 0;

  apply(state: ClusterState, next: Event): ReadonlySet<string> {
    this.#revision += 1;
    const own = next.model.meta;
    if (own === null) return new Set();
    const meta = { ...own, resourceVersion: String(this.#revision) };
    const id = `${next.kind}/${own.namespace}/${own.name}`;
    if (next.deleted) this.#objects.delete(id);
    else this.#objects.set(id, { ...next, meta });
    return put(state, next, meta);
  }

  /** The same objects in another order of arrival. */
  rebuild(): ClusterState {
    const state = new ClusterState(KINDS);
    for (const held of [...this.#objects.values()].reverse()) put(state, held, held.meta);
    return state;
  }
}

function put(state: ClusterState, { kind, model, deleted: gone }: Event, meta: ObjectMeta): ReadonlySet<string> {
  return state.apply<Model>(NAMED[kind], gone ? null : { ...model, meta }, meta);
}

function fresh(state: ClusterState, key: ResourceKey, clientNamespace: string): string | null {
  const view = key.kind === 'service' ? destinationView(state, key, clientNamespace) : '';
  return compile(state, key, view).compiled?.version ?? null;
}

describe('property: incremental compilation', () => {
  it('equals compiling the same objects from scratch, after every event', () => {
    fc.assert(
      fc.property(fc.array(event, { minLength: 1, maxLength: 60 }), (sequence) => {
        const world = new World();
        const state = new ClusterState(KINDS);
        const cache = new ResourceCache<string>(state);
        const audiences = KEYS.flatMap((key) => ['app', 'client'].map((one) => cache.subscribe(key, one, 'x')));
        for (const next of sequence) {
          cache.invalidate(world.apply(state, next));
          cache.refresh();
          for (const { key, keyText, clientNamespace, resource } of audiences) {
            const expected = fresh(state, key, clientNamespace);
            // What is no longer known keeps its last state (a deleted pod still drains).
            if (expected !== null) expect(resource.compiled?.version, keyText).to.equal(expected);
          }
        }
        const rebuilt = world.rebuild();
        for (const { key, keyText, clientNamespace } of audiences) {
          expect(fresh(rebuilt, key, clientNamespace), keyText).to.equal(fresh(state, key, clientNamespace));
        }
      }),
      { numRuns: 150 },
    );
  });

  it('is the same on two replicas, whatever each has seen on the way', () => {
    // How new the objects were that it has seen may differ: it is no part of the version.
    const content = (compiled: Kept | null | undefined) =>
      compiled && { ...compiled, sources: '', body: { ...bodyOf(compiled), sources: '' }, text: '' };
    fc.assert(
      fc.property(fc.array(event, { minLength: 1, maxLength: 60 }), (sequence) => {
        const world = new World();
        const state = new ClusterState(KINDS);
        const watching = new ResourceCache<string>(state);
        for (const key of KEYS) watching.subscribe(key, 'client', 'x');
        for (const next of sequence) {
          watching.invalidate(world.apply(state, next));
          watching.refresh();
        }
        // The other has just started: it has a list of each kind, and nobody has asked it for anything before.
        const rebuilt = world.rebuild();
        const started = new ResourceCache<string>(rebuilt);
        for (const key of KEYS) {
          const [a, b] = [watching, started].map((each) => each.subscribe(key, 'client', 'y').resource.compiled);
          if (b != null) expect(content(a), formatKey(key)).to.deep.equal(content(b));
        }
      }),
      { numRuns: 150 },
    );
  });

  it('touches nothing that means the same as before', () => {
    fc.assert(
      fc.property(fc.array(event, { minLength: 1, maxLength: 30 }), event, (sequence, last) => {
        const world = new World();
        const state = new ClusterState(KINDS);
        for (const next of sequence) world.apply(state, next);
        world.apply(state, last);
        expect([...world.apply(state, structuredClone(last))]).to.deep.equal([]);
      }),
      { numRuns: 150 },
    );
  });

  it('leaves no subscription behind', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 30 }), (sequence) => {
        const world = new World();
        const state = new ClusterState(KINDS);
        const cache = new ResourceCache<string>(state);
        const audiences = KEYS.map((key) => cache.subscribe(key, 'client', 'x'));
        for (const next of sequence) {
          cache.invalidate(world.apply(state, next));
          cache.refresh();
        }
        for (const audience of audiences) cache.unsubscribe(audience, 'x');
        expect(cache.size).to.deep.equal({ resources: 0, audiences: 0 });
        for (const next of sequence) cache.invalidate(world.apply(state, next));
        expect(cache.stale).to.equal(false);
      }),
      { numRuns: 50 },
    );
  });
});
