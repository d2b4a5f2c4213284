import type { NamespaceModel } from '../crds/kinds/namespace/model.ts';
import { namespaceOf, namespacesOf } from '../crds/kinds/namespace/queries.ts';
import { POD, type PodModel } from '../crds/kinds/pod/model.ts';
import { podOf, podsOf } from '../crds/kinds/pod/queries.ts';
import type { ClusterView } from '../crds/state/view.ts';
import { type Cause, type Injector, type Lack, lackOf, lackText } from '../webhooks/inject/lack.ts';
import { restartOf } from '../webhooks/inject/restart.ts';
import type { KindInformer } from './informers.ts';
import type { EventRecorder } from './kube/events.ts';
import { PacedEvents } from './paced-events.ts';
import type { Seen } from './reconcilers/seen.ts';
import type { Clock, Timer } from './runtime/clock.ts';
import type { Log } from './runtime/log.ts';
import type { Component } from './runtime/manager.ts';
import { sameJson } from './status/change.ts';
import { type LackCount, LackCounts } from './status/lacks.ts';

export interface InjectionAuditParts {
  pods: Pick<KindInformer<PodModel>, 'addHandler'>;
  namespaces: Pick<KindInformer<NamespaceModel>, 'addHandler'>;
  /** What the informers have seen; it is ahead of their handlers. */
  view: ClusterView;
  injector: () => Injector;
  events: Pick<EventRecorder, 'announce'>;
  /** There are such pods now, or there are none any more. */
  changed: () => void;
  clock: Clock;
  log: Log;
}

const COUNTED_AS: Readonly<Record<Cause, keyof LackCount>> = { missed: 'missed', 'perhaps-older': 'perhapsOlder' };
const POD_TYPE = { group: '', version: 'v1', plural: '' };

/**
 * Finds pods that should have a proxy and have none, by the decision that the injector itself would take now, and tells of each of them once by an Event. It works
 * on the leader, from its start there to the end of the process. A pod is judged when it or its namespace changes, all of them when the injector does.
 */
export class InjectionAudit implements Component {
  readonly name = 'audit of injection';
  readonly counts = new LackCounts();
  readonly #parts: InjectionAuditParts;
  readonly #events: PacedEvents;
  /** Pods that are too young to be counted. */
  readonly #young = new Map<string, Timer>();
  /** `null` until this replica leads. */
  #injector: Injector | null = null;

  constructor(parts: InjectionAuditParts) {
    this.#parts = parts;
    this.#events = new PacedEvents(this.name, parts.clock, parts.log);
    const look = ({ parsed }: Seen<PodModel>) => {
      if (parsed.model !== null) this.#look(parsed.model);
    };
    parts.pods.addHandler({
      added: look,
      updated: (_, after) => look(after),
      deleted: ({ meta }) => this.#forget(keyOf(meta), meta.namespace),
    });
    parts.namespaces.addHandler({
      added: ({ meta }) => this.#lookAt(meta.name),
      updated: (before, after) => {
        if (!asksAlike(before.parsed.model, after.parsed.model)) this.#lookAt(after.meta.name);
      },
    });
  }

  /** This replica leads from now on. */
  async start(): Promise<void> {
    this.#injector = this.#parts.injector();
    this.#lookAtAll();
  }

  async stop(): Promise<void> {
    this.#injector = null;
    for (const timer of this.#young.values()) timer.cancel();
    this.#young.clear();
    await this.#events.stop();
  }

  /** Which pods the injector is asked about may have changed, or since when it is. */
  injectorChanged(): void {
    const injector = this.#parts.injector();
    if (this.#injector === null || sameJson(injector, this.#injector)) return;
    this.#injector = injector;
    this.#lookAtAll();
  }

  #lookAtAll(): void {
    for (const { meta } of namespacesOf(this.#parts.view)) this.#lookAt(meta.name);
  }

  #lookAt(namespace: string): void {
    if (this.#injector === null) return;
    for (const pod of podsOf(this.#parts.view, namespace)) this.#look(pod);
  }

  #look(pod: PodModel, isGrown = false): void {
    if (this.#injector === null) return;
    const { namespace } = pod.meta;
    const key = keyOf(pod.meta);
    const lack = this.#lackOf(pod, this.#injector);
    if (lack === null) this.#forget(key, namespace);
    else if (lack.graceLeftMs > 0 && !isGrown && !this.counts.has(key)) this.#lookAgain(pod, lack.graceLeftMs);
    else this.#found(pod, lack);
  }

  #lackOf(pod: PodModel, injector: Injector): Lack | null {
    const namespace = namespaceOf(this.#parts.view, pod.meta.namespace);
    return namespace === null ? null : lackOf(pod, namespace, injector, this.#parts.clock.wallMs());
  }

  /** By then it counts, whatever the clocks say. */
  #lookAgain({ meta: { namespace, name } }: PodModel, inMs: number): void {
    const key = keyOf({ namespace, name });
    if (this.#young.has(key)) return;
    const timer = this.#parts.clock.schedule(inMs, () => {
      this.#young.delete(key);
      const pod = podOf(this.#parts.view, namespace, name);
      if (pod !== null) this.#look(pod, true);
    });
    this.#young.set(key, timer);
  }

  #found(pod: PodModel, lack: Lack): void {
    const key = keyOf(pod.meta);
    this.#grown(key);
    const isNew = !this.counts.has(key);
    this.#count(key, pod.meta.namespace, COUNTED_AS[lack.cause]);
    if (isNew) this.#events.offer(pod.meta.uid, (signal) => this.#tell(pod.meta, signal));
  }

  #forget(key: string, namespace: string): void {
    this.#grown(key);
    if (this.counts.has(key)) this.#count(key, namespace, null);
  }

  #count(key: string, namespace: string, kind: keyof LackCount | null): void {
    const were = this.counts.pods > 0;
    this.counts.set(key, namespace, kind);
    if (were !== this.counts.pods > 0) this.#parts.changed();
  }

  #grown(key: string): void {
    this.#young.get(key)?.cancel();
    this.#young.delete(key);
  }

  /** By what is known when it is its turn: a pod that is gone by then, or lacks nothing any more, is not told of. */
  async #tell({ namespace, name, uid }: PodModel['meta'], signal: AbortSignal): Promise<void> {
    const pod = podOf(this.#parts.view, namespace, name);
    if (pod?.meta.uid !== uid || this.#injector === null) return;
    const lack = this.#lackOf(pod, this.#injector);
    if (lack === null) return;
    const note = `the pod ${lackText(lack)}. What makes it anew: ${restartOf(pod)}`;
    const content = { type: 'Warning', reason: 'ProxyMissing', action: 'Audit', note } as const;
    // By a name that follows from the pod alone: another replica that leads later tells nobody a second time.
    const occasion = { type: POD_TYPE, kind: POD.kind, namespace, name, uid, resourceVersion: uid };
    await this.#parts.events.announce(occasion, content, signal);
  }
}

function keyOf({ namespace, name }: { namespace: string; name: string }): string {
  return `${namespace}/${name}`;
}

/** Whether pods of a namespace are judged as before. */
function asksAlike(before: NamespaceModel | null, after: NamespaceModel | null): boolean {
  if (before === null || after === null) return before === after;
  const [a, b] = [before, after].map(({ meta: { annotations, labels }, writtenAt }) => ({
    annotations,
    labels,
    writtenAt,
  }));
  return sameJson(a, b);
}
