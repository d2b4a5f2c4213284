import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { startApiServer, type TestApiServer } from '../../../hack/apiserver/server.ts';
import { RestClient } from '../../../operator/kube/rest.ts';
import { NamespacedSecrets } from '../../../operator/kube/secrets.ts';
import { fromPem } from '../../../operator/pki/certificate.ts';
import { ANCHOR_SECRET, ISSUER_SECRET } from '../../../operator/pki/secrets.ts';
import { systemClock } from '../../../operator/runtime/clock.ts';
import { API_SERVER_START_MS } from '../../support/apiserver-shared.ts';
import { eventually } from '../../support/eventually.ts';
import type { ProxyClient } from '../serve/proxy-client.ts';
import { Cluster, Plane } from './plane.ts';

const SYSTEM = 'weft-system';
const NAMESPACE = 'app';
/** Longer than two looks of a leader that waits since a moment ago. */
const HELD_BACK_MS = 3_000;

interface Rotation {
  phase: string;
  proxies?: string;
  message?: string;
}

describe('a rotation with two replicas of the operator', function () {
  this.timeout(60_000);
  let api: TestApiServer;
  let cluster: Cluster;
  let secrets: NamespacedSecrets;
  let leader: Plane;
  let follower: Plane;
  let far: ProxyClient;

  before(async function () {
    this.timeout(API_SERVER_START_MS);
    api = await startApiServer();
    cluster = new Cluster(api);
    secrets = new NamespacedSecrets(new RestClient(cluster.config), SYSTEM, {}, systemClock);
    for (const name of [SYSTEM, NAMESPACE]) await cluster.apply('namespaces', '', name, {});
    await cluster.installDefinitions();
    const accounts = `/api/v1/namespaces/${NAMESPACE}/serviceaccounts`;
    await cluster.create(accounts, { metadata: { name: 'default' } }).catch(() => {});
    await cluster.apply('meshes', '', 'default', { spec: {} });
    leader = await start('op-0');
    await eventually('it leads', () => leader.operator.isLeader);
    follower = await start('op-1');
    await eventually('both are known', async () => (await cluster.get('meshes', '', 'default')).status !== undefined);
    const pod = await cluster.apply('pods', NAMESPACE, 'far', {
      metadata: { labels: { 'linkerd.io/control-plane-ns': SYSTEM } },
      spec: {
        serviceAccountName: 'default',
        containers: [
          { name: 'app', image: 'app' },
          { name: 'linkerd-proxy', image: 'proxy' },
        ],
      },
    });
    const status = { phase: 'Running', podIP: '10.1.0.1', podIPs: [{ ip: '10.1.0.1' }] };
    await cluster.setStatus('pods', NAMESPACE, 'far', { ...pod, apiVersion: 'v1', kind: 'Pod', status });
    far = await follower.proxy(NAMESPACE, 'far');
    await far.until(() => far.held.has('trust'), 'the bundle');
  });

  after(async () => {
    await far?.close();
    await follower?.stop();
    await leader?.stop();
    await cluster?.close();
    await api?.stop();
  });

  async function start(name: string): Promise<Plane> {
    const plane = await new Plane(api, name, { replicas: { addressOf: () => '127.0.0.1' } }).start();
    await plane.ready(20_000);
    const { operator } = plane;
    await eventually('its ports', () => operator.vizPort !== null);
    await cluster.apply('endpointslices', SYSTEM, `weft-operator-${name}`, {
      metadata: { labels: { 'kubernetes.io/service-name': 'weft-operator' } },
      addressType: 'IPv4',
      ports: [
        { name: 'config', port: operator.ports.get('configuration stream') },
        { name: 'viz', port: operator.vizPort },
      ],
      endpoints: [
        {
          addresses: [`10.2.0.${1 + Number(name.at(-1))}`],
          conditions: { ready: true },
          targetRef: { kind: 'Pod', name, namespace: SYSTEM },
        },
      ],
    });
    return plane;
  }

  const rotation = async (): Promise<Rotation> => {
    const { status } = await cluster.get('meshes', '', 'default');
    return (status as { rotation?: Rotation } | undefined)?.rotation ?? { phase: '' };
  };
  const serialOf = async (secret: string) =>
    fromPem(Buffer.from((await secrets.get(secret))!.data['tls.crt']!).toString())[0]!.serialNumber;

  it('waits for a proxy that is connected to the other replica and has not taken the new anchor', async () => {
    const [anchor, issuer] = [await serialOf(ANCHOR_SECRET), await serialOf(ISSUER_SECRET)];
    far.acknowledging = false;
    await cluster.apply('meshes', '', 'default', { spec: { identity: { rotation: { anchor: '1' } } } });
    await eventually('a new anchor', async () => (await serialOf(ANCHOR_SECRET)) !== anchor);
    const waits = await eventually(
      'it waits for one proxy',
      async () => {
        const { phase, proxies, message } = await rotation();
        return phase === 'Trusting' && proxies === '0/1' ? (message ?? '') : null;
      },
      20_000,
    );
    expect(waits).to.contain('1 of 1 connected proxies have not taken the new anchor yet');
    await sleep(HELD_BACK_MS);
    expect(await serialOf(ISSUER_SECRET), 'nothing is signed below it').to.equal(issuer);
  });

  it('says so by metrics of the leader alone', async () => {
    const series = [
      'weft_identity_rotation_phase{phase="Trusting"}',
      'weft_identity_rotation_proxies{state="waited_for"}',
    ];
    for (const name of series) {
      expect(await leader.metric(name), name).to.equal(1);
      expect(await follower.metric(name), name).to.be.NaN;
    }
    expect(await leader.metric('weft_identity_rotation_phase{phase="Done"}')).to.equal(0);
  });

  it('goes on when that proxy has taken it', async () => {
    const issuer = await serialOf(ISSUER_SECRET);
    far.acknowledging = true;
    far.acknowledgeLast();
    await eventually('an issuer below the new anchor', async () => (await serialOf(ISSUER_SECRET)) !== issuer, 20_000);
    await eventually('the next phase', async () => (await rotation()).phase === 'Renewing', 20_000);
  });
});
