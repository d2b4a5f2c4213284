import { X509Certificate } from 'node:crypto';
import { isObject, parseJsonBytes } from '../../lib/json.ts';
import type { LeafTerms } from '../status/leaf-terms.ts';
import type { Authority } from './authority.ts';
import { fromPem, toPem } from './certificate.ts';
import type { ControlCredentials, TrustState } from './mesh-trust.ts';
import type { SecretContent } from './secrets.ts';
import type { ServingCredentials } from './serving.ts';

/** What a leader tells processes that may not read its authorities: in one Secret what everybody may know, in another what some of them prove themselves with. */

/** The certificates in force, as far as they are no secret. */
export interface PublishedTrust {
  issuer: X509Certificate;
  anchors: readonly X509Certificate[];
  issuerNotAfterMs: number;
  isCrossing: boolean;
  leafTerms: LeafTerms | null;
}

const ANCHORS = 'ca.crt';
const ISSUER = 'issuer.crt';
const TERMS = 'trust.json';

export function toPublished(
  state: Pick<TrustState, 'issuer' | 'issuerNotAfterMs' | 'isCrossing' | 'leafTerms'>,
): SecretContent {
  const { issuer, issuerNotAfterMs, isCrossing, leafTerms } = state;
  const terms = leafTerms && { ofIssuer: leafTerms.ofIssuer, fromMs: leafTerms.fromMs, sinceMs: leafTerms.sinceMs };
  return {
    type: 'Opaque',
    data: {
      [ANCHORS]: Buffer.from(toPem(issuer.anchors)),
      [ISSUER]: Buffer.from(toPem([issuer.certificate])),
      [TERMS]: Buffer.from(JSON.stringify({ issuerNotAfterMs, isCrossing, leafTerms: terms })),
    },
  };
}

/** @throws Error, whose message ends a sentence that begins with the name of the Secret */
export function readPublished({ data }: SecretContent): PublishedTrust {
  const anchors = fromPem(textOf(data, ANCHORS));
  const [issuer] = fromPem(textOf(data, ISSUER));
  const value = parseJsonBytes(data[TERMS] ?? new Uint8Array());
  if (issuer === undefined || anchors.length === 0) throw new Error(`has no certificate in ${ANCHORS} or ${ISSUER}`);
  if (!isObject(value) || !isTime(value['issuerNotAfterMs']) || typeof value['isCrossing'] !== 'boolean')
    throw new Error(`cannot be read in ${TERMS}`);
  const { issuerNotAfterMs, isCrossing, leafTerms } = value;
  return { issuer, anchors, issuerNotAfterMs, isCrossing, leafTerms: termsOf(issuer, leafTerms) };
}

function termsOf(issuer: X509Certificate, value: unknown): LeafTerms | null {
  if (value === null) return null;
  if (!isObject(value)) throw new Error(`cannot be read in ${TERMS}`);
  const { ofIssuer, fromMs, sinceMs } = value;
  if (typeof ofIssuer !== 'boolean' || !isTime(fromMs) || !isTime(sinceMs))
    throw new Error(`cannot be read in ${TERMS}`);
  return { issuer, ofIssuer, fromMs, sinceMs };
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

const KEY = '.key';
const CERTIFICATE = '.crt';

export function toControl(credentials: ControlCredentials): SecretContent {
  const entries = [...credentials].flatMap(([name, { keyPem, certPem }]) => [
    [`${name}${KEY}`, Buffer.from(keyPem)] as const,
    [`${name}${CERTIFICATE}`, Buffer.from(certPem)] as const,
  ]);
  return { type: 'Opaque', data: Object.fromEntries(entries) };
}

/** What is no certificate with a key beside it is left out. */
export function readControl({ data }: SecretContent): Map<string, ServingCredentials> {
  const found = new Map<string, ServingCredentials>();
  for (const key of Object.keys(data)) {
    if (!key.endsWith(CERTIFICATE)) continue;
    const name = key.slice(0, -CERTIFICATE.length);
    const [keyPem, certPem] = [textOf(data, `${name}${KEY}`), textOf(data, key)];
    const leaf = leafOf(certPem);
    if (leaf !== null && keyPem !== '') found.set(name, { keyPem, certPem, notAfterMs: leaf.validToDate.getTime() });
  }
  return found;
}

export function leafOf(chainPem: string): X509Certificate | null {
  try {
    return chainPem === '' ? null : new X509Certificate(chainPem);
  } catch {
    return null;
  }
}

/** The signer that the published trust speaks of; `null`: it is another one, of before or after. */
export function signerOf(published: PublishedTrust, authority: Authority | null): Authority | null {
  if (authority?.certificate.fingerprint256 !== published.issuer.fingerprint256) return null;
  return { ...authority, anchors: [...published.anchors] };
}

function textOf(data: SecretContent['data'], key: string): string {
  return Object.hasOwn(data, key) ? Buffer.from(data[key]!).toString('utf8') : '';
}
