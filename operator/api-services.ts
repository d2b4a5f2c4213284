import { endpointSlicesOf } from '../crds/kinds/endpoint-slice/queries.ts';
import { serviceOf } from '../crds/kinds/service/queries.ts';
import type { ClusterState } from '../crds/state/cluster-state.ts';
import { isObject } from '../lib/json.ts';
import { VIZ_PORT_NAME, VIZ_SERVICE } from '../proxy-image/contract/names.ts';
import { ownedBy } from '../webhooks/configurations.ts';
import type { Applier, ObjectReference } from './kube/apply.ts';
import { Kept } from './kube/kept.ts';
import { type ResourceType, resourcePath } from './kube/resources.ts';
import type { RestClient } from './kube/rest.ts';
import type { OwnerLookup } from './owner.ts';
import { type Clock, withDeadline } from './runtime/clock.ts';
import { Controller, type Outcome } from './runtime/controller.ts';
import { failureOf } from './runtime/errors.ts';
import { errorFields, type Log } from './runtime/log.ts';
import { sameJson } from './status/change.ts';
import type { RuntimeMetrics } from './telemetry/runtime-metrics.ts';

const API_SERVICES: ResourceType = { group: 'apiregistration.k8s.io', version: 'v1', plural: 'apiservices' };
const LABELS = { 'app.kubernetes.io/managed-by': 'weft-operator', 'app.kubernetes.io/part-of': 'weft' };
/** Behind everything that Kubernetes itself serves (its own have 1,500 and more); which of two versions comes first does not matter while there is one. */
const GROUP_PRIORITY = 1_000;
const VERSION_PRIORITY = 100;
const KEY = 'weft';
/** Somebody may delete or edit what we own. */
const REPAIR_MS = 60_000;
/** A replica that is replaced is away for moments; so long nobody serves before the groups are taken back. */
const AWAY_MS = 30_000;
const AWAY_CHECK_MS = 5_000;
/** API servers look every 30 s, and at once when endpoints change; what lasts longer is no hiccup. */
const UNREACHED_MS = 60_000;
/** After that the groups are taken back, and tried again so much later: a network may have been opened. */
const RETRY_MS = 600_000;
/** At the end, of the time that is left to stop in. */
const FAREWELL_MS = 2_000;

export interface ApiServicesOptions {
  /** Groups with their version, such as those of the rows. */
  groups: readonly { group: string; version: string }[];
  state: ClusterState;
  namespace: string;
  /** Of this replica. */
  podName: string;
  rest: Pick<RestClient, 'json'>;
  applier: Pick<Applier, 'apply'>;
  /** Empty until the authority is there. */
  caBundlePem(): string;
  /** False: this process serves them too, or ought to, and cannot: its port, its certificate, or what the cluster says of front proxies is missing. */
  isServing(): boolean;
  /** `reach` is another. */
  reachChanged(): void;
  owner: OwnerLookup;
  metrics: RuntimeMetrics;
  clock: Clock;
  log: Log;
}

/** Whether API servers reach the aggregated API. `unknown`: nobody serves it, or none of them has said so far. */
export type ApiReach = { is: 'reached' } | { is: 'unknown' } | { is: 'unreached'; reason: string };

const UNKNOWN: ApiReach = { is: 'unknown' };
/** Of one that was not there: it is looked at again soon. */
const JUST_MADE: ApiReach = { is: 'unknown' };

/**
 * The APIServices, on the leader. A group whose server is away costs a whole cluster: no namespace can be deleted, for nobody knows what is in it
 * (`kube-controller-manager`: `NamespaceDeletionDiscoveryFailure`). So they exist for as long as a replica is ready to serve them: made when there is one, taken back when
 * there has been none for a while, and by the last one when it goes; and when API servers say that they do not reach it, for which a firewall is enough.
 */
export class ApiServices {
  readonly controller: Controller;
  readonly #options: ApiServicesOptions;
  readonly #kept: Kept;
  readonly #foreign = new Set<string>();
  #awaySinceMs: number | null = null;
  #unreachedSinceMs: number | null = null;
  #retryAtMs = Number.NEGATIVE_INFINITY;
  #reach: ApiReach = UNKNOWN;

  constructor(options: ApiServicesOptions) {
    const { clock, log, metrics } = options;
    this.#options = options;
    this.#kept = new Kept(options.rest, options.applier);
    const name = 'apiservice';
    this.controller = new Controller({
      name,
      clock,
      log,
      reconcile: (_, signal) => this.#reconcile(signal),
      ...metrics.observersFor(name),
    });
    metrics.watch(this.controller);
    this.changed();
  }

  /** As it is known where this replica leads; it stays while API servers try again. */
  get reach(): ApiReach {
    return this.#reach;
  }

  /** Endpoints, authority, or what this replica serves may be another now. */
  changed(): void {
    this.controller.queue.add(KEY);
  }

  /** This replica led, and stops: where no other is ready, nobody will answer from now on. */
  async leave(): Promise<void> {
    await this.controller.drain();
    const others = this.#serving().filter((pod) => pod !== this.#options.podName);
    if (others.length > 0) return;
    try {
      await withDeadline(this.#options.clock, FAREWELL_MS, new AbortController().signal, (signal) =>
        this.#removeAll(signal),
      );
    } catch (error) {
      this.#options.log.warn('the groups of the aggregated API could not be taken back', errorFields(error));
    }
  }

  async #reconcile(signal: AbortSignal): Promise<Outcome> {
    const { caBundlePem, isServing, clock } = this.#options;
    const nowMs = clock.nowMs();
    if (nowMs < this.#retryAtMs) return { requeueAfterMs: this.#retryAtMs - nowMs };
    if (caBundlePem() !== '' && isServing() && this.#serving().length > 0) {
      this.#awaySinceMs = null;
      return this.#keep(nowMs, signal);
    }
    this.#awaySinceMs ??= nowMs;
    if (nowMs - this.#awaySinceMs < AWAY_MS) return { requeueAfterMs: AWAY_CHECK_MS };
    await this.#removeAll(signal).catch(unlessForbidden);
    this.#found(UNKNOWN);
    return { requeueAfterMs: REPAIR_MS };
  }

  async #keep(nowMs: number, signal: AbortSignal): Promise<Outcome> {
    const answers: ApiReach[] = [];
    for (const each of this.#options.groups) answers.push(await this.#apply(each, signal));
    const unreached = answers.find((each) => each.is === 'unreached');
    if (unreached === undefined) {
      this.#unreachedSinceMs = null;
      if (answers.every(({ is }) => is === 'reached')) this.#found({ is: 'reached' });
      return { requeueAfterMs: answers.includes(JUST_MADE) ? AWAY_CHECK_MS : REPAIR_MS };
    }
    this.#unreachedSinceMs ??= nowMs;
    if (nowMs - this.#unreachedSinceMs < UNREACHED_MS) return { requeueAfterMs: AWAY_CHECK_MS };
    const message =
      'API servers do not reach the aggregated API: its groups are taken back, and tried again in ten minutes';
    this.#options.log.warn(message, { reason: unreached.reason });
    this.#found(unreached);
    this.#unreachedSinceMs = null;
    this.#retryAtMs = nowMs + RETRY_MS;
    await this.#removeAll(signal);
    return { requeueAfterMs: RETRY_MS };
  }

  #found(reach: ApiReach): void {
    const isNews = !sameJson(reach, this.#reach);
    this.#reach = reach;
    if (isNews) this.#options.reachChanged();
  }

  /** Pods that are ready behind the Service, by its port. Names may be empty: endpoints that somebody has written. */
  #serving(): string[] {
    const { state, namespace } = this.#options;
    return endpointSlicesOf(state, namespace, VIZ_SERVICE)
      .filter(({ ports }) => ports.some(({ name }) => name === VIZ_PORT_NAME))
      .flatMap(({ endpoints }) => endpoints)
      .filter(({ ready, terminating }) => ready && !terminating)
      .map(({ targetPod }) => targetPod);
  }

  /** Returns whether API servers reached it before. */
  async #apply({ group, version }: { group: string; version: string }, signal: AbortSignal): Promise<ApiReach> {
    const { state, namespace, caBundlePem, owner } = this.#options;
    const name = `${version}.${group}`;
    const port = serviceOf(state, namespace, VIZ_SERVICE)?.ports.find((each) => each.name === VIZ_PORT_NAME)?.port;
    const found = await this.#kept.find(referenceOf(name), signal);
    if (port === undefined || this.#isForeign(name, found)) return UNKNOWN;
    const content = {
      metadata: { labels: LABELS, ...ownedBy(await owner(signal)) },
      spec: {
        group,
        version,
        groupPriorityMinimum: GROUP_PRIORITY,
        versionPriority: VERSION_PRIORITY,
        service: { namespace, name: VIZ_SERVICE, port },
        caBundle: Buffer.from(caBundlePem()).toString('base64'),
      },
    };
    await this.#kept.keep(referenceOf(name), content, found, signal);
    return found === null ? JUST_MADE : reachOf(found);
  }

  async #removeAll(signal: AbortSignal): Promise<void> {
    for (const { group, version } of this.#options.groups) await this.#remove(`${version}.${group}`, signal);
  }

  async #remove(name: string, signal: AbortSignal): Promise<void> {
    const found = await this.#kept.find(referenceOf(name), signal);
    if (found === null || !isOurs(found)) return;
    const preconditions = { uid: metadataOf(found)['uid'] };
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions };
    await this.#options.rest.json({ method: 'DELETE', path: resourcePath(API_SERVICES, '', name), body, signal });
    this.#options.log.info('a group of the aggregated API was taken back', { name });
  }

  /** Another program may serve the same group, such as Linkerd's: it keeps it. */
  #isForeign(name: string, found: unknown): boolean {
    const foreign = found !== null && !isOurs(found);
    if (foreign && !this.#foreign.has(name)) {
      this.#options.log.warn('another program serves a group of the aggregated API, and keeps it', { name });
    }
    if (foreign) this.#foreign.add(name);
    else this.#foreign.delete(name);
    return foreign;
  }
}

function referenceOf(name: string): ObjectReference {
  return { type: API_SERVICES, kind: 'APIService', namespace: '', name };
}

/** Of the condition that API servers set; another replica may have been asked, so each of them must be reached. */
function reachOf(object: unknown): ApiReach {
  const status = isObject(object) ? object['status'] : undefined;
  const conditions = isObject(status) && Array.isArray(status['conditions']) ? status['conditions'] : [];
  for (const condition of conditions as unknown[]) {
    if (!isObject(condition) || condition['type'] !== 'Available') continue;
    if (condition['status'] === 'True') return { is: 'reached' };
    if (condition['status'] !== 'False') continue;
    return { is: 'unreached', reason: `${condition['reason']}: ${condition['message']}`.slice(0, 500) };
  }
  return UNKNOWN;
}

/** Without the rights, which are installed with live numbers alone, there is nothing of ours either. */
function unlessForbidden(error: unknown): void {
  if (failureOf(error) !== 'Forbidden') throw error;
}

function metadataOf(object: unknown): Readonly<Record<string, unknown>> {
  const metadata = isObject(object) ? object['metadata'] : undefined;
  return isObject(metadata) ? metadata : {};
}

function isOurs(object: unknown): boolean {
  const { labels } = metadataOf(object);
  return isObject(labels) && Object.entries(LABELS).every(([key, value]) => labels[key] === value);
}
