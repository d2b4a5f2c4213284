import type { TrustSettings } from './mesh-trust.ts';
import type { Received } from './received-trust.ts';
import {
  ANCHOR_SECRET,
  CONTROL_SECRET,
  ISSUER_SECRET,
  PUBLISHED_SECRET,
  ROTATION_SECRET,
  WEBHOOK_AUTHORITY_SECRET,
} from './secrets.ts';

/** Something of the control plane's namespace that the trust is read from. */
export interface TrustSource {
  plural: 'secrets' | 'configmaps';
  name: string;
}

/** All of them, as the Mesh asks for it. `received`: of a process that reads what is published. */
export function sourcesOf(
  { issuer, trustAnchors }: Pick<TrustSettings, 'issuer' | 'trustAnchors'>,
  received: Received | null,
): TrustSource[] {
  const issuerSecret = issuer.type === 'Managed' ? ISSUER_SECRET : issuer.name;
  if (received !== null) return secretsOf(receivedOf(received, issuerSecret));
  const authorities = issuer.type === 'Managed' ? [ANCHOR_SECRET, issuerSecret] : [issuerSecret];
  const configMaps = issuer.type === 'Secret' && trustAnchors !== null ? [trustAnchors.name] : [];
  return [
    ...secretsOf([...authorities, ROTATION_SECRET, WEBHOOK_AUTHORITY_SECRET]),
    ...configMaps.map((name) => ({ plural: 'configmaps', name }) as const),
  ];
}

function receivedOf({ signer, webhookAuthority, control }: Received, issuerSecret: string): string[] {
  return [
    PUBLISHED_SECRET,
    ...(signer ? [issuerSecret] : []),
    ...(webhookAuthority ? [WEBHOOK_AUTHORITY_SECRET] : []),
    ...(control ? [CONTROL_SECRET] : []),
  ];
}

function secretsOf(names: readonly string[]): TrustSource[] {
  return names.map((name) => ({ plural: 'secrets', name }) as const);
}
