import { INJECT } from '../../crds/annotations/workload.ts';
import { MESH_ROW } from '../../crds/kinds/mesh/kind.ts';
import { MESH_NAME } from '../../crds/kinds/mesh/parse.ts';
import { NAMESPACE } from '../../crds/kinds/namespace/model.ts';
import { readMeta } from '../../crds/parse/metadata.ts';
import { matchesSelector } from '../../crds/scalars/label-selector.ts';
import { LAST_PORT } from '../../proxy-image/contract/port-ranges.ts';
import { injectorConfiguration } from '../../webhooks/configurations.ts';
import { decide } from '../../webhooks/inject/decide.ts';
import { ApiError, type Cluster } from '../cluster/cluster.ts';
import { CliError } from '../errors.ts';
import type { Facts, Tried } from './facts/facts.ts';
import { selectorOf } from './facts/selector.ts';
import { wantedConfiguration } from './facts/webhook-configurations.ts';

/** A webhook that does not answer holds a request up for ten seconds. */
const TIMEOUT_MS = 20_000;
const NAME = 'weft-check-trial';

/** Nothing speaks against it, and yet it cannot be tried here. */
export class NotTried extends Error {}

/**
 * A pod as somebody would create it who wants a proxy: only the API server can tell whether it reaches the webhook.
 * @throws NotTried where no namespace is injected; ApiError where whoever asks may not try it
 */
export async function tryInjection(cluster: Cluster, facts: Facts): Promise<Tried[]> {
  const namespace = namespaceFor(facts);
  if (namespace === null) throw new NotTried('there is no namespace whose pods could get a proxy');
  return [await dryRun(cluster, namespace, `/api/v1/namespaces/${namespace}/pods`, trialPod(namespace))];
}

/**
 * A Mesh with a port that no schema can judge: whoever accepts it has not asked the webhook. Of this group alone, whose objects no other webhook judges.
 * @throws ApiError where whoever asks may not try it
 */
export async function tryValidation(cluster: Cluster): Promise<Tried[]> {
  const { group, kind, watched, plural } = MESH_ROW;
  const mesh = {
    apiVersion: `${group}/${watched}`,
    kind,
    metadata: { name: MESH_NAME },
    spec: { proxy: { opaquePorts: String(LAST_PORT + 1) } },
  };
  const tried = await dryRun(cluster, '', `/apis/${group}/${watched}/${plural}`, mesh);
  // That there is one already is looked at behind the webhooks.
  return [tried.reason === 'AlreadyExists' ? { ...tried, object: mesh, refusal: '' } : tried];
}

function trialPod(namespace: string) {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: NAME, namespace, annotations: { [INJECT.names[0]]: 'enabled' } },
    spec: { containers: [{ name: 'trial', image: 'trial' }] },
  };
}

/** One whose pods the webhook is asked about, and can inject: `default` before others, since it always has its ServiceAccount. */
function namespaceFor(facts: Facts): string | null {
  const selector = selectorOf(wantedConfiguration(facts, injectorConfiguration).webhooks[0].namespaceSelector);
  const usable = facts
    .list(NAMESPACE.id)
    .map(readMeta)
    .filter(({ name, labels }) => {
      const { annotations } = facts.namespace(name);
      return matchesSelector(selector, labels) && decide(trialPod(name), { annotations, labels }).inject;
    })
    .map(({ name }) => name);
  return usable.find((name) => name === 'default') ?? usable[0] ?? null;
}

/** @throws ApiError where whoever asks may not try it */
async function dryRun(cluster: Cluster, namespace: string, path: string, body: object): Promise<Tried> {
  const query = { dryRun: 'All' };
  try {
    const object = await cluster.request<unknown>({ method: 'POST', path, query, body, timeoutMs: TIMEOUT_MS });
    return { namespace, object, refusal: '', reason: '' };
  } catch (error) {
    if (error instanceof ApiError && (isForbidden(error) || error.status === 404 || error.status === 401)) throw error;
    const reason = error instanceof ApiError ? error.reason : '';
    if (error instanceof CliError) return { namespace, object: null, refusal: error.message, reason };
    throw error;
  }
}

/** Of RBAC, whose words these are; admission refuses with the same status. */
function isForbidden({ status, message }: ApiError): boolean {
  return status === 403 && / cannot create resource /.test(message);
}
