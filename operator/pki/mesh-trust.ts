import { createHash, type X509Certificate } from 'node:crypto';
import type { CodedError } from '../../proxy-image/contract/errors.ts';
import type { HeldAuthority } from '../status/authority.ts';
import type { LeafTerms } from '../status/leaf-terms.ts';
import type { RotationState } from '../status/rotation.ts';
import type { AnchorsSource } from './anchors.ts';
import type { Authority } from './authority.ts';
import type { Lifetimes } from './renewal.ts';
import type { RotationValues } from './rotation-record.ts';
import type { ServingCredentials } from './serving.ts';

/** The part of the Mesh that decides where certificates come from. */
export interface TrustSettings extends Lifetimes {
  suffix: string;
  issuer: { type: 'Managed' } | { type: 'Secret'; name: string };
  /** `null`: the Secret of the issuer names the anchors. Not for a managed issuer. */
  trustAnchors: AnchorsSource | null;
  rotation: RotationValues;
}

/** One immutable view of the certificates in force. */
export interface KnownTrust {
  /** `null` in a process that does not sign. */
  issuer: Authority | null;
  anchorsPem: string;
  anchorNotAfterMs: number;
  issuerNotAfterMs: number;
  /** How many anchors are trusted: two while one takes the place of the other. */
  trustedAnchors: number;
  /** The newest anchor is trusted already, but nothing is signed below it yet. */
  isCrossing: boolean;
  /** What certificates of proxies have to be by now; `null`: whatever they are. */
  leafTerms: LeafTerms | null;
}

/** The same where the issuer is known with its key. */
export interface TrustState extends KnownTrust {
  issuer: Authority;
}

/** What the operator proves to proxies, by the names that it proves. */
export type ControlCredentials = ReadonlyMap<string, ServingCredentials>;

/** Where a process has the trust from: of the authorities themselves, or as a leader publishes it. */
export interface MeshTrust {
  /** Names what is published: bundle, issuer, and what certificates have to be. Empty: nothing is. */
  readonly generation: string;
  /** `null` until there is an issuer. */
  readonly current: KnownTrust | null;
  /** Signs the serving certificates of what the API server calls. `null` before it is there, and in a process that serves nothing of the kind. */
  readonly webhookAuthority: Authority | null;
  /** For `clientConfig.caBundle`, PEM: two CAs while the older one still lives. Empty until the CA was read or created. */
  readonly caBundlePem: string;
  /** What the operator proves to proxies, where this process does not make it itself; by names. */
  readonly control: ControlCredentials;
  /** All that this process needs is there. */
  readonly isComplete: boolean;
  /** What the last `refresh` found wrong, one sentence each; for the conditions of the Mesh. */
  readonly problems: readonly CodedError[];
  /** What the last `refresh` found; empty before the first. */
  readonly held: readonly HeldAuthority[];
  /** What the last `refresh` found; `null` before the first that found an issuer, and where rotations are somebody else's. */
  readonly rotation: RotationState | null;
  /** Called after any of this changed. Returns how to unsubscribe. */
  onChange(listener: () => void): () => void;
  /** @throws what the store throws on reading and creating; nothing has changed then */
  refresh(settings: TrustSettings, mayWrite: boolean): Promise<void>;
}

/** Names what is published. */
export function generationOf(
  issuer: X509Certificate,
  { anchorsPem, leafTerms }: Pick<KnownTrust, 'anchorsPem' | 'leafTerms'>,
): string {
  const parts = [anchorsPem, issuer.fingerprint256, termsText(leafTerms)];
  return createHash('sha256').update(parts.join('\n')).digest('hex');
}

/** The one of before where it says the same. */
export function sameTerms(terms: LeafTerms | null, before: LeafTerms | null): LeafTerms | null {
  return termsText(terms) === termsText(before) ? before : terms;
}

function termsText(terms: LeafTerms | null): string {
  return terms === null ? '' : `${terms.issuer.fingerprint256} ${terms.ofIssuer} ${terms.fromMs}`;
}
