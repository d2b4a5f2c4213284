import type { MeshModel } from '../crds/kinds/mesh/model.ts';
import type { ServiceModel } from '../crds/kinds/service/model.ts';
import type { ClusterState } from '../crds/state/cluster-state.ts';
import type { CountedKind, ObjectRef } from '../crds/state/object-ref.ts';
import type { ObjectMeta } from '../crds/types/object-meta.ts';
import { type Informers, WATCHED } from './informers.ts';
import type { Applier } from './kube/apply.ts';
import type { EventRecorder } from './kube/events.ts';
import type { ResourceType } from './kube/resources.ts';
import { type AssessedKind, AssessedReconciler } from './reconcilers/assessed-kind.ts';
import { Assessments, type ObjectQueue } from './reconcilers/assessments.ts';
import type { CustomResource } from './reconcilers/custom-resource.ts';
import { type MeshFacts, reconcileMesh } from './reconcilers/mesh.ts';
import { serverKind } from './reconcilers/server.ts';
import { serverAuthorizationKind } from './reconcilers/server-authorization.ts';
import { ServiceAnnotations } from './reconcilers/service-annotations.ts';
import { serviceProfileKind } from './reconcilers/service-profile.ts';
import {
  type EventSink,
  StatusPublisher,
  type StatusTarget,
  type StatusWriter,
} from './reconcilers/status-publisher.ts';
import { trafficSplitKind } from './reconcilers/traffic-split.ts';
import type { Clock } from './runtime/clock.ts';
import { Controller, type Reconcile } from './runtime/controller.ts';
import { failureOf } from './runtime/errors.ts';
import type { Informer } from './runtime/informer.ts';
import { objectKey, type RawObject } from './runtime/list-watch.ts';
import type { Log } from './runtime/log.ts';
import type { Progress } from './status/programmed.ts';
import type { RuntimeMetrics } from './telemetry/runtime-metrics.ts';

export interface StatusParts {
  /** Of the control plane. */
  namespace: string;
  informers: Informers;
  state: ClusterState;
  applier: Applier;
  events: EventRecorder;
  progress: (object: ObjectRef) => Progress;
  meshFacts: () => MeshFacts;
  /** A status could not be written because object or subresource are not there. */
  statusNotFound: () => void;
  metrics: RuntimeMetrics;
  clock: Clock;
  log: Log;
}

/** Status writes wait for one round trip each; a few at a time keep up with thousands of objects. */
const WORKERS = 4;
const EVENT_TIMEOUT_MS = 10_000;
/** What one event sets off in others, and the acknowledgements of many proxies, arrive together. */
const COALESCE_MS = 100;

const TYPES: Readonly<Record<string, ResourceType>> = {
  ServiceProfile: WATCHED.serviceProfiles,
  TrafficSplit: WATCHED.trafficSplits,
  Server: WATCHED.servers,
  ServerAuthorization: WATCHED.serverAuthorizations,
  Mesh: WATCHED.meshes,
  Service: WATCHED.services,
  Namespace: WATCHED.namespaces,
};

/** One controller per custom kind that writes its status; they work on the leader only. */
export class StatusControllers {
  readonly assessments = new Assessments();
  readonly controllers: Controller[] = [];
  readonly #parts: StatusParts;
  readonly #writer: StatusWriter;
  readonly #events: EventSink;
  readonly #queues = new Map<CountedKind, ObjectQueue>();
  readonly #mesh: Controller;
  readonly #followed: { informer: { store: { keys(): Iterable<string> } }; controller: Controller }[] = [];

  constructor(parts: StatusParts) {
    const { informers, events } = parts;
    this.#parts = parts;
    this.#writer = statusWriter(parts);
    this.#events = { record: (target, event, signal) => events.record(referenceOf(target), event, signal) };
    this.#assessed('serviceprofile', informers.serviceProfiles, serviceProfileKind);
    this.#assessed('trafficsplit', informers.trafficSplits, trafficSplitKind);
    this.#assessed('server', informers.servers, serverKind);
    this.#assessed('serverauthorization', informers.serverAuthorizations, serverAuthorizationKind);
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
    const { meshes, namespaces } = this.#parts.informers;
    const mesh = meshes.store.list()[0]?.meta;
    const { namespace: name } = this.#parts;
    const target =
      mesh === undefined
        ? { kind: 'Namespace', namespace: '', name, uid: namespaces.store.get(name)?.meta.uid ?? '' }
        : { kind: 'Mesh', namespace: '', name: mesh.name, uid: mesh.uid };
    void this.#events.record(target, event, AbortSignal.timeout(EVENT_TIMEOUT_MS));
  }

  /** Certificates or injectors have changed. */
  meshChanged(): void {
    for (const key of this.#parts.informers.meshes.store.keys()) this.#mesh.queue.add(key);
  }

  #assessed<M>(
    name: string,
    informer: Informer<RawObject, CustomResource<M>>,
    kindOf: (find: AssessedKind<M>['find']) => AssessedKind<M>,
  ): void {
    const { state, progress, clock } = this.#parts;
    const kind = kindOf((key) => informer.store.get(key));
    const publisher = this.#publisher(kind.kind);
    const { assessments } = this;
    const reconciler = new AssessedReconciler(kind, { state, assessments, publisher, progress, clock });
    const controller = this.#controller(name, (key, signal) => reconciler.reconcile(later, key, signal));
    const later: ObjectQueue = { add: (key) => controller.queue.addAfter(key, COALESCE_MS) };
    this.#queues.set(kind.kind, later);
    this.#followed.push({ informer, controller });
    follow(informer, controller);
  }

  #addMesh(): Controller {
    const { informers, meshFacts, clock } = this.#parts;
    const given = {
      find: (key: string): CustomResource<MeshModel> | undefined => informers.meshes.store.get(key),
      facts: meshFacts,
      publisher: this.#publisher('Mesh'),
      clock,
    };
    const controller = this.#controller('mesh', (key, signal) => reconcileMesh(given, key, signal));
    follow(informers.meshes, controller);
    return controller;
  }

  /** Services have no status of ours: what is wrong with their annotations becomes an Event. */
  #addServices(): void {
    const { services } = this.#parts.informers;
    const find = (key: string): ServiceModel | undefined => services.store.get(key);
    const reporter = new ServiceAnnotations({ find, events: this.#events, log: this.#parts.log });
    follow(
      services,
      this.#controller('service', (key, signal) => reporter.reconcile(key, signal)),
    );
  }

  #publisher(kind: string): StatusPublisher {
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

function statusWriter({ applier, statusNotFound }: StatusParts): StatusWriter {
  return {
    async write(target, status, signal) {
      try {
        await applier.applyStatus(referenceOf(target), status, signal);
      } catch (error) {
        if (failureOf(error) === 'NotFound') statusNotFound();
        throw error;
      }
    },
  };
}

function referenceOf({ kind, namespace, name, uid }: StatusTarget) {
  return { type: TYPES[kind]!, kind, namespace, name, uid };
}
