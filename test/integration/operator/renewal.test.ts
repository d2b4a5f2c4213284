import { once } from 'node:events';
import tls from 'node:tls';
import { expect } from 'chai';
import { startApiServer, type TestApiServer } from '../../../hack/apiserver/server.ts';
import { PooledKubeConfig } from '../../../operator/kube/kubeconfig.ts';
import { RestClient } from '../../../operator/kube/rest.ts';
import { NamespacedSecrets } from '../../../operator/kube/secrets.ts';
import { type Authority, createAnchor, createIssuer } from '../../../operator/pki/authority.ts';
import { fromPem, toPem } from '../../../operator/pki/certificate.ts';
import {
  ANCHOR_SECRET,
  ISSUER_SECRET,
  isSignedBy,
  toSecret,
  WEBHOOK_AUTHORITY_SECRET,
} from '../../../operator/pki/secrets.ts';
import { systemClock } from '../../../operator/runtime/clock.ts';
import { IDENTITY_ALPN } from '../../../proxy-image/contract/identity-messages.ts';
import { API_SERVER_START_MS } from '../../support/apiserver-shared.ts';
import { eventually } from '../../support/eventually.ts';
import { Cluster, kubeconfigText, Plane } from './plane.ts';

const DAY_MS = 86_400_000;
const YEAR_MS = 365 * DAY_MS;
const NAMESPACE = 'weft-system';
const WATCHED_MS = 8_000;
/** As an installation of before has them. */
const LABELS = { 'app.kubernetes.io/managed-by': 'weft-operator', 'app.kubernetes.io/part-of': 'weft' };

describe('certificate authorities that are due, at a real API server', function () {
  this.timeout(60_000);
  let api: TestApiServer;
  let cluster: Cluster;
  let plane: Plane;
  let secrets: NamespacedSecrets;

  before(async function () {
    this.timeout(API_SERVER_START_MS);
    api = await startApiServer();
    cluster = new Cluster(api);
    secrets = new NamespacedSecrets(new RestClient(cluster.config), NAMESPACE, LABELS, systemClock);
    await cluster.apply('namespaces', '', NAMESPACE, {});
    await cluster.installDefinitions();
    const nowMs = Date.now();
    const anchor = createAnchor('root.linkerd.cluster.local', 10 * YEAR_MS, nowMs - 7.1 * YEAR_MS);
    const issuer = createIssuer(anchor, 'identity.linkerd.cluster.local', YEAR_MS, nowMs - 320 * DAY_MS);
    const webhook = createAnchor('webhooks.weft.dev', 10 * YEAR_MS, nowMs - 7.1 * YEAR_MS);
    await secrets.create(ANCHOR_SECRET, toSecret(anchor));
    await secrets.create(ISSUER_SECRET, toSecret(issuer));
    await secrets.create(WEBHOOK_AUTHORITY_SECRET, toSecret(webhook));
    // As a backup tool might mark it.
    await cluster.applyRaw({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: ANCHOR_SECRET, namespace: NAMESPACE, labels: { backup: 'daily' } },
      data: { note: Buffer.from('ours').toString('base64') },
      type: 'kubernetes.io/tls',
    } as unknown as Parameters<Cluster['applyRaw']>[0]);
    const kubeConfig = new PooledKubeConfig();
    kubeConfig.loadFromString(kubeconfigText(api, await cluster.installWithRights()));
    plane = new Plane(api, 'op-0', { kubeConfig, flags: ['--definitions-dir', ''] });
  });

  after(async () => {
    await plane?.stop();
    await cluster?.close();
    await api?.stop();
  });

  const certificatesOf = async (secret: string, key: string) =>
    fromPem(Buffer.from((await secrets.get(secret))!.data[key]!).toString());
  const eventsOf = async (kind: string) =>
    (await cluster.list('events', 'default')).items
      .filter(({ regarding }) => (regarding as { kind: string }).kind === kind)
      .map(({ reason }) => String(reason));

  it('are replaced with the rights of the ServiceAccount; what people added to the Secrets stays', async () => {
    const [old] = await certificatesOf(ANCHOR_SECRET, 'tls.crt');
    await plane.start();
    await plane.ready(20_000);
    const [next, trusted] = await eventually('two anchors', async () => {
      const anchors = await certificatesOf(ANCHOR_SECRET, 'ca.crt');
      return anchors.length === 2 ? anchors : null;
    });
    expect(trusted!.fingerprint256).to.equal(old!.fingerprint256);
    await eventually('an issuer below the new anchor', async () =>
      isSignedBy((await certificatesOf(ISSUER_SECRET, 'tls.crt'))[0]!, next!),
    );
    expect(await certificatesOf(WEBHOOK_AUTHORITY_SECRET, 'ca.crt')).to.have.length(2);
    const marked = new NamespacedSecrets(new RestClient(cluster.config), NAMESPACE, { backup: 'daily' }, systemClock);
    for (const reader of [secrets, marked]) expect((await reader.get(ANCHOR_SECRET))!.isLabelled).to.equal(true);
    expect(Object.keys((await secrets.get(ANCHOR_SECRET))!.data)).to.include('note');
  });

  it('are seen: Events on the Namespace while there is no Mesh, metrics, and both CAs in the webhook configurations', async () => {
    const wanted = ['AnchorRenewed', 'IssuerRenewed', 'WebhookAuthorityRenewed'];
    await eventually('the Events', async () => {
      const seen = await eventsOf('Namespace');
      return wanted.every((reason) => seen.includes(reason));
    });
    for (const name of ['anchor', 'issuer', 'webhook-ca']) {
      expect(await plane.metric(`weft_certificate_renewals_total{certificate="${name}"}`), name).to.equal(1);
      const endMs = (await plane.metric(`weft_certificate_expiry_timestamp_seconds{certificate="${name}"}`)) * 1000;
      expect(endMs, name).to.be.greaterThan(Date.now() + 0.9 * YEAR_MS);
    }
    expect(await plane.metric('issuer_cert_ttl_seconds')).to.be.within((0.9 * YEAR_MS) / 1000, YEAR_MS / 1000);
    await eventually('both CAs', async () => {
      const found = await cluster.get('mutatingwebhookconfigurations', '', 'weft-injector').catch(() => null);
      const webhooks = (found?.['webhooks'] ?? []) as { clientConfig: { caBundle: string } }[];
      const bundle = Buffer.from(webhooks[0]?.clientConfig.caBundle ?? '', 'base64').toString();
      return fromPem(bundle).length === 2;
    });
  });

  it('are told of by the status of the Mesh, and what others keep by an Event on it', async () => {
    await cluster.apply('meshes', '', 'default', { spec: {} });
    await cluster.condition('meshes', '', 'default', 'CertificatesValid', 'True');
    const { status } = await cluster.get('meshes', '', 'default');
    expect(status).to.include({ trustedAnchors: 2 });
    expect(status).to.include.keys('anchorExpiry', 'issuerExpiry', 'anchorRenewal', 'issuerRenewal');
    const anchor = createAnchor('root.of.others', YEAR_MS, Date.now());
    const issuer = createIssuer(anchor, 'identity.of.others', 20 * DAY_MS, Date.now() - 19 * DAY_MS);
    await secrets.create('linkerd-identity-issuer', toSecret(issuer));
    await cluster.apply('meshes', '', 'default', { spec: { identity: { issuer: { type: 'Secret' } } } });
    const soon = await eventually(
      'ExpiresSoon',
      async () => {
        const { status: seen } = await cluster.get('meshes', '', 'default');
        return seen?.conditions?.find(({ reason }) => reason === 'ExpiresSoon') ?? null;
      },
      20_000,
    );
    expect(soon.message).to.contain('linkerd-identity-issuer').and.contain('does not renew it');
    await eventually('the Event', async () => (await eventsOf('Mesh')).includes('IssuerExpiresSoon'), 20_000);
    expect((await certificatesOf('linkerd-identity-issuer', 'tls.crt'))[0]!.serialNumber).to.equal(
      issuer.certificate.serialNumber,
    );
  });

  it('of others, and their anchors in a ConfigMap, are read when they change', async () => {
    const anchors = [1, 2].map((years) => createAnchor('root.of.others', years * YEAR_MS, Date.now()));
    const bundle = (count: number) =>
      cluster.applyRaw({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'linkerd-identity-trust-roots', namespace: NAMESPACE },
        data: { 'ca-bundle.crt': toPem(anchors.slice(0, count).map(({ certificate }) => certificate)) },
      } as unknown as Parameters<Cluster['applyRaw']>[0]);
    const issued = (lifetimeMs: number) => createIssuer(anchors[0]!, 'identity.of.others', lifetimeMs, Date.now());
    const isInForce = async (name: string, { certificate }: Authority) =>
      (await plane.metric(`weft_certificate_expiry_timestamp_seconds{certificate="${name}"}`)) * 1000 ===
      certificate.validToDate.getTime();
    const keeps = async (authority: Authority) => {
      const { resourceVersion } = (await secrets.get('linkerd-identity-issuer'))!;
      await secrets.replace('linkerd-identity-issuer', toSecret(authority), resourceVersion);
    };
    const first = issued(50 * DAY_MS);
    await keeps(first);
    await bundle(1);
    const identity = { issuer: { type: 'Secret' }, trustAnchors: { configMap: {} } };
    await cluster.apply('meshes', '', 'default', { spec: { identity } });
    await eventually('the first is in force', () => isInForce('issuer', first), 20_000);
    // What is only read now and then would be seen after 15 s at the earliest.
    const second = issued(60 * DAY_MS);
    await keeps(second);
    await eventually('the second is in force', () => isInForce('issuer', second), WATCHED_MS);
    await bundle(2);
    await eventually('the second anchor too', () => isInForce('anchor', anchors[1]!), WATCHED_MS);
  });

  it('sign for another suffix at once, while pods of before still find the operator under its name of then', async () => {
    await cluster.apply('meshes', '', 'default', { spec: { identity: { suffix: 'mesh.test' } } });
    await cluster.apply('pods', NAMESPACE, 'app', { spec: { containers: [{ name: 'app', image: 'app' }] } });
    await cluster.condition('meshes', '', 'default', 'CertificatesValid', 'True');
    for (const injectedSuffix of ['linkerd.cluster.local', 'mesh.test']) {
      const proxy = await eventually(
        `the operator as of ${injectedSuffix}`,
        () => plane.proxy(NAMESPACE, 'app', 'default', 'mesh.test', injectedSuffix).catch(() => null),
        20_000,
      );
      await proxy.until(() => proxy.held.has(`workload/${NAMESPACE}/app`), 'its own workload');
      proxy.close();
      expect(await nameOf(plane.operator.ports.get('certificate signing')!, injectedSuffix)).to.equal(
        `DNS:weft-operator.weft-system.serviceaccount.identity.${injectedSuffix}`,
      );
    }
    expect(await nameOf(plane.operator.ports.get('certificate signing')!, 'not a domain')).to.contain('mesh.test');
  });
});

/** Name that the operator proves to who asks for the name with this suffix. */
async function nameOf(port: number, suffix: string): Promise<string | undefined> {
  const servername = `weft-operator.weft-system.serviceaccount.identity.${suffix}`;
  const alpn = [IDENTITY_ALPN];
  const socket = tls.connect({ port, host: '127.0.0.1', servername, ALPNProtocols: alpn, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const name = socket.getPeerCertificate().subjectaltname;
  socket.destroy();
  return name;
}
