import { execFile } from 'node:child_process';
import { sign } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';
import { expect } from 'chai';
import { installation } from '../../../cli/install/objects.ts';
import { PARTS } from '../../../cli/install/parts.ts';
import { SOURCES } from '../../../cli/install/sources.ts';
import { startApiServer, type TestApiServer } from '../../../hack/apiserver/server.ts';
import { PooledKubeConfig } from '../../../operator/kube/kubeconfig.ts';
import { RestClient } from '../../../operator/kube/rest.ts';
import { NamespacedSecrets } from '../../../operator/kube/secrets.ts';
import { createAnchor, createIssuer } from '../../../operator/pki/authority.ts';
import { generateKeyPair } from '../../../operator/pki/certificate.ts';
import {
  ANCHOR_SECRET,
  CONTROL_SECRET,
  ISSUER_SECRET,
  PUBLISHED_SECRET,
  ROTATION_SECRET,
  toSecret,
  WEBHOOK_AUTHORITY_SECRET,
} from '../../../operator/pki/secrets.ts';
import { systemClock } from '../../../operator/runtime/clock.ts';
import { writeCsr } from '../../../proxy-image/contract/der.ts';
import { encodeFrame } from '../../../proxy-image/contract/framing.ts';
import { IDENTITY_ALPN } from '../../../proxy-image/contract/identity-messages.ts';
import { VIZ_HOST } from '../../support/aggregated-api.ts';
import { API_SERVER_START_MS } from '../../support/apiserver-shared.ts';
import { eventually } from '../../support/eventually.ts';
import { installGatewayApi } from '../../support/gateway-api.ts';
import { AuditLog, grantedTo, unused } from './audit.ts';
import { Cluster, kubeconfigText, Plane, type SeenObject } from './plane.ts';
import { OBJECTS } from './rights-objects.ts';

const SYSTEM = 'weft-system';
const SHOP = 'shop';
const SPLIT = { 'operator.split': 'true' } as const;
const DAY_MS = 86_400_000;
const YEAR_MS = 365 * DAY_MS;
const LABELS = { 'app.kubernetes.io/managed-by': 'weft-operator', 'app.kubernetes.io/part-of': 'weft' };
/** Who makes the authorities, and who signs. */
const SIGNERS = ['weft-operator', 'weft-identity'];
/** As `CHANGE_MS` of the events of injection, and a little. */
const NEWS_MS = 11_000;
const PATIENCE_MS = 30_000;

/** A control plane whose roles are processes of their own lives its ordinary life; then what each has asked for is held against its rights. */
describe('rights of the roles of the operator', function () {
  this.timeout(150_000);
  const directory = mkdtempSync(join(tmpdir(), 'weft-audit-'));
  const audit = new AuditLog(directory);
  const planes = new Map<string, Plane>();
  let api: TestApiServer;
  let cluster: Cluster;
  let secrets: NamespacedSecrets;
  let toldAgain: Promise<void> = Promise.resolve();

  before(async function () {
    this.timeout(API_SERVER_START_MS);
    api = await startApiServer({ apiServerArguments: audit.apiServerArguments });
    cluster = new Cluster(api);
    secrets = new NamespacedSecrets(new RestClient(cluster.config), SYSTEM, LABELS, systemClock);
    for (const name of [SYSTEM, SHOP]) await cluster.apply('namespaces', '', name, {});
    await Promise.all([cluster.installDefinitions(), installGatewayApi(api)]);
    await agedAuthorities();
    await vizEndpoints('op-config');
    for (const { name, roles } of PARTS) {
      const kubeConfig = new PooledKubeConfig();
      kubeConfig.loadFromString(kubeconfigText(api, await cluster.installWithRights(SPLIT, name)));
      const flags = ['--definitions-dir', '', '--roles', roles.join()];
      planes.set(name, await new Plane(api, `op-${name}`, { kubeConfig, flags }).start());
    }
    for (const plane of planes.values()) await plane.ready(PATIENCE_MS);
    // It takes its time, and nothing else waits for it.
    toldAgain = tellAgain();
    toldAgain.catch(() => undefined);
  });

  after(async () => {
    for (const plane of planes.values()) await plane.stop();
    await cluster?.close();
    await api?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  /** Due for renewal, so that each is written. */
  async function agedAuthorities(): Promise<void> {
    const nowMs = Date.now();
    const anchor = createAnchor('root.linkerd.cluster.local', 10 * YEAR_MS, nowMs - 7.1 * YEAR_MS);
    const issuer = createIssuer(anchor, 'identity.linkerd.cluster.local', YEAR_MS, nowMs - 320 * DAY_MS);
    await secrets.create(ANCHOR_SECRET, toSecret(anchor));
    await secrets.create(ISSUER_SECRET, toSecret(issuer));
    await secrets.create(
      WEBHOOK_AUTHORITY_SECRET,
      toSecret(createAnchor('webhooks.weft.dev', 10 * YEAR_MS, nowMs - 7.1 * YEAR_MS)),
    );
    const other = createAnchor('root.of.others', YEAR_MS, nowMs);
    await secrets.create('linkerd-identity-issuer', toSecret(createIssuer(other, 'i.of.others', YEAR_MS, nowMs)));
  }

  async function vizEndpoints(...pods: string[]): Promise<void> {
    const ports = [{ name: 'viz', port: 443, targetPort: 'viz' }];
    await cluster.apply('services', SYSTEM, 'weft-viz', { spec: { ports } });
    await cluster.apply('endpointslices', SYSTEM, 'weft-viz-1', {
      metadata: { labels: { 'kubernetes.io/service-name': 'weft-viz' } },
      addressType: 'IPv4',
      ports: [{ name: 'viz', port: 8089, protocol: 'TCP' }],
      endpoints: pods.map((name) => ({
        addresses: ['10.9.0.1'],
        conditions: { ready: true },
        targetRef: { kind: 'Pod', name, namespace: SYSTEM },
      })),
    });
  }

  const asked = (account: string) => audit.read().filter((one) => one.account === account);
  const until = (account: string, right: string, name = '') =>
    eventually(
      `${account} asks for ${right} ${name}`,
      async () => asked(account).some((one) => one.right === right && (name === '' || one.name === name)),
      PATIENCE_MS,
    );

  function kubectl(args: readonly string[], input: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const argv = ['--kubeconfig', api.kubeconfigPath, ...args];
      const child = execFile(api.kubectlPath, argv, (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(new Error(stderr));
      });
      child.stdin?.end(input);
    });
  }

  /** What an API server asks the webhook about a new pod. */
  async function reviewed(namespace: string, owner: object | null, annotations: Record<string, string> = {}) {
    const ownerReferences = owner === null ? [] : [{ controller: true, uid: 'u', ...owner }];
    const all = { 'linkerd.io/inject': 'enabled', ...annotations };
    const object = {
      metadata: { name: 'web-1', namespace, annotations: all, ownerReferences },
      spec: { containers: [{ name: 'a', image: 'a' }] },
    };
    const kind = { group: '', version: 'v1', kind: 'Pod' };
    const review = { uid: 'r', operation: 'CREATE', kind, namespace, name: 'web-1', object };
    const body = JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request: review });
    const port = planes.get('weft-webhooks')!.operator.ports.get('webhooks');
    const sent = request({ host: '127.0.0.1', port, path: '/inject', method: 'POST', rejectUnauthorized: false });
    sent.setHeader('content-type', 'application/json').end(body);
    const [response] = (await once(sent, 'response')) as [NodeJS.ReadableStream & { statusCode: number }];
    response.resume();
    expect(response.statusCode).to.equal(200);
  }

  /** An owner hears something else, and then the same as at first: that Event counts up. */
  async function tellAgain(): Promise<void> {
    const owner = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'store' };
    for (const [at, version] of ['', 'stable-2.14.10', ''].entries()) {
      if (at > 0) await sleep(NEWS_MS);
      await reviewed(SHOP, owner, version === '' ? {} : { 'config.linkerd.io/proxy-version': version });
    }
  }

  it('one leads, and renews what is due, with Events', async () => {
    for (const name of [ANCHOR_SECRET, ISSUER_SECRET, WEBHOOK_AUTHORITY_SECRET]) {
      await until('weft-operator', ' secrets patch', name);
    }
    await until('weft-operator', 'events.k8s.io events create');
    for (const [plural, name] of [
      ['mutatingwebhookconfigurations', 'weft-injector'],
      ['validatingwebhookconfigurations', 'weft-validator'],
    ] as const) {
      await until('weft-operator', `admissionregistration.k8s.io ${plural} patch`, name);
    }
  });

  it('it makes what is missing, and takes an issuer of others where the Mesh says so', async () => {
    await cluster.remove(`/api/v1/namespaces/${SYSTEM}/secrets/${WEBHOOK_AUTHORITY_SECRET}`);
    // Every process that reads the Mesh looks at its Secrets when it changes.
    const mesh = (identity: object) => cluster.apply('meshes', '', 'default', { spec: { identity } });
    await mesh({ rotation: { leaf: '1' } });
    for (const name of [WEBHOOK_AUTHORITY_SECRET, ROTATION_SECRET]) {
      const path = `/api/v1/namespaces/${SYSTEM}/secrets/${name}`;
      await eventually(`Secret ${name}`, () => cluster.read(path).catch(() => null), PATIENCE_MS);
    }
    await until('weft-operator', ' secrets create');
    await mesh({ rotation: { leaf: '2' } });
    await until('weft-operator', ' secrets patch', ROTATION_SECRET);
    await mesh({ issuer: { type: 'Secret' }, trustAnchors: { configMap: {} } });
    for (const verb of ['get', 'list', 'watch']) {
      for (const name of SIGNERS) await until(name, ` secrets ${verb}`, 'linkerd-identity-issuer');
      await until('weft-operator', ` configmaps ${verb}`, 'linkerd-identity-trust-roots');
    }
  });

  it('it writes the status of every kind, and says again what was said before', async () => {
    const items = OBJECTS.map(([apiVersion, kind, name, spec]) => {
      return { apiVersion, kind, metadata: { name, namespace: SHOP }, spec };
    });
    await kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
    for (const value of ['many', '', 'many']) {
      const before = asked('weft-operator').length;
      const annotations = value === '' ? {} : { 'balancer.linkerd.io/failure-accrual': value };
      const spec = { ports: [{ port: 80 }] };
      await cluster.apply('services', SHOP, 'web', { metadata: { annotations }, spec });
      if (value !== '')
        await eventually(
          'an Event',
          async () =>
            asked('weft-operator')
              .slice(before)
              .some(({ right }) => /events (?:create|patch)$/.test(right)),
          PATIENCE_MS,
        );
      else await sleep(500);
    }
    await until('weft-operator', 'events.k8s.io events patch');
  });

  it('pods are injected: their namespace, its demands and their owners are asked for, and owners are told, also again', async () => {
    const webhooks = (right: string) => until('weft-webhooks', right);
    await reviewed('nowhere', null);
    await reviewed(SHOP, { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web' });
    await reviewed(SHOP, { apiVersion: 'batch/v1', kind: 'Job', name: 'night' });
    await Promise.all([
      webhooks(' namespaces get'),
      webhooks(' resourcequotas list'),
      webhooks('apps replicasets get'),
      webhooks('batch jobs get'),
    ]);
    await toldAgain;
    await webhooks('events.k8s.io events patch');
  });

  it('a proxy gets a certificate for its token', async () => {
    const account = `/api/v1/namespaces/${SHOP}/serviceaccounts`;
    await cluster.create(account, { metadata: { name: 'web' } });
    const { status } = await cluster.create<{ status: { token: string } }>(`${account}/web/token`, {
      spec: { audiences: ['identity.l5d.io'] },
    });
    const keys = generateKeyPair();
    const point = keys.publicKey.export({ type: 'spki', format: 'der' }).subarray(-65);
    const csr = await writeCsr('web', point, (info) =>
      sign('sha256', info, { key: keys.privateKey, dsaEncoding: 'ieee-p1363' }),
    );
    const port = planes.get('weft-identity')!.operator.ports.get('certificate signing');
    const socket = tls.connect({ host: '127.0.0.1', port, ALPNProtocols: [IDENTITY_ALPN], rejectUnauthorized: false });
    socket.on('error', () => undefined);
    socket.resume();
    await once(socket, 'secureConnect');
    socket.write(encodeFrame({ type: 'certify', token: status.token, csr: Buffer.from(csr).toString('base64') }));
    await until('weft-identity', 'authentication.k8s.io tokenreviews create');
    socket.destroy();
  });

  it('whoever asks for live numbers is asked about', async () => {
    const pki = (name: string) => readFileSync(join(api.directory, 'pki', name), 'utf8');
    await until('weft-operator', 'apiregistration.k8s.io apiservices patch');
    const sent = request({
      host: '127.0.0.1',
      port: planes.get('weft-config')!.operator.vizPort,
      servername: VIZ_HOST,
      path: `/apis/viz.weft.dev/v1alpha1/namespaces/${SHOP}/traffic`,
      key: pki('front-proxy-client.key'),
      cert: pki('front-proxy-client.crt'),
      rejectUnauthorized: false,
      headers: { 'X-Remote-User': 'eve', 'X-Remote-Group': 'system:authenticated' },
    }).end();
    const [response] = (await once(sent, 'response')) as [NodeJS.ReadableStream & { statusCode: number }];
    response.resume();
    expect(response.statusCode).to.equal(403);
    await until('weft-config', 'authorization.k8s.io subjectaccessreviews create');
  });

  it('nothing that any of them has asked for was refused, and nothing of what they may do was of no use', async () => {
    await vizEndpoints();
    const leader = planes.get('weft-operator')!;
    await eventually('nobody serves live numbers', async () => {
      const { items } = await cluster.list('endpointslices', SYSTEM);
      return items.every((slice: SeenObject) => (slice['endpoints'] as object[] | null)?.length !== 1);
    });
    await sleep(500);
    await leader.stop();
    planes.delete('weft-operator');
    const refused = audit.read().filter(({ isAllowed }) => !isAllowed);
    expect(refused.map(({ account, right, name }) => `${account}: ${right} ${name}`)).to.deep.equal([]);
    const { controlPlane } = installation(SOURCES, SPLIT);
    for (const { name } of PARTS) {
      expect(unused(grantedTo(name, controlPlane), asked(name)), name).to.deep.equal([]);
    }
  });

  it('none but who makes and who signs may read a key that proxies trust, nor any Secret but those of the control plane by their names', () => {
    const readers = (secret: string) =>
      PARTS.map(({ name }) => name).filter((name) =>
        grantedTo(name, installation(SOURCES, SPLIT).controlPlane).some(
          ({ right, name: on }) => / secrets (?:get|list|watch)$/.test(right) && (on === secret || on === ''),
        ),
      );
    expect(readers(ANCHOR_SECRET)).to.deep.equal(['weft-operator']);
    expect(readers(ISSUER_SECRET)).to.deep.equal(SIGNERS);
    expect(readers('linkerd-identity-issuer')).to.deep.equal(SIGNERS);
    expect(readers(WEBHOOK_AUTHORITY_SECRET)).to.deep.equal(['weft-operator', 'weft-config', 'weft-webhooks']);
    expect(readers('of-somebody-else')).to.deep.equal([]);
  });

  it('together they are what one process with all roles may do, and what its parts tell one another', () => {
    const whole = grantedTo('weft-operator', installation(SOURCES, {}).controlPlane);
    const { controlPlane } = installation(SOURCES, SPLIT);
    const key = ({ right, name }: { right: string; name: string }) => `${right} ${name}`;
    const parts = PARTS.flatMap((part) => grantedTo(part.name, controlPlane));
    const shared = parts.filter(({ name }) => name === PUBLISHED_SECRET || name === CONTROL_SECRET);
    const wanted = new Set([...whole, ...shared].map(key));
    expect([...new Set(parts.map(key))].toSorted()).to.deep.equal([...wanted].toSorted());
  });
});
