import { generateKeyPairSync, type X509Certificate } from 'node:crypto';
import { createIssuer } from '../../../../../operator/pki/authority.ts';
import { commonName, randomSerial, signCertificate, toPem } from '../../../../../operator/pki/certificate.ts';
import { basicConstraints, keyUsage } from '../../../../../operator/pki/extensions.ts';
import { ISSUER_SECRET } from '../../../../../proxy-image/contract/names.ts';
import { createLeaf } from '../../../../support/certificates.ts';
import { base64, custom, DAY_MS, NOW_MS, put, SYSTEM, secret, TRUST, trust, type World } from '../world.ts';
import { own } from './control-plane.ts';
import type { Fault } from './fault.ts';

const MESH = 'Mesh.weft.dev';
const BUNDLE = 'linkerd-identity-trust-roots';
const ISSUER = `secret/${ISSUER_SECRET} in ${SYSTEM}`;

const SETTINGS: Fault[] = [
  {
    code: 'mesh-invalid',
    title: 'a Mesh of a time when there was no validation',
    plant: (world) => world.set(MESH, 'default', 'spec.proxy', { defaultInboundPolicy: 'everybody' }),
    object: 'mesh/default',
    reason: /defaultInboundPolicy/,
    remedy: /kubectl edit mesh default/,
  },
  {
    code: 'mesh-name',
    title: 'a second Mesh',
    plant: (world) => world.add(MESH, custom('other', {}, { observedGeneration: 1 }, '')),
    object: 'mesh/other',
    reason: /only the Mesh called default/,
    remedy: /kubectl delete mesh other/,
  },
  {
    code: 'mesh-not-observed',
    title: 'a Mesh that nobody has looked at since it was edited',
    plant: (world) => world.set(MESH, 'default', 'metadata.generation', 2),
    object: 'mesh/default',
    reason: /no operator has looked/,
    remedy: /logs deployment\/weft-operator/,
  },
  {
    code: 'proxies-not-connected',
    title: 'the operator counts one proxy of two',
    plant: (world) => world.set(MESH, 'default', 'status.proxies', '1/1'),
    object: 'mesh/default',
    reason: /1 of 2 proxies are not connected/,
    remedy: /logs deployment\/weft-operator/,
  },
  {
    code: 'networks-of-nodes',
    title: 'pods of a node have public addresses',
    plant: (world) => world.set('nodes', 'node-1', 'spec.podCIDRs', ['203.0.113.0/24']),
    object: 'node/node-1',
    reason: /203\.0\.113\.0\/24/,
    remedy: /kubectl edit mesh/,
  },
  {
    code: 'networks-of-pods',
    title: 'a pod has a public address',
    plant: (world) => world.set('Pod', 'outsider', 'status.podIPs', [{ ip: '203.0.113.7' }]),
    object: 'pod/outsider in shop',
    reason: /203\.0\.113\.7/,
    remedy: /kubectl edit mesh/,
  },
  {
    code: 'networks-of-services',
    title: 'Services have public addresses',
    plant: (world) => world.set('Service', 'web', 'spec.clusterIPs', ['203.0.113.8']),
    object: 'service/web in shop',
    reason: /203\.0\.113\.8/,
    remedy: /kubectl edit mesh/,
  },
];

const IDENTITY: Fault[] = [
  {
    code: 'issuer-missing',
    title: 'somebody has deleted the Secret',
    plant: (world) => world.remove('secrets', ISSUER_SECRET),
    object: ISSUER,
    reason: /does not exist/,
    remedy: /rollout restart deployment weft-operator/,
  },
  {
    code: 'issuer-missing',
    title: "the Mesh names somebody else's Secret, which is not there",
    plant: (world) =>
      world.set(MESH, 'default', 'spec.identity', {
        issuer: { type: 'Secret', secretName: 'linkerd-identity-issuer' },
      }),
    object: `secret/linkerd-identity-issuer in ${SYSTEM}`,
    reason: /does not exist/,
    remedy: /describe secret linkerd-identity-issuer/,
  },
  {
    code: 'issuer-unreadable',
    title: 'the certificate is none',
    plant: (world) =>
      world.set(
        'secrets',
        ISSUER_SECRET,
        ['data', 'tls.crt'],
        base64('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'),
      ),
    object: ISSUER,
    reason: /cannot be read/,
    remedy: /rollout restart/,
  },
  {
    code: 'issuer-algorithm',
    title: 'an issuer on another curve',
    plant: (world) => {
      const authority = p384Authority();
      issuer(world, authority, authority);
    },
    object: ISSUER,
    reason: /not ECDSA P-256/,
    remedy: /rollout restart/,
    // Proxies were made to trust another one.
    also: ['proxy-trust'],
  },
  {
    code: 'issuer-no-authority',
    title: 'the certificate of a server in the place of the issuer',
    plant: (world) => {
      const { certificate } = createLeaf(
        { anchor: TRUST.anchor, issuer: TRUST.anchor, anchorsPem: '' },
        'web.example',
        'none',
        NOW_MS,
      );
      issuer(world, certificate, TRUST.anchor.certificate);
    },
    object: ISSUER,
    reason: /no authority/,
    remedy: /rollout restart/,
  },
  {
    code: 'issuer-expired',
    title: 'nobody has renewed the issuer',
    plant: (world) => {
      const ended = createIssuer(TRUST.anchor, 'issuer', DAY_MS, NOW_MS - 2 * DAY_MS);
      issuer(world, ended.certificate, TRUST.anchor.certificate);
    },
    object: ISSUER,
    reason: /has expired at 2026-05-31T12:00:00Z/,
    remedy: /rollout restart/,
  },
  {
    code: 'issuer-expired',
    title: 'an issuer of the future',
    plant: (world) => {
      const early = createIssuer(TRUST.anchor, 'issuer', DAY_MS, NOW_MS + 2 * DAY_MS);
      issuer(world, early.certificate, TRUST.anchor.certificate);
    },
    object: ISSUER,
    reason: /not valid before/,
    remedy: /rollout restart/,
  },
  {
    code: 'anchor-missing',
    title: 'a Secret without ca.crt',
    plant: (world) => world.set('secrets', ISSUER_SECRET, ['data', 'ca.crt'], undefined),
    object: ISSUER,
    reason: /no trust anchor/,
    remedy: /rollout restart/,
  },
  {
    code: 'anchor-expired',
    title: 'the trust anchor has ended',
    plant: (world) => {
      const ended = trust(NOW_MS - 400 * DAY_MS, 365 * DAY_MS, 365 * DAY_MS);
      issuer(world, ended.issuer.certificate, ended.anchor.certificate);
    },
    object: ISSUER,
    reason: /trust anchor, its certificate has expired/,
    remedy: /rollout restart/,
    // No issuer lives longer than its anchor, and proxies were made to trust another one.
    also: ['issuer-expired', 'proxy-trust'],
  },
  {
    code: 'issuer-untrusted',
    title: 'the issuer was made by another anchor',
    plant: (world) => issuer(world, trust(NOW_MS - DAY_MS).issuer.certificate, TRUST.anchor.certificate),
    object: ISSUER,
    reason: /not signed by its trust anchor/,
    remedy: /rollout restart/,
  },
  {
    code: 'anchor-missing',
    title: 'the ConfigMap of others has nothing under the key',
    plant: (world) => ofOthers(world, TRUST.anchor.certificate).set('anchors', BUNDLE, 'data', { other: 'x' }),
    object: `configmap/${BUNDLE} in ${SYSTEM}`,
    reason: /no certificate under ca-bundle.crt/,
    remedy: /describe configmap linkerd-identity-trust-roots/,
  },
  {
    code: 'anchor-missing',
    title: 'the ConfigMap of others is not there',
    plant: (world) => ofOthers(world, TRUST.anchor.certificate).remove('anchors', BUNDLE),
    object: `configmap/${BUNDLE} in ${SYSTEM}`,
    reason: /does not exist/,
    remedy: /describe configmap linkerd-identity-trust-roots/,
  },
  {
    code: 'anchor-expired',
    title: 'all anchors in the ConfigMap of others have ended',
    plant: (world) => ofOthers(world, trust(NOW_MS - 400 * DAY_MS, 365 * DAY_MS, 365 * DAY_MS).anchor.certificate),
    object: `configmap/${BUNDLE} in ${SYSTEM}`,
    reason: /trust anchor, its certificate has expired/,
    remedy: /describe configmap linkerd-identity-trust-roots/,
    also: ['issuer-untrusted'],
  },
  {
    code: 'issuer-untrusted',
    title: 'the issuer of others has changed before their Bundle has',
    plant: (world) => ofOthers(world, trust(NOW_MS - DAY_MS).anchor.certificate),
    object: `secret/linkerd-identity-issuer in ${SYSTEM}`,
    reason: /not signed by an anchor of ConfigMap linkerd-identity-trust-roots/,
    remedy: /describe secret linkerd-identity-issuer/,
  },
  {
    code: 'certificates-unusable',
    title: 'the operator says so',
    plant: (world) =>
      certificates(world, 'False', 'SecretUnusable', 'linkerd-identity-issuer has no key in tls.key or key.pem'),
    object: 'mesh/default',
    reason: /has no key/,
    remedy: /describe mesh/,
  },
  {
    code: 'certificates-not-renewed',
    title: 'a renewal fails',
    plant: (world) => certificates(world, 'True', 'RenewalFailed', 'weft-identity-issuer: forbidden'),
    object: 'mesh/default',
    reason: /forbidden/,
    remedy: /describe mesh/,
  },
  {
    code: 'certificates-expire-soon',
    title: 'an anchor of somebody else ends in a week',
    plant: (world) =>
      certificates(world, 'True', 'ExpiresSoon', 'the anchor in Secret corporate ends at 2026-06-08T00:00:00Z'),
    object: 'mesh/default',
    reason: /ends at 2026-06-08/,
    remedy: /describe mesh/,
  },
  {
    code: 'rotation-waits',
    title: 'a pod is away while an anchor is replaced',
    plant: (world) =>
      world.set(MESH, 'default', 'status.rotation', {
        phase: 'Renewing',
        since: new Date(NOW_MS - 20 * 60_000).toISOString(),
        proxies: '6/7',
        message: 'proxies of 1 pods are not connected: shop/away; goes on without them at 2026-06-02T00:00:00Z',
      }),
    object: 'mesh/default',
    reason: /has been Renewing for 20 minutes; 6\/7; proxies of 1 pods are not connected: shop\/away/,
    remedy: /describe mesh/,
  },
];

function certificates(world: World, status: string, reason: string, message: string): void {
  const conditions = [{ type: 'CertificatesValid', status, reason, message, observedGeneration: 1 }];
  world.set(MESH, 'default', 'status.conditions', conditions);
}

/** An issuer that others keep, with anchors in a ConfigMap, as cert-manager and trust-manager do. */
function ofOthers(world: World, ...anchors: X509Certificate[]): World {
  world.set(MESH, 'default', 'spec.identity', { issuer: { type: 'Secret' }, trustAnchors: { configMap: {} } });
  world.add('secrets', secret('linkerd-identity-issuer', TRUST.issuer));
  return world.add('anchors', {
    metadata: { name: BUNDLE, namespace: SYSTEM },
    data: { 'ca-bundle.crt': toPem(anchors) },
  });
}

function issuer(world: World, certificate: X509Certificate, anchor: X509Certificate): void {
  world.set('secrets', ISSUER_SECRET, ['data', 'tls.crt'], base64(toPem([certificate])));
  world.set('secrets', ISSUER_SECRET, ['data', 'ca.crt'], base64(toPem([anchor])));
}

/** On a curve that nothing else here signs with. */
function p384Authority(): X509Certificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const name = commonName('p384.test');
  const validity = { notBeforeMs: NOW_MS - DAY_MS, notAfterMs: NOW_MS + DAY_MS };
  const extensions = [basicConstraints(true), keyUsage('keyCertSign')];
  return signCertificate(
    { serial: randomSerial(), issuer: name, subject: name, publicKey, ...validity, extensions },
    privateKey,
  );
}

const REST: Fault[] = [
  {
    code: 'network-policy-operator',
    title: 'the namespace of the control plane denies what nobody has allowed',
    plant: (world) =>
      world.add('networkPolicies', {
        metadata: { name: 'metrics-only', namespace: SYSTEM },
        spec: { podSelector: {}, policyTypes: ['Ingress'], ingress: [{ ports: [{ port: 9990, protocol: 'TCP' }] }] },
      }),
    object: `networkpolicy/metrics-only in ${SYSTEM}`,
    reason: /port 8443, 8086, 8080/,
    remedy: /edit networkpolicy metrics-only/,
  },
  {
    code: 'version-skew',
    title: 'a newer command',
    plant: (world) => {
      world.cliVersion = '9.0.0';
    },
    object: `deployment/weft-operator in ${SYSTEM}`,
    reason: /this command of 9\.0\.0/,
    remedy: /weft upgrade --diff/,
  },
  {
    code: 'ha-replicas',
    title: 'installed with --ha, and scaled down since',
    plant: (world) =>
      put(
        own(world, 'Deployment', 'weft-operator') as Record<string, unknown>,
        ['metadata', 'annotations', 'weft.dev/install-values'],
        '{"ha":"true"}',
      ),
    object: `deployment/weft-operator in ${SYSTEM}`,
    reason: /has 1 replica/,
    remedy: /weft upgrade --apply --ha/,
  },
  {
    code: 'ha-nodes',
    title: 'both replicas on one of two nodes',
    plant: (world) => {
      const second = structuredClone(world.get('Pod', 'weft-operator-0'));
      put(second, ['metadata', 'name'], 'weft-operator-1');
      world.add('Pod', second);
      world.add('nodes', {
        metadata: { name: 'node-2' },
        status: { nodeInfo: {}, conditions: [{ type: 'Ready', status: 'True' }] },
      });
    },
    object: `deployment/weft-operator in ${SYSTEM}`,
    reason: /2 replicas are all on node node-1/,
    remedy: /delete pod weft-operator-0/,
  },
  {
    code: 'api-service-unavailable',
    title: 'nobody serves live numbers',
    plant: (world) =>
      world.add('apiServices', {
        metadata: { name: 'v1alpha1.viz.weft.dev', labels: { 'app.kubernetes.io/part-of': 'weft' } },
        status: {
          conditions: [
            {
              type: 'Available',
              status: 'False',
              reason: 'MissingEndpoints',
              message: 'endpoints for service/weft-viz have no addresses',
            },
          ],
        },
      }),
    object: 'apiservice/v1alpha1.viz.weft.dev',
    reason: /have no addresses/,
    remedy: /get pods,endpointslices/,
  },
];

const BEFORE: Fault[] = [
  {
    code: 'already-installed',
    scope: 'pre',
    title: 'it is there',
    plant: (world) =>
      world.add('controlPlane', {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'weft-operator', namespace: SYSTEM },
      }),
    object: `deployment/weft-operator in ${SYSTEM}`,
    reason: /there already/,
    remedy: /weft upgrade --diff/,
  },
  {
    code: 'namespace-ending',
    scope: 'pre',
    title: 'an uninstallation is under way',
    plant: (world) => world.add('Namespace', { metadata: { name: SYSTEM, deletionTimestamp: '2026-06-01T11:00:00Z' } }),
    object: `namespace/${SYSTEM}`,
    reason: /being deleted/,
    remedy: /get namespace weft-system/,
  },
  {
    code: 'may-not-install',
    scope: 'pre',
    title: 'somebody who is no administrator',
    plant: (world) =>
      world.add(
        'rights',
        { verb: 'create', group: 'rbac.authorization.k8s.io', resource: 'clusterroles', namespace: '', allowed: false },
        { verb: 'create', group: '', resource: 'services', namespace: SYSTEM, allowed: true },
      ),
    object: 'clusterroles.rbac.authorization.k8s.io/*',
    reason: /may not create/,
    remedy: /auth can-i create clusterroles/,
  },
  {
    code: 'definition-of-others',
    scope: 'pre',
    title: 'a definition of an old Linkerd',
    plant: (world) =>
      world.add('definitions', {
        metadata: { name: 'servers.policy.linkerd.io' },
        spec: { versions: [{ name: 'v1beta1', served: true, storage: true }] },
      }),
    object: 'customresourcedefinition/servers.policy.linkerd.io',
    reason: /not served as v1beta3/,
    remedy: /--upgrade-crds/,
  },
];

/** Settings, certificates, versions, and what is before an installation. */
export const OF_INSTALLATION: readonly Fault[] = [...SETTINGS, ...IDENTITY, ...REST, ...BEFORE];
