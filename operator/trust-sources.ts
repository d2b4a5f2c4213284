import type { CertificatesOptions } from './certificates.ts';
import { NamespacedConfigMaps } from './kube/config-maps.ts';
import { NamedWatches } from './kube/named-watches.ts';
import type { OperatorParts } from './kube/operator-base.ts';
import type { RestClient } from './kube/rest.ts';
import { NamespacedSecrets } from './kube/secrets.ts';
import type { ReflectorTiming } from './runtime/reflector.ts';

const SECRET_LABELS = { 'app.kubernetes.io/managed-by': 'weft-operator', 'app.kubernetes.io/part-of': 'weft' };

/** Where certificates are kept, in `namespace`: read and watched by everybody, written by the leader. */
export function trustSources(
  parts: OperatorParts,
  leadersRest: RestClient,
  namespace: string,
  timing: Partial<ReflectorTiming>,
): Pick<CertificatesOptions, 'secrets' | 'configMaps' | 'watches'> {
  return {
    secrets: new NamespacedSecrets(leadersRest, namespace, SECRET_LABELS, parts.clock),
    configMaps: new NamespacedConfigMaps(parts.rest, namespace, parts.clock),
    watches: new NamedWatches({ ...parts, namespace, timing }),
  };
}
