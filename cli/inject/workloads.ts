import { child, textOf } from '../../crds/parse/metadata.ts';

/**
 * What an object is to injection: it makes pods (`path` leads to what has their metadata and spec), or pods and Services go by its annotations, or neither.
 */
export type Role =
  | { type: 'pods'; path: readonly string[] }
  | { type: 'namespace' }
  | { type: 'service' }
  | { type: 'other' };

const TEMPLATE = ['spec', 'template'];

/** Linkerd: the kinds that `linkerd inject` knows. `extensions` is what old manifests say. */
const ROLES: Readonly<Record<string, Role>> = {
  Pod: { type: 'pods', path: [] },
  ReplicationController: { type: 'pods', path: TEMPLATE },
  'apps/Deployment': { type: 'pods', path: TEMPLATE },
  'apps/StatefulSet': { type: 'pods', path: TEMPLATE },
  'apps/DaemonSet': { type: 'pods', path: TEMPLATE },
  'apps/ReplicaSet': { type: 'pods', path: TEMPLATE },
  'extensions/Deployment': { type: 'pods', path: TEMPLATE },
  'extensions/DaemonSet': { type: 'pods', path: TEMPLATE },
  'extensions/ReplicaSet': { type: 'pods', path: TEMPLATE },
  'batch/Job': { type: 'pods', path: TEMPLATE },
  'batch/CronJob': { type: 'pods', path: ['spec', 'jobTemplate', 'spec', 'template'] },
  Namespace: { type: 'namespace' },
  Service: { type: 'service' },
};

/** @param object of any kind, unchecked */
export function roleOf(object: unknown): Role {
  const version = textOf(object, 'apiVersion');
  const group = version.includes('/') ? `${version.slice(0, version.indexOf('/'))}/` : '';
  const name = `${group}${textOf(object, 'kind')}`;
  return (Object.hasOwn(ROLES, name) ? ROLES[name] : undefined) ?? { type: 'other' };
}

/** The pod that an object makes: a core/v1 Pod as far as it is written, unchecked. */
export function podOf(object: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(child, object);
}
