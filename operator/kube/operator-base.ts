import OperatorModule, {
  type OperatorLogger,
  type ResourceEvent,
  ResourceEventType,
  type ResourceMeta,
  ResourceMetaImpl,
} from '@dot-i/k8s-operator';
import { CoreV1Api, type KubernetesObject } from '@kubernetes/client-node';
import type { Random } from '../../lib/clock.ts';
import type { Clock } from '../runtime/clock.ts';
import { controllerComponent, informerComponent } from '../runtime/components.ts';
import { Controller } from '../runtime/controller.ts';
import { Informer } from '../runtime/informer.ts';
import { objectKey } from '../runtime/list-watch.ts';
import type { Log } from '../runtime/log.ts';
import type { Manager } from '../runtime/manager.ts';
import type { Reach } from '../runtime/reach.ts';
import type { ReflectorTiming } from '../runtime/reflector.ts';
import { Applier } from './apply.ts';
import { applyDefinition } from './custom-resource-definition.ts';
import type { PooledKubeConfig } from './kubeconfig.ts';
import { listWatch } from './list-watch.ts';
import { apiVersionOf, type ResourceType, resourcePath } from './resources.ts';
import type { RestClient } from './rest.ts';

export interface OperatorParts {
  config: PooledKubeConfig;
  rest: RestClient;
  manager: Manager;
  /** As `ReflectorOptions`. */
  reach?: Reach;
  /** Of the watches of `watchResource`. */
  timing?: Partial<ReflectorTiming>;
  fieldManager: string;
  clock: Clock;
  random: Random;
  log: Log;
}

const FINALIZER_TIMEOUT_MS = 30_000;

/**
 * `@dot-i/k8s-operator` on our runtime. Kept of it: the lifecycle (`start` calls `init`), its event types and the finalizer decision of
 * `handleResourceFinalizer`. Replaced: what ends the process on a lost watch, opens a connection per request, or overwrites other finalizers.
 */
export abstract class OperatorBase extends OperatorModule.default {
  protected readonly parts: OperatorParts;
  /** By the library's resource id, `<plural>.<apiVersion>`. */
  readonly #types = new Map<string, ResourceType>();

  constructor(parts: OperatorParts) {
    super(loggerOf(parts.log));
    this.parts = parts;
    this.kubeConfig = parts.config;
    this.k8sApi = parts.config.makeApiClient(CoreV1Api);
  }

  /** Drains and stops everything in order; resolves when nothing is left. */
  override async stop(): Promise<void> {
    await this.parts.manager.stop();
    await this.parts.config.close();
  }

  protected override getCustomResourceApiUri(group: string, version: string, plural: string, namespace = ''): string {
    const server = this.kubeConfig.getCurrentCluster()?.server ?? '';
    return server + resourcePath({ group, version, plural }, namespace);
  }

  protected override async registerCustomResourceDefinition(crdFile: string) {
    const { rest, clock, fieldManager } = this.parts;
    const { spec } = await applyDefinition(crdFile, new Applier(rest, fieldManager), rest, clock);
    return { group: spec.group, versions: spec.versions, plural: spec.names.plural };
  }

  /**
   * Runs `onEvent` on the leader, at least once per state of an object, one at a time, with retries while it rejects. A DELETED event carries the
   * last known object.
   */
  protected override async watchResource(
    group: string,
    version: string,
    plural: string,
    onEvent: (event: ResourceEvent) => Promise<void>,
    namespace = '',
  ): Promise<void> {
    const { rest, clock, random, log, manager, reach, timing } = this.parts;
    const type = { group, version, plural };
    const id = `${plural}.${apiVersionOf(type)}`;
    this.#types.set(id, type);
    const informer = new Informer<KubernetesObject, KubernetesObject>({
      name: id,
      source: listWatch(rest, type, { namespace }),
      transform: withoutFieldSets,
      clock,
      random,
      log,
      ...(reach === undefined ? {} : { reach }),
      ...(timing === undefined ? {} : { timing }),
    });
    const controller = eventController(informer, id, plural, onEvent, { clock, log });
    manager.add('caches', informerComponent(informer));
    manager.add('leader', controllerComponent(controller));
  }

  /** Refuses (`Conflict`) when the object has changed since it was seen: somebody else's finalizer is never lost. */
  protected override async setResourceFinalizers(meta: ResourceMeta, finalizers: string[]): Promise<void> {
    const type = this.#types.get(meta.id);
    if (type === undefined) throw new RangeError(`${meta.id} is not watched`);
    await this.parts.rest.json({
      method: 'PATCH',
      path: resourcePath(type, meta.namespace, meta.name),
      body: { metadata: { finalizers, resourceVersion: meta.resourceVersion } },
      contentType: 'application/merge-patch+json',
      signal: AbortSignal.timeout(FINALIZER_TIMEOUT_MS),
    });
  }
}

/** Level-triggered events: what is in the cache was added or modified, what is not was deleted. */
function eventController(
  informer: Informer<KubernetesObject, KubernetesObject>,
  id: string,
  plural: string,
  onEvent: (event: ResourceEvent) => Promise<void>,
  { clock, log }: { clock: Clock; log: Log },
): Controller {
  const handled = new Set<string>();
  const deleted = new Map<string, KubernetesObject>();
  const controller = new Controller({ name: id, reconcile, clock, log });
  informer.addHandler({
    added: (object, initial) => controller.queue.add(objectKey(object), initial ? 'low' : 'high'),
    updated: (_, after) => controller.queue.add(objectKey(after)),
    deleted(last) {
      deleted.set(objectKey(last), last);
      controller.queue.add(objectKey(last));
    },
  });
  async function reconcile(key: string): Promise<undefined> {
    const current = informer.store.get(key);
    const object = current ?? deleted.get(key);
    if (object === undefined) return;
    const modified = handled.has(key) ? ResourceEventType.Modified : ResourceEventType.Added;
    const type = current === undefined ? ResourceEventType.Deleted : modified;
    // The library's finalizer code changes the object that it is given; cached ones are frozen.
    const copy = structuredClone(object);
    await onEvent({ type, object: copy, meta: ResourceMetaImpl.createWithPlural(plural, copy) });
    if (current === undefined) handled.delete(key);
    else handled.add(key);
    if (informer.store.get(key) !== undefined || current === undefined) deleted.delete(key);
  }
  return controller;
}

/** Which fields each writer has is the largest part of many objects, and of no use here; when it wrote is. */
function withoutFieldSets(object: KubernetesObject): KubernetesObject {
  if (object.metadata?.managedFields === undefined) return object;
  const managedFields = object.metadata.managedFields.map(({ fieldsV1: _, ...rest }) => rest);
  return { ...object, metadata: { ...object.metadata, managedFields } };
}

function loggerOf(log: Log): OperatorLogger {
  return {
    debug: (message) => log.debug('from the operator library', { message }),
    info: (message) => log.info('from the operator library', { message }),
    warn: (message) => log.warn('from the operator library', { message }),
    error: (message) => log.error('from the operator library', { message }),
  };
}
