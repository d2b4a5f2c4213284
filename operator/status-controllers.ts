import { MESH_ROW } from '../crds/kinds/mesh/kind.ts';
import { MESH } from '../crds/kinds/mesh/model.ts';
import { NAMESPACE_ROW } from '../crds/kinds/namespace/kind.ts';
import { NAMESPACE } from '../crds/kinds/namespace/model.ts';
import type { KindRow } from '../crds/kinds/row.ts';
import { SERVICE } from '../crds/kinds/service/model.ts';
import type { ClusterState } from '../crds/state/cluster-state.ts';
import type { ObjectRef } from '../crds/state/object-ref.ts';
import type { Model } from '../crds/types/kind-name.ts';
import type { ObjectMeta } from '../crds/types/object-meta.ts';
import { type Informers, resourceType } from './informers.ts';
import type { Applier } from './kube/apply.ts';
import type { EventRecorder } from './kube/events.ts';
import { AssessedReconciler, type StatusForm } from './reconcilers/assessed-kind.ts';
import { Assessments, type ObjectQueue } from './reconcilers/assessments.ts';
import { ConditionsForm } from './reconcilers/conditions-form.ts';
import { type MeshFacts, reconcileMesh } from './reconcilers/mesh.ts';
import { ParentsForm, type WriteParents } from './reconcilers/parents-form.ts';
import { ServiceAnnotations } from './reconcilers/service-annotations.ts';
import {
  type EventSink,
  type EventTarget,
  StatusPublisher,
  type StatusWriter,
  type TargetKind,
} from './reconcilers/status-publisher.ts';
import { type Clock, isDeadline } from './runtime/clock.ts';
import { Controller, type Reconcile } from './runtime/controller.ts';
import { failureOf } from './runtime/errors.ts';
import type { Informer } from './runtime/informer.ts';
import { objectKey, type RawObject } from './runtime/list-watch.ts';
import type { Log } from './runtime/log.ts';
import type { ProgressSource } from './status/programmed.ts';
import type { RuntimeMetrics } from './telemetry/runtime-metrics.ts';

export interface StatusParts {
  /** Of the control plane. */
  namespace: string;
  informers: Informers;
  state: ClusterState;
  applier: Applier;
  events: EventRecorder;
  progress: ProgressSource;
  meshFacts: () => MeshFacts;
  /** A status could not be written because object or subresource are not there. */
  statusNotFound: () => void;
  metrics: RuntimeMetrics;
  writes: { written(tookMs: number): void; failed(isTimeout: boolean): void };
  clock: Clock;
  log: Log;
}

/** Status writes wait for one round trip each; a few at a time keep up with thousands of objects. */
const WORKERS = 4;
const EVENT_TIMEOUT_MS = 10_000;
/** What one event sets off in others, and the acknowledgements of many proxies, arrive together. */
const COALESCE_MS = 100;

/** One controller per custom kind that writes its status; they work on the leader only. */
export class StatusControllers {
  readonly assessments = new Assessments();
  readonly controllers: Controller[] = [];
  readonly #parts: StatusParts;
  readonly #writer: StatusWriter;
  readonly #events: EventSink;
  readonly #queues = new Map<string, ObjectQueue>();
  readonly #mesh: Controller;
  readonly #followed: { informer: { store: { keys(): Iterable<string> } }; controller: Controller }[] = [];

  constructor(parts: StatusParts) {
    const { informers, events, clock } = parts;
    this.#parts = parts;
    this.#writer = {
      write: (target, status, signal) => this.#noting(parts.applier.applyStatus(referenceOf(target), status, signal)),
    };
    this.#events = {
      record: (target, event, signal) => events.record(referenceOf(target), event, signal),
      announce: (target, event, signal) => events.announce(referenceOf(target), event, signal),
    };
    for (const row of informers.kinds) {
      const { status } = row;
      if (status.form === 'conditions') this.#follow(row, new ConditionsForm(status, this.#publisher(row)));
      if (status.form === 'parents') this.#follow(row, new ParentsForm(status, this.#parentsWriter(row), clock));
    }
    this.#mesh = this.#addMesh();
    this.#addServices();
  }

  /** Proxies have acknowledged, come or gone. */
  progressed(objects: readonly ObjectRef[]): void {
    for (const { kind, namespace, name } of objects) {
      this.#queues.get(kind)?.add(objectKey({ metadata: { namespace, name } }));
    }
  }

  /** Which proxies are seen from here is another thing now. */
  visibilityChanged(): void {
    for (const { informer, controller } of this.#followed) {
      for (const key of informer.store.keys()) controller.queue.add(key, 'low');
    }
    this.meshChanged();
  }

  /** An Event about the control plane: on the Mesh, or on the Namespace of the control plane where there is none. */
  tellMesh(event: Parameters<EventSink['record']>[1]): void {
    const { informers, namespace: name } = this.#parts;
    const mesh = informers.of(MESH).store.list()[0]?.meta;
    const uid = () => informers.of(NAMESPACE).store.get(name)?.meta.uid ?? '';
    const target =
      mesh === undefined
        ? { kind: NAMESPACE_ROW, namespace: '', name, uid: uid() }
        : { kind: MESH_ROW, namespace: '', name: mesh.name, uid: mesh.uid };
    void this.#events.record(target, event, AbortSignal.timeout(EVENT_TIMEOUT_MS));
  }

  /** Certificates or injectors have changed. */
  meshChanged(): void {
    for (const key of this.#parts.informers.of(MESH).store.keys()) this.#mesh.queue.add(key);
  }

  /** Looks at every object of a kind when it, or what is said of it, may have changed. */
  #follow<A>(row: KindRow, form: StatusForm<Model, A>): void {
    const { informers, state, progress, clock } = this.#parts;
    const { assessments } = this;
    const informer = informers.of(row);
    const kind = { id: row.id, find: (key: string) => informer.store.get(key) };
    const reconciler = new AssessedReconciler(kind, form, { state, assessments, progress, clock });
    const controller = this.#controller(this.#nameOf(row), (key, signal) => reconciler.reconcile(later, key, signal));
    const later: ObjectQueue = { add: (key) => controller.queue.addAfter(key, COALESCE_MS) };
    this.#queues.set(row.id, later);
    this.#followed.push({ informer, controller });
    follow(informer, controller);
  }

  #parentsWriter(row: KindRow): WriteParents {
    return ({ meta }, parents, signal) => {
      const { namespace, name, resourceVersion } = meta;
      const reference = { type: resourceType(row), kind: row.kind, namespace, name };
      return this.#noting(this.#parts.applier.replaceStatus(reference, resourceVersion, { parents }, signal));
    };
  }

  async #noting<R>(written: Promise<R>): Promise<R> {
    const { writes, clock } = this.#parts;
    const startedMs = clock.nowMs();
    try {
      const result = await written;
      writes.written(clock.nowMs() - startedMs);
      return result;
    } catch (error) {
      writes.failed(isDeadline(error));
      if (failureOf(error) === 'NotFound') this.#parts.statusNotFound();
      throw error;
    }
  }

  /** For logs and metrics: short, but for a kind that several groups serve. */
  #nameOf({ id, kind }: KindRow): string {
    const namesakes = this.#parts.informers.kinds.filter((row) => row.kind === kind);
    return (namesakes.length > 1 ? id : kind).toLowerCase();
  }

  #addMesh(): Controller {
    const { informers, meshFacts, clock } = this.#parts;
    const meshes = informers.of(MESH);
    const given = {
      find: (key: string) => meshes.store.get(key),
      facts: meshFacts,
      publisher: this.#publisher(MESH_ROW),
      clock,
    };
    const controller = this.#controller('mesh', (key, signal) => reconcileMesh(given, key, signal));
    follow(meshes, controller);
    return controller;
  }

  /** Services have no status of ours: what is wrong with their annotations becomes an Event. */
  #addServices(): void {
    const services = this.#parts.informers.of(SERVICE);
    const find = (key: string) => services.store.get(key)?.parsed.model ?? undefined;
    const reporter = new ServiceAnnotations({ find, events: this.#events, log: this.#parts.log });
    follow(
      services,
      this.#controller('service', (key, signal) => reporter.reconcile(key, signal)),
    );
  }

  #publisher(kind: TargetKind): StatusPublisher {
    return new StatusPublisher(kind, this.#writer, this.#events, this.#parts.clock);
  }

  #controller(name: string, reconcile: Reconcile): Controller {
    const { clock, log, metrics } = this.#parts;
    const controller = new Controller({
      name,
      reconcile,
      clock,
      log,
      workers: WORKERS,
      ...metrics.observersFor(name),
    });
    metrics.watch(controller);
    this.controllers.push(controller);
    return controller;
  }
}

/** Every state of an object is looked at, a status wiped by somebody else included. */
function follow<T extends { meta: ObjectMeta }>(informer: Informer<RawObject, T>, controller: Controller): void {
  const keyOf = ({ meta }: T) => objectKey({ metadata: meta });
  informer.addHandler({
    added: (object, initial) => controller.queue.add(keyOf(object), initial ? 'low' : 'high'),
    updated: (_, after) => controller.queue.add(keyOf(after)),
    deleted: (last) => controller.queue.add(keyOf(last)),
  });
}

function referenceOf<T extends EventTarget>({ kind, ...object }: T) {
  return { type: resourceType(kind), kind: kind.kind, ...object };
}
