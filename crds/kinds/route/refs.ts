import { LAST_PORT } from '../../../proxy-image/contract/port-ranges.ts';
import type { Fields } from '../../parse/fields.ts';
import { LIMITS } from '../../parse/limits.ts';
import { POLICY_GROUP } from '../../types/api-groups.ts';
import type { ObjectTarget, ParentRef } from './model.ts';

const WRITTEN = ['group', 'kind', 'namespace', 'name', 'sectionName', 'port'] as const;

/** `spec.parentRefs` (Gateway API: ParentReference), those of other controllers included. */
export function parseParents(spec: Fields, namespace: string): ParentRef[] {
  return spec.objects('parentRefs', LIMITS.parentRefs).map((ref) => parseParent(ref, namespace));
}

function parseParent(ref: Fields, namespace: string): ParentRef {
  const name = ref.text('name');
  if (name === '') ref.problems.error(ref.at('name'), 'is required');
  const target = targetOf(ref.string('group'), ref.text('kind'));
  if (target === 'egressNetwork') {
    ref.problems.warning(ref.path, 'is an EgressNetwork, which is not supported: nothing is routed by it');
  }
  return {
    target,
    namespace: ref.text('namespace') || namespace,
    name,
    sectionName: ref.text('sectionName'),
    port: portOf(ref),
    written: asWritten(ref),
  };
}

const OF_POLICY_GROUP: ReadonlyMap<string, ParentRef['target']> = new Map([
  ['Server', 'server'],
  ['EgressNetwork', 'egressNetwork'],
]);

/** `core` is what Linkerd's documentation writes for the empty group, and Flagger's users with it. */
function targetOf(group: string | undefined, kind: string): ParentRef['target'] {
  if (kind === 'Service' && isCoreGroup(group ?? '')) return 'service';
  return group === POLICY_GROUP ? (OF_POLICY_GROUP.get(kind) ?? 'other') : 'other';
}

function isCoreGroup(group: string): boolean {
  return group === '' || group.toLowerCase() === 'core';
}

function asWritten(ref: Fields): ParentRef['written'] {
  const written: Record<string, string | number> = {};
  for (const key of WRITTEN) {
    const value = ref.raw(key);
    if (typeof value === 'string' || typeof value === 'number') written[key] = value;
  }
  return written;
}

/** A BackendObjectReference: a Service where neither group nor kind is written. Without a namespace it is of that of the route (Gateway API). */
export function parseTarget(ref: Fields, namespace: string): ObjectTarget {
  const name = ref.text('name');
  if (name === '') ref.problems.error(ref.at('name'), 'is required');
  const group = ref.text('group');
  return {
    group: isCoreGroup(group) ? '' : group,
    kind: ref.text('kind') || 'Service',
    namespace: ref.text('namespace') || namespace,
    name,
    port: portOf(ref),
  };
}

export function isService({ group, kind }: Pick<ObjectTarget, 'group' | 'kind'>): boolean {
  return group === '' && kind === 'Service';
}

function portOf(ref: Fields): number {
  const port = ref.integer('port') ?? 0;
  if (port >= 0 && port <= LAST_PORT) return port;
  ref.problems.error(ref.at('port'), `must be a port from 1 to ${LAST_PORT}, not ${port}`);
  return 0;
}
