import type { X509Certificate } from 'node:crypto';
import { type Authority, notAfterMsOf } from './authority.ts';
import { fromPem } from './certificate.ts';
import { distinct, problemOf } from './secrets.ts';

/** Where others keep trust anchors: a ConfigMap of the control plane's namespace, and its key. */
export interface AnchorsSource {
  name: string;
  key: string;
}

/** ConfigMaps of the control plane's namespace: texts by key; `null` when there is none. */
export interface ConfigMapStore {
  get(name: string): Promise<Readonly<Record<string, string>> | null>;
}

/** Every proxy holds all of them, and gets them with every certificate: half of what an answer may have. */
const MAX_ANCHORS_BYTES = 32 * 1024;

/** `issuer` with the anchors of the ConfigMap instead of its own; or what is wrong, as the end of a sentence that begins with the name of the ConfigMap. */
export function withAnchors(
  issuer: Authority,
  { key }: AnchorsSource,
  data: Readonly<Record<string, string>> | null,
  nowMs: number,
): Authority | string {
  if (data === null) return 'does not exist';
  const pem = Object.hasOwn(data, key) ? data[key] : undefined;
  if (pem === undefined) return `has no key ${key}`;
  if (pem.length > MAX_ANCHORS_BYTES) return `has more than ${MAX_ANCHORS_BYTES / 1024} KiB under ${key}`;
  const anchors = anchorsIn(pem, nowMs);
  if (typeof anchors === 'string') return `${anchors} under ${key}`;
  const authority = { ...issuer, anchors };
  return problemOf(authority) === null ? authority : `has no anchor under ${key} that the issuer chains to`;
}

/** Those that have ended are left out: a Bundle keeps them until somebody takes them away. */
function anchorsIn(pem: string, nowMs: number): X509Certificate[] | string {
  let certificates: X509Certificate[];
  try {
    certificates = fromPem(pem);
  } catch {
    return 'has what is no certificate';
  }
  if (certificates.length === 0) return 'has no certificate';
  if (certificates.some(({ ca }) => !ca)) return 'has a certificate that is no authority (basicConstraints CA)';
  const living = certificates.filter((one) => notAfterMsOf(one) > nowMs);
  return living.length === 0 ? 'has only certificates that have ended' : distinct(living);
}
