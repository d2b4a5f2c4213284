import { CliError } from '../errors.ts';

interface KindRow {
  /** As kubectl takes them, the plural first: it is that of the path too. */
  names: readonly string[];
  /** Path of its group and version. */
  api: string;
  kind: string;
  /** How the pods of an object are found: it is one, its selector says, they are those of its Jobs, or all of a namespace. */
  pods: 'itself' | 'selector' | 'labels' | 'jobs' | 'namespace';
}

/** Kinds that stand for pods (Linkerd: the names that its commands take). */
const KINDS: readonly KindRow[] = [
  { names: ['pods', 'pod', 'po'], api: '/api/v1', kind: 'Pod', pods: 'itself' },
  { names: ['deployments', 'deployment', 'deploy'], api: '/apis/apps/v1', kind: 'Deployment', pods: 'selector' },
  { names: ['statefulsets', 'statefulset', 'sts'], api: '/apis/apps/v1', kind: 'StatefulSet', pods: 'selector' },
  { names: ['daemonsets', 'daemonset', 'ds'], api: '/apis/apps/v1', kind: 'DaemonSet', pods: 'selector' },
  { names: ['replicasets', 'replicaset', 'rs'], api: '/apis/apps/v1', kind: 'ReplicaSet', pods: 'selector' },
  {
    names: ['replicationcontrollers', 'replicationcontroller', 'rc'],
    api: '/api/v1',
    kind: 'ReplicationController',
    pods: 'labels',
  },
  { names: ['jobs', 'job'], api: '/apis/batch/v1', kind: 'Job', pods: 'selector' },
  { names: ['cronjobs', 'cronjob', 'cj'], api: '/apis/batch/v1', kind: 'CronJob', pods: 'jobs' },
  { names: ['services', 'service', 'svc'], api: '/api/v1', kind: 'Service', pods: 'labels' },
  { names: ['namespaces', 'namespace', 'ns'], api: '/api/v1', kind: 'Namespace', pods: 'namespace' },
];

/** What an argument means: an object of one of these kinds. */
export interface Resource extends Omit<KindRow, 'names'> {
  plural: string;
  name: string;
}

/**
 * `deploy/web`, or the name of a pod alone.
 * @throws CliError WEFT_CLI_USAGE
 */
export function parseResource(text: string): Resource {
  const slash = text.indexOf('/');
  const [kind, name] = slash === -1 ? ['pod', text] : [text.slice(0, slash).toLowerCase(), text.slice(slash + 1)];
  const row = KINDS.find(({ names }) => names.includes(kind));
  if (row === undefined) throw new CliError('WEFT_CLI_USAGE', `${kind} is no kind that has pods: ${spellings()}`);
  if (!/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name)) {
    throw new CliError('WEFT_CLI_USAGE', `${JSON.stringify(text)} names no object: KIND/NAME is wanted, or a pod`);
  }
  const { names, ...rest } = row;
  return { ...rest, plural: names[0]!, name };
}

function spellings(): string {
  return KINDS.map(({ names }) => names.at(-1)).join(', ');
}
