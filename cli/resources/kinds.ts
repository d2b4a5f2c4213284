import { quote } from '../../crds/scalars/scalar.ts';
import { CliError } from '../errors.ts';
import { nearest } from '../nearest.ts';

/** A kind as people name it on the command line, and where its objects lie. */
export interface ResourceKind {
  kind: string;
  /** Empty for the core group. */
  group: string;
  /** Which the command asks for. */
  version: string;
  plural: string;
  /** As kubectl and Linkerd have them; the first stands in front of names where several kinds are listed. */
  short: readonly [string, ...string[]];
  scope: 'Namespaced' | 'Cluster';
}

const CORE = { group: '', version: 'v1', scope: 'Namespaced' } as const;
const APPS = { group: 'apps', version: 'v1', scope: 'Namespaced' } as const;
const BATCH = { group: 'batch', version: 'v1', scope: 'Namespaced' } as const;
const POLICY = { group: 'policy.linkerd.io', scope: 'Namespaced' } as const;
const GATEWAY = { group: 'gateway.networking.k8s.io', version: 'v1', scope: 'Namespaced' } as const;

/** What owns pods. */
export const CRON_JOB: ResourceKind = { ...BATCH, kind: 'CronJob', plural: 'cronjobs', short: ['cj'] };
export const DAEMON_SET: ResourceKind = { ...APPS, kind: 'DaemonSet', plural: 'daemonsets', short: ['ds'] };
export const DEPLOYMENT: ResourceKind = { ...APPS, kind: 'Deployment', plural: 'deployments', short: ['deploy'] };
export const JOB: ResourceKind = { ...BATCH, kind: 'Job', plural: 'jobs', short: ['job'] };
export const REPLICATION_CONTROLLER: ResourceKind = {
  ...CORE,
  kind: 'ReplicationController',
  plural: 'replicationcontrollers',
  short: ['rc'],
};
export const REPLICA_SET: ResourceKind = { ...APPS, kind: 'ReplicaSet', plural: 'replicasets', short: ['rs'] };
export const STATEFUL_SET: ResourceKind = { ...APPS, kind: 'StatefulSet', plural: 'statefulsets', short: ['sts'] };

export const NAMESPACE: ResourceKind = {
  ...CORE,
  kind: 'Namespace',
  plural: 'namespaces',
  short: ['ns'],
  scope: 'Cluster',
};
export const POD: ResourceKind = { ...CORE, kind: 'Pod', plural: 'pods', short: ['po'] };
export const SERVICE: ResourceKind = { ...CORE, kind: 'Service', plural: 'services', short: ['svc'] };

export const SERVICE_PROFILE: ResourceKind = {
  kind: 'ServiceProfile',
  group: 'linkerd.io',
  version: 'v1alpha2',
  plural: 'serviceprofiles',
  short: ['sp'],
  scope: 'Namespaced',
};
export const TRAFFIC_SPLIT: ResourceKind = {
  kind: 'TrafficSplit',
  group: 'split.smi-spec.io',
  version: 'v1alpha1',
  plural: 'trafficsplits',
  short: ['ts'],
  scope: 'Namespaced',
};
export const SERVER: ResourceKind = {
  ...POLICY,
  version: 'v1beta3',
  kind: 'Server',
  plural: 'servers',
  short: ['srv'],
};
export const SERVER_AUTHORIZATION: ResourceKind = {
  ...POLICY,
  version: 'v1beta1',
  kind: 'ServerAuthorization',
  plural: 'serverauthorizations',
  short: ['saz', 'serverauthz', 'srvauthz'],
};
export const AUTHORIZATION_POLICY: ResourceKind = {
  ...POLICY,
  version: 'v1alpha1',
  kind: 'AuthorizationPolicy',
  plural: 'authorizationpolicies',
  short: ['ap', 'authzpolicy'],
};
/** The one of the Gateway API has the same names: `httproute` alone means this one, as in Linkerd's command, and `httproutes.gateway.networking.k8s.io` the other. */
export const POLICY_HTTP_ROUTE: ResourceKind = {
  ...POLICY,
  version: 'v1beta3',
  kind: 'HTTPRoute',
  plural: 'httproutes',
  short: ['httproute'],
};
export const HTTP_ROUTE: ResourceKind = { ...GATEWAY, kind: 'HTTPRoute', plural: 'httproutes', short: ['httproute'] };
export const GRPC_ROUTE: ResourceKind = { ...GATEWAY, kind: 'GRPCRoute', plural: 'grpcroutes', short: ['grpcroute'] };

/** In the order in which several are listed. */
export const WORKLOAD_KINDS: readonly ResourceKind[] = [
  CRON_JOB,
  DAEMON_SET,
  DEPLOYMENT,
  JOB,
  REPLICA_SET,
  REPLICATION_CONTROLLER,
  STATEFUL_SET,
];

/** All that can be named; of two with one name the first is meant. */
export const RESOURCE_KINDS: readonly ResourceKind[] = [
  ...WORKLOAD_KINDS,
  NAMESPACE,
  POD,
  SERVICE,
  SERVICE_PROFILE,
  TRAFFIC_SPLIT,
  SERVER,
  SERVER_AUTHORIZATION,
  AUTHORIZATION_POLICY,
  POLICY_HTTP_ROUTE,
  HTTP_ROUTE,
  GRPC_ROUTE,
];

/** `deploy`, `deployment`, `deployments`, `deployments.apps`, in any case. */
export function namesOf({ kind, group, plural, short }: ResourceKind): string[] {
  const names = [plural, kind.toLowerCase(), ...short];
  const within = group === '' ? [] : [`${plural}.${group}`, `${kind.toLowerCase()}.${group}`];
  return [...new Set([...names, ...within])];
}

/** @param known those that the verb can do with @throws CliError WEFT_CLI_USAGE, with what may have been meant */
export function kindNamed(text: string, known: readonly ResourceKind[]): ResourceKind {
  const name = text.toLowerCase();
  const found = known.find((kind) => namesOf(kind).includes(name));
  if (found !== undefined) return found;
  const other = RESOURCE_KINDS.find((kind) => namesOf(kind).includes(name));
  const list = known.map(({ short: [first] }) => first);
  const these = `it takes ${[...new Set(list)].join(', ')}`;
  if (other !== undefined) throw new CliError('WEFT_CLI_USAGE', `${other.plural} mean nothing here: ${these}`);
  const near = nearest(name, known.flatMap(namesOf));
  const guess = near === null ? these : `did you mean ${near}?`;
  throw new CliError('WEFT_CLI_USAGE', `there is no kind ${quote(text)}: ${guess}`);
}

/** Path of all objects of a kind: of a namespace, or of the whole cluster where it is `null`. */
export function collectionOf({ group, version, plural, scope }: ResourceKind, namespace: string | null): string {
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  const within = namespace === null || scope === 'Cluster' ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${root}${within}/${plural}`;
}

/** `deployment.apps/web`, as kubectl prints it. */
export function printedName({ kind, group }: ResourceKind, name: string): string {
  return `${kind.toLowerCase()}${group === '' ? '' : `.${group}`}/${name}`;
}
