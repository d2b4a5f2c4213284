import { sign, X509Certificate } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { PooledKubeConfig } from '../../../operator/kube/kubeconfig.ts';
import { RestClient } from '../../../operator/kube/rest.ts';
import { NamespacedSecrets } from '../../../operator/kube/secrets.ts';
import { tokenReviewer } from '../../../operator/kube/token-review.ts';
import { generateKeyPair } from '../../../operator/pki/certificate.ts';
import { NO_ROTATION } from '../../../operator/pki/rotation-record.ts';
import { ANCHOR_SECRET, ISSUER_SECRET } from '../../../operator/pki/secrets.ts';
import { type AuditEntry, DEFAULT_LIMITS, Signing } from '../../../operator/pki/signing.ts';
import { Trust, type TrustSettings } from '../../../operator/pki/trust.ts';
import { systemClock } from '../../../operator/runtime/clock.ts';
import { writeCsr } from '../../../proxy-image/contract/der.ts';
import type { IdentityAnswer } from '../../../proxy-image/contract/identity-messages.ts';
import { API_SERVER_START_MS, sharedApiServer } from '../../support/apiserver-shared.ts';
import { eventually } from '../../support/eventually.ts';
import { RawApi } from '../crds/raw-api.ts';

const NAMESPACE = 'pki-test';
const DAY_MS = 86_400_000;
const SETTINGS: TrustSettings = {
  suffix: 'linkerd.cluster.local',
  issuer: { type: 'Managed' },
  anchorLifetimeMs: 30 * DAY_MS,
  issuerLifetimeMs: 7 * DAY_MS,
  certificateLifetimeMs: DAY_MS,
  trustAnchors: null,
  rotation: NO_ROTATION,
};

describe('identity on a real API server', function () {
  this.timeout(60_000);
  let api: RawApi;
  let config: PooledKubeConfig;
  let rest: RestClient;
  let signing: Signing;
  const audit: AuditEntry[] = [];

  before(async function () {
    this.timeout(API_SERVER_START_MS);
    const server = await sharedApiServer();
    api = new RawApi(server);
    config = new PooledKubeConfig();
    config.loadFromString(server.kubeconfig);
    rest = new RestClient(config);
    await api.createNamespace(NAMESPACE);
    for (const name of ['web', 'cart']) {
      await api.send('POST', `/api/v1/namespaces/${NAMESPACE}/serviceaccounts`, { metadata: { name } });
      await createPod(name, name);
    }
    const trust = new Trust(secrets(), systemClock);
    await trust.refresh(SETTINGS, true);
    signing = new Signing({
      trust: () => trust.current,
      settings: () => ({ suffix: SETTINGS.suffix, lifetimeMs: DAY_MS, requirePod: true }),
      tokens: tokenReviewer(rest, systemClock),
      audit: (entry) => audit.push(entry),
      clock: systemClock,
      random: () => 0.5,
      limits: DEFAULT_LIMITS,
    });
  });

  after(async () => {
    await api.send('DELETE', `/api/v1/namespaces/${NAMESPACE}`);
    await config.close();
    api.close();
  });

  function secrets(): NamespacedSecrets {
    return new NamespacedSecrets(rest, NAMESPACE, {}, systemClock);
  }

  async function createPod(name: string, serviceAccountName: string): Promise<void> {
    await eventually(`pod ${name}`, async () => {
      const spec = { serviceAccountName, containers: [{ name: 'app', image: 'example/app' }] };
      const path = `/api/v1/namespaces/${NAMESPACE}/pods`;
      return (await api.send('POST', path, { metadata: { name }, spec })).status === 201;
    });
  }

  /** As the kubelet requests it for a projected volume. */
  async function tokenOf(account: string, changes: { audience?: string; pod?: string | null } = {}): Promise<string> {
    const { audience = 'identity.l5d.io', pod = account } = changes;
    const boundObjectRef = pod === null ? undefined : { apiVersion: 'v1', kind: 'Pod', name: pod };
    const path = `/api/v1/namespaces/${NAMESPACE}/serviceaccounts/${account}/token`;
    const { status, body } = await api.send('POST', path, { spec: { audiences: [audience], boundObjectRef } });
    expect(status, JSON.stringify(body)).to.equal(201);
    return (body['status'] as { token: string }).token;
  }

  async function certify(token: string): Promise<IdentityAnswer> {
    const keys = generateKeyPair();
    const point = keys.publicKey.export({ type: 'spki', format: 'der' }).subarray(-65);
    const csr = await writeCsr('whoever.i.like', point, (info) =>
      sign('sha256', info, { key: keys.privateKey, dsaEncoding: 'ieee-p1363' }),
    );
    return signing.certify({ type: 'certify', token, csr: Buffer.from(csr).toString('base64') }, '10.0.0.1');
  }

  it('a projected token of a pod gets the certificate of its ServiceAccount', async () => {
    const answer = await certify(await tokenOf('web'));
    if (answer.type === 'error') throw new Error(answer.message);
    const identity = `web.${NAMESPACE}.serviceaccount.identity.linkerd.cluster.local`;
    expect(new X509Certificate(answer.certificateChainPem).subjectAltName).to.equal(`DNS:${identity}`);
    expect(audit.at(-1)).to.include({ outcome: 'issued', pod: 'web', namespace: NAMESPACE, identity });
    expect(audit.at(-1)?.podUid).to.match(/^[0-9a-f-]{36}$/);
    expect(audit.at(-1)?.foreignNames).to.contain('whoever.i.like');
  });

  it('C10: a token for the API server itself, of no pod, forged, or of another issuer gets nothing', async () => {
    const good = await tokenOf('web');
    const [head = '', body = '', signature = ''] = good.split('.');
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString());
    claims.sub = `system:serviceaccount:${NAMESPACE}:cart`;
    const forged = [head, Buffer.from(JSON.stringify(claims)).toString('base64url'), signature].join('.');
    for (const token of [
      await tokenOf('web', { audience: 'https://kubernetes.default.svc.cluster.local' }),
      await tokenOf('web', { pod: null }),
      forged,
      `${head}.${body}.`,
      'no.token.atall',
    ]) {
      const answer = await certify(token);
      expect(answer).to.include({ type: 'error', code: 'WEFT_SIGNING_TOKEN' });
      expect(audit.at(-1)).to.include({ outcome: 'WEFT_SIGNING_TOKEN', serialNumber: '' });
      expect(JSON.stringify(audit.at(-1))).not.to.contain(signature.slice(0, 20));
    }
  });

  it('C10: the token of a pod that was deleted gets nothing', async () => {
    await createPod('short', 'cart');
    const [reviewed, fresh] = [await tokenOf('cart', { pod: 'short' }), await tokenOf('cart', { pod: 'short' })];
    expect(fresh).not.to.equal(reviewed);
    expect((await certify(reviewed)).type).to.equal('certificate');
    await api.send('DELETE', `/api/v1/namespaces/${NAMESPACE}/pods/short?gracePeriodSeconds=0`);
    const refusalOf = (token: string) =>
      eventually(
        'refusal',
        async () => {
          await sleep(250);
          const next = await certify(token);
          return next.type === 'error' && next.code === 'WEFT_SIGNING_TOKEN' ? next : null;
        },
        30_000,
      );
    // What the API server has said of a token, it remembers for ten seconds (`--authentication-token-webhook-cache-ttl` and its own cache).
    const answers = await Promise.all([refusalOf(fresh), refusalOf(reviewed)]);
    expect(answers.map(({ retryAfterMs }) => retryAfterMs)).to.deep.equal([null, null]);
  });

  it('anchor and issuer are Secrets of type kubernetes.io/tls without an owner, made once by any number of replicas', async () => {
    const before = await api.send('GET', `/api/v1/namespaces/${NAMESPACE}/secrets/${ANCHOR_SECRET}`);
    expect(before.body['type']).to.equal('kubernetes.io/tls');
    expect(before.body['metadata']).not.to.have.property('ownerReferences');
    const replicas = Array.from({ length: 3 }, () => new Trust(secrets(), systemClock));
    await api.send('DELETE', `/api/v1/namespaces/${NAMESPACE}/secrets/${ISSUER_SECRET}`);
    await Promise.all(replicas.map((replica) => replica.refresh(SETTINGS, true)));
    const serials = replicas.map((replica) => replica.current?.issuer.certificate.serialNumber);
    expect(new Set(serials).size).to.equal(1);
    const after = await api.send('GET', `/api/v1/namespaces/${NAMESPACE}/secrets/${ANCHOR_SECRET}`);
    expect((after.body['metadata'] as { resourceVersion: string }).resourceVersion).to.equal(
      (before.body['metadata'] as { resourceVersion: string }).resourceVersion,
    );
  });
});
