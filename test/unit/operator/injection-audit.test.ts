import { expect } from 'chai';
import { Registry } from 'prom-client';
import { DEFAULT_MESH } from '../../../crds/kinds/mesh/parse.ts';
import { NAMESPACE, type NamespaceModel } from '../../../crds/kinds/namespace/model.ts';
import { reduceNamespace } from '../../../crds/kinds/namespace/parse.ts';
import { POD, type PodModel } from '../../../crds/kinds/pod/model.ts';
import { reducePod } from '../../../crds/kinds/pod/parse.ts';
import { KINDS } from '../../../crds/kinds/registry.ts';
import { ClusterState } from '../../../crds/state/cluster-state.ts';
import type { KindName } from '../../../crds/types/kind-name.ts';
import { InjectionAudit } from '../../../operator/injection-audit.ts';
import type { EventContent, EventSubject } from '../../../operator/kube/events.ts';
import type { Seen } from '../../../operator/reconcilers/seen.ts';
import type { InformerHandler } from '../../../operator/runtime/informer.ts';
import { lackMetrics } from '../../../operator/telemetry/lack-metrics.ts';
import type { Injector } from '../../../webhooks/inject/lack.ts';
import { injectorReach } from '../../../webhooks/inject/reach.ts';
import { FakeClock } from '../../fakes/clock.ts';
import { MemoryLogger } from '../../fakes/logger.ts';
import { injected, webPod } from '../../support/pods.ts';

const INJECT = 'linkerd.io/inject';
const ENABLED = { [INJECT]: 'enabled' };

type Models = PodModel | NamespaceModel;

/** A cache as the audit knows it: the state first, then its handler. */
class Cache<M extends Models> {
  readonly #state: ClusterState;
  readonly #kind: KindName<M>;
  readonly #held = new Map<string, Seen<M>>();
  #handler: InformerHandler<Seen<M>> = {};

  constructor(state: ClusterState, kind: KindName<M>) {
    this.#state = state;
    this.#kind = kind;
  }

  addHandler(handler: InformerHandler<Seen<M>>): void {
    this.#handler = handler;
  }

  put(model: M): void {
    const { meta } = model;
    const seen: Seen<M> = { meta, deleting: false, parsed: { model, problems: [] }, status: undefined };
    const key = `${meta.namespace}/${meta.name}`;
    const before = this.#held.get(key);
    this.#held.set(key, seen);
    this.#state.apply(this.#kind, model, meta);
    if (before === undefined) this.#handler.added?.(seen, false);
    else this.#handler.updated?.(before, seen);
  }

  remove(namespace: string, name: string): void {
    const key = `${namespace}/${name}`;
    const last = this.#held.get(key)!;
    this.#held.delete(key);
    this.#state.apply(this.#kind, null, last.meta);
    this.#handler.deleted?.(last, last.meta.resourceVersion);
  }
}

class World {
  readonly clock = new FakeClock();
  readonly log = new MemoryLogger();
  readonly state = new ClusterState(KINDS);
  readonly pods = new Cache<PodModel>(this.state, POD);
  readonly namespaces = new Cache<NamespaceModel>(this.state, NAMESPACE);
  readonly told: { subject: EventSubject; content: EventContent; atMs: number }[] = [];
  injector: Injector = { reach: injectorReach(DEFAULT_MESH, false), writtenAt: this.ago(3_600_000) };
  changes = 0;
  /** Objects that were looked at. */
  looks = 0;
  readonly audit: InjectionAudit;
  #version = 0;

  constructor() {
    this.audit = new InjectionAudit({
      pods: this.pods,
      namespaces: this.namespaces,
      view: this.state.noting((_, __, found) => {
        this.looks += found.length;
      }),
      injector: () => this.injector,
      events: {
        announce: async ({ resourceVersion, ...subject }, content) => {
          expect(resourceVersion, 'whatever version of the pod it is').to.equal(subject.uid);
          this.told.push({ subject, content, atMs: this.clock.nowMs() });
        },
      },
      changed: () => {
        this.changes += 1;
      },
      clock: this.clock,
      log: this.log,
    });
  }

  ago(ms: number): string {
    return new Date(this.clock.wallMs() - ms).toISOString().replace(/\.\d+Z$/, 'Z');
  }

  /** @param ageMs since it was last changed */
  namespace(name: string, annotations: Record<string, string> = ENABLED, ageMs = 1_800_000): void {
    const metadata = {
      ...{ name, annotations, labels: { 'kubernetes.io/metadata.name': name } },
      managedFields: [{ time: this.ago(ageMs) }],
    };
    this.namespaces.put(reduceNamespace({ metadata: { ...metadata, uid: name, ...this.#next() } }));
  }

  pod(namespace: string, name: string, ageMs: number, fields: { spec?: object; status?: object } = {}): void {
    this.pods.put(reducePod({ ...this.#raw(namespace, name, ageMs, fields.spec), ...fields }));
  }

  meshed(namespace: string, name: string): void {
    const raw = this.#raw(namespace, name, 0);
    this.pods.put(reducePod(injected({ pod: raw, namespace }).pod));
  }

  get lacks(): string {
    const { missed, perhapsOlder, namespaces } = this.audit.counts.summary();
    return [`${missed}+${perhapsOlder}`, ...namespaces.map(({ name, pods }) => `${name} ${pods}`)].join(' ');
  }

  #raw(namespace: string, name: string, ageMs: number, spec: object = {}): Record<string, unknown> {
    const metadata = { namespace, name, uid: `uid-${name}`, creationTimestamp: this.ago(ageMs), ...this.#next() };
    return webPod({ metadata, spec: { ...spec } });
  }

  #next(): { resourceVersion: string } {
    this.#version += 1;
    return { resourceVersion: String(this.#version) };
  }
}

const MINUTE_MS = 60_000;

describe('the audit of injection', () => {
  it('tells of a pod once by an Event, with what makes it anew', async () => {
    const world = new World();
    world.namespace('shop');
    world.pod('shop', 'web-1', MINUTE_MS);
    await world.audit.start();
    expect(world.lacks).to.equal('1+0 shop 1');
    for (let look = 0; look < 3; look++) world.pod('shop', 'web-1', MINUTE_MS);
    world.namespace('shop', { ...ENABLED, 'config.linkerd.io/access-log': 'json' });
    await world.clock.advance(10_000);
    expect(world.told.map(({ subject }) => subject)).to.deep.equal([
      {
        type: { group: '', version: 'v1', plural: '' },
        kind: 'Pod',
        namespace: 'shop',
        name: 'web-1',
        uid: 'uid-web-1',
      },
    ]);
    const [{ content }] = world.told as [World['told'][number]];
    expect(content).to.include({ type: 'Warning', reason: 'ProxyMissing', action: 'Audit' });
    expect(content.note).to.match(/the injector was not reached.* kubectl -n shop rollout restart deployment\/web$/);
  });

  it('tells by what is known when it does: the injector may be heard of only then', async () => {
    const world = new World();
    const { writtenAt } = world.injector;
    world.injector = { ...world.injector, writtenAt: '' };
    world.namespace('shop');
    world.pod('shop', 'web-1', MINUTE_MS);
    await world.audit.start();
    world.injector = { ...world.injector, writtenAt };
    world.audit.injectorChanged();
    await world.clock.advance(1_000);
    expect(world.lacks).to.equal('1+0 shop 1');
    expect(world.told.map(({ content: { note } }) => note.includes('the injector was not reached'))).to.deep.equal([
      true,
    ]);
  });

  it('does nothing before this replica leads', async () => {
    const world = new World();
    world.namespace('shop');
    world.pod('shop', 'web-1', MINUTE_MS);
    world.pod('shop', 'young', 0);
    world.audit.injectorChanged();
    await world.clock.advance(MINUTE_MS);
    expect([world.lacks, world.told.length, world.changes, world.clock.timers]).to.deep.equal(['0+0', 0, 0, 0]);
  });

  it('counts a pod when it has had its seconds, and one that ended within them never', async () => {
    const world = new World();
    world.namespace('shop');
    await world.audit.start();
    world.pod('shop', 'stays', 0);
    world.pod('shop', 'ends', 0);
    world.pod('shop', 'goes', 0);
    await world.clock.advance(5_000);
    world.pod('shop', 'ends', 5_000, { status: { phase: 'Succeeded' } });
    world.pods.remove('shop', 'goes');
    expect(world.lacks).to.equal('0+0');
    await world.clock.advance(7_000);
    expect(world.lacks).to.equal('1+0 shop 1');
    await world.clock.advance(MINUTE_MS);
    expect(world.told.map(({ subject }) => subject.name)).to.deep.equal(['stays']);
    expect(world.clock.timers).to.equal(0);
  });

  it('waits no longer where its clock is behind that of the API server', async () => {
    const world = new World();
    world.namespace('shop');
    await world.audit.start();
    world.pod('shop', 'web-1', -10 * MINUTE_MS);
    await world.clock.advance(12_000);
    expect(world.lacks).to.equal('1+0 shop 1');
  });

  it('clears when the pod is gone, and made anew with a proxy', async () => {
    const world = new World();
    world.namespace('shop');
    await world.audit.start();
    world.pod('shop', 'web-1', MINUTE_MS);
    world.pod('shop', 'web-2', MINUTE_MS);
    world.pods.remove('shop', 'web-1');
    world.meshed('shop', 'web-1');
    expect(world.lacks).to.equal('1+0 shop 1');
    world.pods.remove('shop', 'web-2');
    expect(world.lacks).to.equal('0+0');
    expect(world.changes, 'there are some, there are none').to.equal(2);
    await world.clock.advance(MINUTE_MS);
    expect(world.told, 'whoever is gone by then').to.deep.equal([]);
  });

  it('judges the pods of a namespace when it asks for proxies, and when it does not any more', async () => {
    const world = new World();
    world.namespace('shop', {});
    world.namespace('other', {});
    for (const namespace of ['shop', 'other']) world.pod(namespace, `${namespace}-1`, MINUTE_MS);
    await world.audit.start();
    expect(world.lacks).to.equal('0+0');
    world.namespace('shop', ENABLED, 0);
    expect(world.lacks).to.equal('0+1 shop 1');
    world.namespace('shop', { [INJECT]: 'disabled' }, 0);
    expect(world.lacks).to.equal('0+0');
  });

  it('judges anew when the reach of the injector changes, and when what it is changes', async () => {
    const world = new World();
    world.namespace('shop');
    world.pod('shop', 'web-1', MINUTE_MS);
    await world.audit.start();
    world.injector = { ...world.injector, writtenAt: world.ago(0) };
    world.audit.injectorChanged();
    expect(world.lacks).to.equal('0+1 shop 1');
    world.injector = { ...world.injector, reach: injectorReach(DEFAULT_MESH, true) };
    world.audit.injectorChanged();
    expect(world.lacks).to.equal('0+0');
  });

  it('tells a few a second, and of as many as wait: the rest are counted only', async () => {
    const world = new World();
    world.namespace('shop');
    for (let pod = 0; pod < 1_500; pod++) world.pod('shop', `web-${pod}`, MINUTE_MS);
    await world.audit.start();
    expect(world.lacks).to.equal('1500+0 shop 1500');
    await world.clock.advance(1_000);
    expect(world.told).to.have.length(10);
    await world.clock.advance(10 * MINUTE_MS);
    expect(world.told).to.have.length(1_000);
    expect(world.log.lines.filter(({ level }) => level === 'warn')).to.have.length(1);
  });

  it('looks at one pod and its namespace where a pod has changed, however many there are', async () => {
    const world = new World();
    world.namespace('shop', {});
    world.namespace('busy');
    for (let pod = 0; pod < 1_000; pod++) world.pod(pod === 0 ? 'busy' : 'shop', `web-${pod}`, MINUTE_MS);
    await world.audit.start();
    expect(world.looks).to.be.greaterThan(1_000);
    world.looks = 0;
    for (let look = 0; look < 10; look++)
      world.pod('busy', 'web-0', MINUTE_MS, { status: { podIP: `10.0.0.${look}` } });
    world.namespace('busy', { ...ENABLED, 'config.linkerd.io/access-log': 'json' });
    expect(world.lacks).to.equal('1+0 busy 1');
    expect(world.looks).to.equal(10 + 2);
  });

  it('leaves no timer when it stops', async () => {
    const world = new World();
    world.namespace('shop');
    await world.audit.start();
    world.pod('shop', 'young', 0);
    world.pod('shop', 'web-1', MINUTE_MS);
    await world.audit.stop();
    expect(world.clock.timers).to.equal(0);
  });

  it('is a gauge for each namespace, of which a hundred are named', async () => {
    const world = new World();
    await world.audit.start();
    const registry = new Registry();
    lackMetrics(registry, () => world.audit.counts.byNamespace());
    const series = async () =>
      (await registry.metrics()).split('\n').filter((line) => line.startsWith('weft_pods_without_proxy{'));
    expect(await series()).to.deep.equal([]);
    for (let index = 0; index < 103; index++) {
      world.namespace(`ns-${index}`, ENABLED, index === 1 ? 0 : undefined);
      world.pod(`ns-${index}`, 'web', MINUTE_MS);
    }
    const all = await series();
    expect(all).to.have.length(2 * 101);
    for (const line of ['ns-0",cause="missed"} 1', 'ns-1",cause="perhaps_older"} 1', 'other",cause="missed"} 3']) {
      expect(all).to.include(`weft_pods_without_proxy{namespace="${line}`);
    }
    for (let index = 0; index < 103; index++) world.pods.remove(`ns-${index}`, 'web');
    expect(await series()).to.deep.equal([]);
  });
});
