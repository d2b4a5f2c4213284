import type { X509Certificate } from 'node:crypto';
import { MESH } from '../../../crds/kinds/mesh/model.ts';
import { child, textOf } from '../../../crds/parse/metadata.ts';
import { CONTROL_PLANE_NAMESPACE } from '../../../proxy-image/contract/names.ts';
import { isVouchedFor, type MeshTrust, meshTrustOf } from '../facts/certificates.ts';
import type { Category, Finding } from '../facts/check.ts';
import { conditionOf } from '../facts/conditions.ts';
import type { Facts } from '../facts/facts.ts';
import { about, objectName } from '../facts/name.ts';

const RESTART = `kubectl -n ${CONTROL_PLANE_NAMESPACE} rollout restart deployment weft-operator`;
const NEEDS = ['secrets', 'anchors', MESH.id];

export const IDENTITY: Category = {
  name: 'weft-identity',
  checks: [
    {
      code: 'issuer-missing',
      description: 'certificate of the issuer exists',
      severity: 'error',
      needs: NEEDS,
      run: missing,
    },
    {
      code: 'issuer-unreadable',
      description: 'certificate config is valid',
      severity: 'error',
      needs: NEEDS,
      run: unreadable,
    },
    {
      code: 'issuer-algorithm',
      description: 'issuer cert is using supported crypto algorithm',
      severity: 'error',
      needs: NEEDS,
      run: (facts) =>
        ofIssuer(facts, (certificate) =>
          isSupported(certificate) ? '' : 'its key is not ECDSA P-256, the only one that signs for proxies',
        ),
    },
    {
      code: 'issuer-no-authority',
      description: 'issuer cert may sign certificates',
      severity: 'error',
      needs: NEEDS,
      run: (facts) => ofIssuer(facts, ({ ca }) => (ca ? '' : 'its certificate is no authority (basicConstraints CA)')),
    },
    {
      code: 'issuer-expired',
      description: 'issuer cert is within its validity period',
      severity: 'error',
      needs: NEEDS,
      run: (facts) => ofIssuer(facts, (certificate) => validity(certificate, facts.nowMs)),
    },
    {
      code: 'anchor-missing',
      description: 'trust anchors exist',
      severity: 'error',
      needs: NEEDS,
      run: missingAnchors,
    },
    {
      code: 'anchor-expired',
      description: 'trust anchors are within their validity period',
      severity: 'error',
      needs: NEEDS,
      run: expiredAnchors,
    },
    {
      code: 'issuer-untrusted',
      description: 'issuer cert is issued by the trust anchor',
      severity: 'error',
      needs: NEEDS,
      run: untrusted,
    },
    {
      code: 'certificates-unusable',
      description: 'operator can use its certificates',
      severity: 'error',
      needs: [MESH.id],
      run: (facts) => ofMesh(facts, ({ status }) => status === 'False'),
    },
    {
      code: 'certificates-not-renewed',
      description: 'certificates are renewed when they are due',
      severity: 'warning',
      needs: [MESH.id],
      run: (facts) => ofMesh(facts, ({ status, reason }) => status === 'True' && reason === 'RenewalFailed'),
    },
    {
      code: 'certificates-expire-soon',
      description: 'certificates are valid for some time',
      severity: 'warning',
      needs: [MESH.id],
      run: (facts) => ofMesh(facts, ({ status, reason }) => status === 'True' && reason === 'ExpiresSoon'),
    },
    {
      code: 'rotation-waits',
      description: 'rotation that was asked for goes on',
      severity: 'warning',
      needs: [MESH.id],
      run: rotationWaits,
    },
  ],
};

function finding(kind: MeshTrust['anchors']['kind'], name: string, reason: string, remedy: string): Finding {
  const namespace = CONTROL_PLANE_NAMESPACE;
  return { object: objectName(kind, name, namespace), namespace, reason, remedy };
}

function ofSecret(facts: Facts, reason: string): Finding {
  return finding('Secret', meshTrustOf(facts).issuer, reason, remedyOf(facts));
}

/** What the operator made it makes anew, or renews; what somebody else keeps is theirs to mend. */
function remedyOf({ mesh }: Facts): string {
  const { issuer } = mesh.identity;
  return issuer.type === 'Managed' ? RESTART : `kubectl -n ${CONTROL_PLANE_NAMESPACE} describe secret ${issuer.name}`;
}

/** Wherever they are kept. */
function ofAnchors(facts: Facts, reason: string): Finding {
  const { kind, name } = meshTrustOf(facts).anchors;
  if (kind === 'Secret') return ofSecret(facts, reason);
  return finding(kind, name, reason, `kubectl -n ${CONTROL_PLANE_NAMESPACE} describe configmap ${name}`);
}

function missing(facts: Facts): Finding[] {
  if (facts.find('secrets', meshTrustOf(facts).issuer, CONTROL_PLANE_NAMESPACE) !== undefined) return [];
  return [ofSecret(facts, 'it does not exist: no proxy gets a certificate')];
}

function unreadable(facts: Facts): Finding[] {
  const { issuer, held } = meshTrustOf(facts);
  if (facts.find('secrets', issuer, CONTROL_PLANE_NAMESPACE) === undefined) return [];
  if (held.problem !== '') return [ofSecret(facts, `its certificates cannot be read: ${held.problem}`)];
  return held.chain.length > 0 ? [] : [ofSecret(facts, 'it has no certificate in tls.crt or crt.pem')];
}

function missingAnchors(facts: Facts): Finding[] {
  const { anchors, held } = meshTrustOf(facts);
  if (anchors.kind === 'Secret') {
    if (held.chain.length === 0 || held.anchors.length > 0) return [];
    return [ofAnchors(facts, 'it names no trust anchor in ca.crt: proxies verify nobody by it')];
  }
  if (!anchors.exists) return [ofAnchors(facts, 'it does not exist: what was read of it before stays in force')];
  if (anchors.problem !== '') return [ofAnchors(facts, `its certificates cannot be read: ${anchors.problem}`)];
  const { trustAnchors } = facts.mesh.identity;
  const reason = `it has no certificate under ${trustAnchors?.key}: what was read of it before stays in force`;
  return held.anchors.length > 0 ? [] : [ofAnchors(facts, reason)];
}

/** @param judge gives the reason, or nothing */
function ofIssuer(facts: Facts, judge: (certificate: X509Certificate) => string): Finding[] {
  const [certificate] = meshTrustOf(facts).held.chain;
  const reason = certificate === undefined ? '' : judge(certificate);
  return reason === '' ? [] : [ofSecret(facts, reason)];
}

function isSupported({ publicKey }: X509Certificate): boolean {
  return publicKey.asymmetricKeyType === 'ec' && publicKey.asymmetricKeyDetails?.namedCurve === 'prime256v1';
}

function validity({ validFromDate, validToDate }: X509Certificate, nowMs: number): string {
  if (validToDate.getTime() <= nowMs) return `its certificate has expired at ${timeOf(validToDate)}`;
  return validFromDate.getTime() > nowMs ? `its certificate is not valid before ${timeOf(validFromDate)}` : '';
}

function timeOf(date: Date): string {
  return date.toISOString().replace('.000Z', 'Z');
}

/** One that has ended beside others that live is history. */
function expiredAnchors(facts: Facts): Finding[] {
  const reasons = meshTrustOf(facts).held.anchors.map((anchor) => validity(anchor, facts.nowMs));
  if (reasons.length === 0 || reasons.includes('')) return [];
  return [ofAnchors(facts, `of its trust anchor, ${reasons[0]}`)];
}

function untrusted(facts: Facts): Finding[] {
  const { anchors, held } = meshTrustOf(facts);
  if (held.chain.length === 0 || held.anchors.length === 0 || isVouchedFor(held.chain, held.anchors)) return [];
  const whose = anchors.kind === 'Secret' ? 'its trust anchor' : `an anchor of ConfigMap ${anchors.name}`;
  return [ofSecret(facts, `its certificate is not signed by ${whose}: proxies refuse each other`)];
}

/** What the operator says itself, in the same words. */
function ofMesh(facts: Facts, isWrong: (condition: { status: string; reason: string }) => boolean): Finding[] {
  const condition = conditionOf(facts.rawMesh, 'CertificatesValid');
  if (condition === undefined || !isWrong(condition)) return [];
  return [about(MESH.kind, facts.rawMesh, condition.message, 'kubectl describe mesh')];
}

/** With everybody connected a phase takes a minute; 25 proxies a second are asked to renew. */
const PATIENCE_MS = 15 * 60_000;

function rotationWaits({ rawMesh, nowMs }: Facts): Finding[] {
  const rotation = child(child(rawMesh, 'status'), 'rotation');
  const phase = textOf(rotation, 'phase');
  const waitedMs = nowMs - Date.parse(textOf(rotation, 'since'));
  if (phase === '' || phase === 'Done' || !(waitedMs > PATIENCE_MS)) return [];
  const [proxies, message] = [textOf(rotation, 'proxies'), textOf(rotation, 'message')];
  const reason = [`it has been ${phase} for ${Math.floor(waitedMs / 60_000)} minutes`, proxies, message];
  return [about(MESH.kind, rawMesh, reason.filter((part) => part !== '').join('; '), 'kubectl describe mesh')];
}
