import type { X509Certificate } from 'node:crypto';
import { RESERVED_VOLUMES } from '../../../crds/kinds/pod/obstacles.ts';
import { child, listOf, textOf } from '../../../crds/parse/metadata.ts';
import { ENVIRONMENT, type Variable } from '../../../proxy-image/contract/environment.ts';
import { INIT_CONTAINER, PROXY_CONTAINER } from '../../../proxy-image/contract/names.ts';
import { certificatesIn } from './certificates.ts';

/** The container of the proxy: a native sidecar is an init container. `undefined` where the pod has none. */
export function proxyOf(pod: unknown): unknown {
  const spec = child(pod, 'spec');
  return [...listOf(spec, 'containers'), ...listOf(spec, 'initContainers')].find(
    (container) => textOf(container, 'name') === PROXY_CONTAINER,
  );
}

/** A variable of the proxy as injection has written it; empty where it has not. */
export function variableOf(pod: unknown, { name }: Variable): string {
  const variable = listOf(proxyOf(pod), 'env').find((entry) => textOf(entry, 'name') === name);
  return textOf(variable, 'value');
}

/** What the proxy was told to trust when its pod was made. */
export function anchorsOf(pod: unknown): readonly X509Certificate[] {
  try {
    return certificatesIn(variableOf(pod, ENVIRONMENT.trustAnchors));
  } catch {
    return [];
  }
}

const OWN: readonly string[] = [PROXY_CONTAINER, INIT_CONTAINER];

/** The pod as it was before injection, as far as its containers and volumes go. */
export function withoutProxy(pod: unknown): unknown {
  const spec = child(pod, 'spec');
  const kept = (field: string) => listOf(spec, field).filter((each) => !OWN.includes(textOf(each, 'name')));
  return {
    ...(pod as object),
    spec: {
      ...(spec as object),
      containers: kept('containers'),
      initContainers: kept('initContainers'),
      volumes: listOf(spec, 'volumes').filter((each) => !RESERVED_VOLUMES.includes(textOf(each, 'name'))),
    },
  };
}
