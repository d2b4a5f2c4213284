import { INJECT } from '../../crds/annotations/workload.ts';
import { NAMESPACE } from '../../crds/kinds/namespace/model.ts';
import { SERVICE_PROFILE_ROW } from '../../crds/kinds/service-profile/kind.ts';
import { readMeta } from '../../crds/parse/metadata.ts';
import { matchesSelector } from '../../crds/scalars/label-selector.ts';
import { injectorConfiguration, validatorConfiguration } from '../../webhooks/configurations.ts';
import { decide } from '../../webhooks/inject/decide.ts';
import { ApiError, type Cluster } from '../cluster/cluster.ts';
import { CliError } from '../errors.ts';
import type { Facts, Tried } from './facts/facts.ts';
import { selectorOf } from './facts/selector.ts';
import { wantedConfiguration } from './facts/webhook-configurations.ts';

/** A webhook that does not answer holds a request up for ten seconds. */
const TIMEOUT_MS = 20_000;
const NAME = 'weft-check-trial';

/** A pod as somebody would create it who wants a proxy: only the API server can tell whether it reaches the webhook. Nothing where no namespace is injected. */
export async function tryInjection(cluster: Cluster, facts: Facts): Promise<Tried[]> {
  const namespace = namespaceFor(facts);
  return namespace === null
    ? []
    : dryRun(cluster, namespace, `/api/v1/namespaces/${namespace}/pods`, trialPod(namespace));
}

/** A profile with a pattern that no schema can judge: whoever accepts it has not asked the webhook. */
export async function tryValidation(cluster: Cluster, facts: Facts): Promise<Tried[]> {
  const namespace = namespaceFor(facts);
  if (namespace === null) return [];
  const { group, kind, watched, plural } = SERVICE_PROFILE_ROW;
  return dryRun(cluster, namespace, `/apis/${group}/${watched}/namespaces/${namespace}/${plural}`, {
    apiVersion: `${group}/${watched}`,
    kind,
    metadata: { name: `${NAME}.${namespace}.svc.${facts.mesh.clusterDomain}`, namespace },
    spec: { routes: [{ name: 'trial', condition: { pathRegex: '(' } }] },
  });
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
  const selectors = [injectorConfiguration, validatorConfiguration].map((make) =>
    selectorOf(wantedConfiguration(facts, make).webhooks[0].namespaceSelector),
  );
  const usable = facts
    .list(NAMESPACE.id)
    .map(readMeta)
    .filter(({ name, labels }) => {
      const { annotations } = facts.namespace(name);
      const isAsked = selectors.every((selector) => matchesSelector(selector, labels));
      return isAsked && decide(trialPod(name), { annotations, labels }).inject;
    })
    .map(({ name }) => name);
  return usable.find((name) => name === 'default') ?? usable[0] ?? null;
}

/** @throws ApiError where whoever asks may not try it */
async function dryRun(cluster: Cluster, namespace: string, path: string, body: object): Promise<Tried[]> {
  const query = { dryRun: 'All' };
  try {
    const object = await cluster.request<unknown>({ method: 'POST', path, query, body, timeoutMs: TIMEOUT_MS });
    return [{ namespace, object, refusal: '' }];
  } catch (error) {
    if (error instanceof ApiError && (isForbidden(error) || error.status === 404 || error.status === 401)) throw error;
    if (error instanceof CliError) return [{ namespace, object: null, refusal: error.message }];
    throw error;
  }
}

/** Of RBAC, whose words these are; admission refuses with the same status. */
function isForbidden({ status, message }: ApiError): boolean {
  return status === 403 && / cannot create resource /.test(message);
}
