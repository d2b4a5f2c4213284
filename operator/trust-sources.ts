import type { OperatorRole } from '../crds/types/operator-role.ts';
import type { CertificatesOptions } from './certificates.ts';
import type { OperatorConfig } from './config.ts';
import { NamespacedConfigMaps } from './kube/config-maps.ts';
import { NamedWatches } from './kube/named-watches.ts';
import type { OperatorParts } from './kube/operator-base.ts';
import type { RestClient } from './kube/rest.ts';
import { NamespacedSecrets } from './kube/secrets.ts';
import { TrustPublisher } from './pki/publisher.ts';
import type { Received } from './pki/received-trust.ts';
import type { ReflectorTiming } from './runtime/reflector.ts';

const SECRET_LABELS = { 'app.kubernetes.io/managed-by': 'weft-operator', 'app.kubernetes.io/part-of': 'weft' };

/** Where certificates are kept, in the operator's namespace: read and watched by everybody as far as their roles need it, written by the leader. */
export function trustSources(
  parts: OperatorParts,
  leadersRest: RestClient,
  { namespace, roles }: Pick<OperatorConfig, 'namespace' | 'roles'>,
  timing: Partial<ReflectorTiming>,
): Pick<CertificatesOptions, 'secrets' | 'configMaps' | 'watches' | 'received' | 'publisher'> {
  const secrets = new NamespacedSecrets(leadersRest, namespace, SECRET_LABELS, parts.clock);
  return {
    secrets,
    received: receivedBy(roles),
    // Also where one process has all roles: who gives them Deployments of their own does not wait for the first leader among those.
    publisher: new TrustPublisher(secrets, parts.clock),
    configMaps: new NamespacedConfigMaps(parts.rest, namespace, parts.clock),
    watches: new NamedWatches({ ...parts, namespace, timing }),
  };
}

/** `null`: whoever may lead has to read everything. */
function receivedBy(roles: ReadonlySet<OperatorRole>): Received | null {
  if (roles.has('controllers')) return null;
  const signer = roles.has('identity');
  return {
    signer,
    webhookAuthority: roles.has('webhooks') || roles.has('viz'),
    // Who signs makes its own.
    control: !signer && (roles.has('config') || roles.has('viz')),
  };
}
