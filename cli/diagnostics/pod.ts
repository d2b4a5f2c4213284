import { child, listOf, textOf } from '../../crds/parse/metadata.ts';
import { INIT_CONTAINER, PROXY_CONTAINER } from '../../proxy-image/contract/names.ts';

/**
 * A pod of an application, core/v1, as far as it concerns the mesh: its own containers are what they are called, run and listen on, no more; what they were started with and
 * what they have said is theirs.
 */
export function meshPartOf(pod: unknown): unknown {
  const spec = child(pod, 'spec');
  return {
    metadata: picked(child(pod, 'metadata'), METADATA),
    spec: {
      ...picked(spec, SPEC),
      initContainers: listOf(spec, 'initContainers').map(containerOf),
      containers: listOf(spec, 'containers').map(containerOf),
    },
    status: statusOf(child(pod, 'status')),
  };
}

const METADATA = [
  'name',
  'namespace',
  'uid',
  'labels',
  'annotations',
  'ownerReferences',
  'creationTimestamp',
  'deletionTimestamp',
];
const SPEC = [
  'nodeName',
  'serviceAccountName',
  'automountServiceAccountToken',
  'hostNetwork',
  'restartPolicy',
  'securityContext',
];
const FOREIGN_CONTAINER = ['name', 'image', 'ports', 'restartPolicy', 'securityContext', 'resources'];
const STATUS = ['phase', 'reason', 'podIP', 'podIPs', 'hostIP', 'startTime', 'conditions'];
const CONTAINER_STATUS = ['name', 'image', 'imageID', 'ready', 'started', 'restartCount'];

function containerOf(container: unknown): unknown {
  const name = textOf(container, 'name');
  return name === PROXY_CONTAINER || name === INIT_CONTAINER ? container : picked(container, FOREIGN_CONTAINER);
}

function statusOf(status: unknown): unknown {
  const containers = (list: string) => listOf(status, list).map(containerStatusOf);
  return {
    ...picked(status, STATUS),
    initContainerStatuses: containers('initContainerStatuses'),
    containerStatuses: containers('containerStatuses'),
  };
}

/** Not the message: it may be the end of the application's log. */
function containerStatusOf(status: unknown): unknown {
  const states = (['state', 'lastState'] as const).map((name) => {
    const state = child(status, name);
    const running = picked(child(state, 'running'), ['startedAt']);
    const waiting = picked(child(state, 'waiting'), ['reason']);
    const terminated = picked(child(state, 'terminated'), ['reason', 'exitCode', 'signal', 'startedAt', 'finishedAt']);
    return [name, { ...running, ...waiting, ...terminated }] as const;
  });
  return { ...picked(status, CONTAINER_STATUS), ...Object.fromEntries(states) };
}

function picked(raw: unknown, keys: readonly string[]): Record<string, unknown> {
  const entries = keys.map((key) => [key, child(raw, key)] as const).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries);
}
