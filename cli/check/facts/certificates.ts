import { X509Certificate } from 'node:crypto';
import { child, textOf } from '../../../crds/parse/metadata.ts';
import { CONTROL_PLANE_NAMESPACE, ISSUER_SECRET } from '../../../proxy-image/contract/names.ts';
import type { Facts } from './facts.ts';

/** The public part of an authority's Secret, in either form that the operator reads (Linkerd: `identity.issuer.scheme`). */
export interface HeldCertificates {
  /** The authority's own, and the chain above it; empty where the Secret has none, or is not there. */
  chain: readonly X509Certificate[];
  /** What others trust. */
  anchors: readonly X509Certificate[];
  anchorsPem: string;
  /** Why it cannot be read as certificates; empty where it can. */
  problem: string;
}

/** @param secret name within the control plane's namespace */
export function certificatesOf(facts: Facts, secret: string): HeldCertificates {
  const data = child(facts.find('secrets', secret, CONTROL_PLANE_NAMESPACE), 'data');
  const pem = (name: string) => Buffer.from(textOf(data, name), 'base64').toString('latin1');
  const anchorsPem = pem('ca.crt');
  try {
    const chain = certificatesIn(pem('tls.crt') || pem('crt.pem'));
    return { chain, anchors: [...certificatesIn(anchorsPem), ...chain.filter(isSelfSigned)], anchorsPem, problem: '' };
  } catch (error) {
    return { chain: [], anchors: [], anchorsPem, problem: error instanceof Error ? error.message : String(error) };
  }
}

/** Who signs for proxies, and whom they trust, from where the Mesh says that each is kept. */
export interface MeshTrust {
  /** Secret of the issuer. */
  issuer: string;
  /** What has the anchors: that Secret, or a ConfigMap of others. */
  anchors: { kind: 'Secret' | 'ConfigMap'; name: string; exists: boolean; problem: string };
  held: HeldCertificates;
}

export function meshTrustOf(facts: Facts): MeshTrust {
  const { issuer, trustAnchors } = facts.mesh.identity;
  const name = issuer.type === 'Secret' ? issuer.name : ISSUER_SECRET;
  const held = certificatesOf(facts, name);
  if (issuer.type === 'Managed' || trustAnchors === null)
    return { issuer: name, anchors: { kind: 'Secret', name, exists: true, problem: '' }, held };
  const map = facts.find('anchors', trustAnchors.name, CONTROL_PLANE_NAMESPACE);
  const anchorsPem = textOf(child(map, 'data'), trustAnchors.key);
  const found = { kind: 'ConfigMap', name: trustAnchors.name, exists: map !== undefined } as const;
  try {
    const anchors = certificatesIn(anchorsPem);
    return { issuer: name, anchors: { ...found, problem: '' }, held: { ...held, anchors, anchorsPem } };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    return { issuer: name, anchors: { ...found, problem }, held: { ...held, anchors: [], anchorsPem } };
  }
}

const BLOCK = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

/** @throws Error where a block of the PEM is not a certificate */
export function certificatesIn(pem: string): X509Certificate[] {
  return (pem.match(BLOCK) ?? []).map((block) => new X509Certificate(block));
}

export function isSelfSigned(certificate: X509Certificate): boolean {
  return certificate.subject === certificate.issuer && certificate.verify(certificate.publicKey);
}

/** Whether it is one of them, or one of them has signed it or a certificate of the chain above it. */
export function isVouchedFor(chain: readonly X509Certificate[], anchors: readonly X509Certificate[]): boolean {
  return chain.some((link) =>
    anchors.some(
      (anchor) =>
        anchor.fingerprint256 === link.fingerprint256 || (link.checkIssued(anchor) && link.verify(anchor.publicKey)),
    ),
  );
}
