import { ANCHOR_SECRET, ISSUER_SECRET, ROTATION_SECRET, WEBHOOK_AUTHORITY_SECRET } from './secrets.ts';
import type { TrustSettings } from './trust.ts';

/** Something of the control plane's namespace that the trust is read from. */
export interface TrustSource {
  plural: 'secrets' | 'configmaps';
  name: string;
}

/** All of them, as the Mesh asks for it. */
export function sourcesOf({ issuer, trustAnchors }: Pick<TrustSettings, 'issuer' | 'trustAnchors'>): TrustSource[] {
  const authorities = issuer.type === 'Managed' ? [ANCHOR_SECRET, ISSUER_SECRET] : [issuer.name];
  const secrets = [...authorities, ROTATION_SECRET, WEBHOOK_AUTHORITY_SECRET];
  const configMaps = issuer.type === 'Secret' && trustAnchors !== null ? [trustAnchors.name] : [];
  return [
    ...secrets.map((name) => ({ plural: 'secrets', name }) as const),
    ...configMaps.map((name) => ({ plural: 'configmaps', name }) as const),
  ];
}
