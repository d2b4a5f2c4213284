import type { PodModel } from '../../crds/kinds/pod/model.ts';
import { reducePod } from '../../crds/kinds/pod/parse.ts';
import { child, listOf, readRecord, textOf } from '../../crds/parse/metadata.ts';
import { type Cluster, find, list } from '../cluster/cluster.ts';
import { CliError } from '../errors.ts';
import { resourceOf } from '../resources/arguments.ts';
import {
  CRON_JOB,
  collectionOf,
  JOB,
  NAMESPACE,
  POD,
  REPLICATION_CONTROLLER,
  type ResourceKind,
  SERVICE,
  WORKLOAD_KINDS,
} from '../resources/kinds.ts';

/** An object that stands for pods. */
export interface PodsOf {
  kind: ResourceKind;
  name: string;
}

const KINDS_WITH_PODS: readonly ResourceKind[] = [...WORKLOAD_KINDS, POD, SERVICE, NAMESPACE];

/** Which pods are meant: those that arguments name, and those with labels. */
export interface Selection {
  /** `KIND/NAME`, or the name of a pod. */
  resources: readonly string[];
  /** Label selector. */
  selector?: string;
}

/**
 * Running pods with a proxy of ours, by namespace and name; each once.
 * @throws CliError WEFT_CLI_USAGE where nothing is selected, WEFT_CLI_RESOURCE where it is not there or has no such pod
 */
export async function selectProxies(cluster: Cluster, { resources, selector }: Selection): Promise<PodModel[]> {
  if (resources.length === 0 && selector === undefined) {
    throw new CliError('WEFT_CLI_USAGE', 'which pods? KIND/NAME, the name of a pod, or -l with a label selector');
  }
  const raw: unknown[] = [];
  for (const text of resources) raw.push(...(await podsOf(cluster, meantBy(text))));
  if (selector !== undefined) raw.push(...(await podsWith(cluster, cluster.namespace, selector)));
  const proxies = raw.map(reducePod).filter(({ meshed, phase }) => meshed && phase === 'Running');
  if (proxies.length > 0) return unique(proxies);
  const wanted = [...resources, ...(selector === undefined ? [] : [`-l ${selector}`])].join(' ');
  const within = resources.some((text) => meantBy(text).kind === NAMESPACE) ? '' : ` in namespace ${cluster.namespace}`;
  throw new CliError('WEFT_CLI_RESOURCE', `${wanted}: no running pod with a proxy${within}`);
}

function unique(pods: readonly PodModel[]): PodModel[] {
  const byName = new Map(pods.map((pod) => [`${pod.meta.namespace}/${pod.meta.name}`, pod]));
  return [...byName].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, pod]) => pod);
}

/** `KIND/NAME`, or the name of a pod. */
function meantBy(text: string): PodsOf {
  if (!text.includes('/')) return { kind: POD, name: resourceOf([POD.plural, text], KINDS_WITH_PODS).name ?? '' };
  const { kind, name } = resourceOf([text], KINDS_WITH_PODS);
  if (name === null) throw new CliError('WEFT_CLI_USAGE', `${text} names no object: KIND/NAME is wanted, or a pod`);
  return { kind, name };
}

/**
 * Pods of an object, core/v1, as they are.
 * @throws CliError WEFT_CLI_RESOURCE
 */
export async function podsOf(cluster: Cluster, { kind, name }: PodsOf): Promise<unknown[]> {
  if (kind === NAMESPACE) return podsWith(cluster, name, '');
  const { namespace } = cluster;
  const object = await find<unknown>(cluster, `${collectionOf(kind, namespace)}/${encodeURIComponent(name)}`);
  if (object === null) {
    throw new CliError('WEFT_CLI_RESOURCE', `there is no ${kind.kind} ${name} in namespace ${namespace}`);
  }
  if (kind === POD) return [object];
  if (kind === CRON_JOB) return podsOfJobs(cluster, `CronJob/${name}`);
  const selector = child(child(object, 'spec'), 'selector');
  const isLabels = kind === SERVICE || kind === REPLICATION_CONTROLLER;
  return podsWith(cluster, namespace, isLabels ? labelsText(selector) : selectorText(selector));
}

async function podsOfJobs(cluster: Cluster, owner: string): Promise<unknown[]> {
  const { namespace } = cluster;
  const jobs = await list<unknown>(cluster, collectionOf(JOB, namespace));
  const selectors = jobs.filter((job) => ownerOf(job) === owner).map((job) => child(child(job, 'spec'), 'selector'));
  return (await Promise.all(selectors.map((selector) => podsWith(cluster, namespace, selectorText(selector))))).flat();
}

function ownerOf(object: unknown): string {
  const owner = listOf(child(object, 'metadata'), 'ownerReferences').find((each) => child(each, 'controller') === true);
  return `${textOf(owner, 'kind')}/${textOf(owner, 'name')}`;
}

function podsWith(cluster: Cluster, namespace: string, labelSelector: string): Promise<unknown[]> {
  return list(cluster, collectionOf(POD, namespace), { labelSelector });
}

/** A Service without a selector has no pods of its own: this one no pod fulfils. */
const NO_POD = '!a,a';

function labelsText(labels: unknown): string {
  const entries = Object.entries(readRecord(labels));
  return entries.length === 0 ? NO_POD : entries.map(([key, value]) => `${key}=${value}`).join(',');
}

/** `metav1.LabelSelector` as text. */
function selectorText(selector: unknown): string {
  const parts = Object.entries(readRecord(child(selector, 'matchLabels'))).map(([key, value]) => `${key}=${value}`);
  for (const expression of listOf(selector, 'matchExpressions')) parts.push(expressionText(expression));
  return parts.length === 0 ? NO_POD : parts.join(',');
}

function expressionText(expression: unknown): string {
  const key = textOf(expression, 'key');
  const values = listOf(expression, 'values').filter((value) => typeof value === 'string');
  switch (textOf(expression, 'operator')) {
    case 'In':
      return `${key} in (${values.join(',')})`;
    case 'NotIn':
      return `${key} notin (${values.join(',')})`;
    case 'Exists':
      return key;
    default:
      return `!${key}`;
  }
}
