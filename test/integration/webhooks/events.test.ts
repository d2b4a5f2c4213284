import { expect } from 'chai';
import { loadManifests } from '../../../crds/manifest.ts';
import { freePort } from '../../../hack/apiserver/process.ts';
import { startApiServer, type TestApiServer } from '../../../hack/apiserver/server.ts';
import type { PooledKubeConfig } from '../../../operator/kube/kubeconfig.ts';
import { API_SERVER_START_MS } from '../../support/apiserver-shared.ts';
import { eventually } from '../../support/eventually.ts';
import { Cluster, kubeConfigOf, Plane, type SeenObject } from '../operator/plane.ts';

const NAMESPACE = 'told';

interface SeenEvent extends SeenObject {
  type: string;
  reason: string;
  note: string;
  regarding: { kind: string; name: string; uid: string };
}

function deployment(name: string, replicas: number, annotations: Record<string, string>, spec: object = {}) {
  return {
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name }, annotations },
        spec: { containers: [{ name: 'app', image: 'example/app' }], ...spec },
      },
    },
  };
}

describe('events of injection at a real API server with its controllers', function () {
  this.timeout(60_000);
  let api: TestApiServer;
  let cluster: Cluster;
  let plane: Plane;

  before(async function () {
    this.timeout(API_SERVER_START_MS);
    api = await startApiServer({ controllerManager: true });
    cluster = new Cluster(api);
    const kubeConfig = await installed();
    const port = await freePort();
    const webhooks = ['--webhook-port', String(port), '--webhook-url', `https://127.0.0.1:${port}`];
    plane = await new Plane(api, 'op-0', { kubeConfig, flags: [...webhooks, '--definitions-dir', ''] }).start();
    await plane.ready();
    const metadata = { annotations: { 'linkerd.io/inject': 'enabled' } };
    await cluster.apply('namespaces', '', NAMESPACE, { metadata });
    await cluster.apply('meshes', '', 'default', { spec: { injection: { failurePolicy: 'Fail' } } });
    await eventually('the injector is called', async () => {
      const pod = { metadata: { generateName: 'try-' }, spec: { containers: [{ name: 'a', image: 'a' }] } };
      const path = `/api/v1/namespaces/${NAMESPACE}/pods?dryRun=All`;
      const answer = await cluster.create(path, pod).catch(() => ({}));
      return JSON.stringify(answer).includes('linkerd-proxy');
    });
  });

  after(async () => {
    await plane?.stop();
    await cluster?.close();
    await api?.stop();
  });

  /** What `make install` applies, as far as rights and definitions go: the operator has no other rights here than in a cluster. */
  async function installed(): Promise<PooledKubeConfig> {
    await cluster.apply('namespaces', '', 'weft-system', {});
    for (const object of loadManifests()) {
      await cluster.applyRaw(object as unknown as SeenObject & { apiVersion: string; kind: string });
    }
    const token = await cluster.installWithRights();
    const config = kubeConfigOf(api);
    config.users = [{ name: config.getCurrentUser()!.name, token }];
    return config;
  }

  const create = (group: string, plural: string, body: object) =>
    cluster.create(`/apis/${group}/namespaces/${NAMESPACE}/${plural}`, body);

  /** Waits for the event of injection about an object. */
  function eventOf(kind: string, name: string): Promise<SeenEvent> {
    return eventually(
      `an event about ${kind} ${name}`,
      async () => {
        const { items } = await cluster.list('events', NAMESPACE);
        return (items as SeenEvent[]).find(
          ({ regarding, reason }) => regarding.kind === kind && regarding.name === name && reason.startsWith('Inject'),
        );
      },
      20_000,
    );
  }

  it('a Deployment whose pods are injected is told so once, with its uid', async () => {
    const { metadata } = await create('apps/v1', 'deployments', deployment('web', 5, {}));
    const event = await eventOf('Deployment', 'web');
    expect(event).to.deep.include({ type: 'Normal', reason: 'Injected', note: 'pods get a proxy' });
    expect(event.regarding.uid).to.equal(metadata.uid);
    await eventually('all are injected', async () => {
      const labels = 'owner_kind="deployment",namespace="told",annotation_at="namespace"';
      const series = `proxy_inject_admission_responses_total{${labels},skip="false",skip_reason=""}`;
      return (await plane.metric(series)) === 5;
    });
    const { items } = await cluster.list('events', NAMESPACE);
    const told = (items as SeenEvent[]).filter(({ regarding, reason }) => {
      return regarding.kind === 'Deployment' && regarding.name === 'web' && reason === 'Injected';
    });
    expect(told).to.have.length(1);
  });

  it('what Linkerd has left in a manifest is ignored, and its Deployment says so', async () => {
    const annotations = {
      'config.linkerd.io/proxy-version': 'stable-2.14.10',
      'config.linkerd.io/proxy-image': 'cr.l5d.io/linkerd/proxy',
    };
    await create('apps/v1', 'deployments', deployment('leftover', 1, annotations));
    const event = await eventOf('Deployment', 'leftover');
    expect(event).to.include({ type: 'Warning', reason: 'Injected' });
    expect(event.note).to.contain('names a version of Linkerd').and.contain('names an image of Linkerd');
    const { items } = await cluster.read<{ items: { spec: object }[] }>(
      `/api/v1/namespaces/${NAMESPACE}/pods?labelSelector=app%3Dleftover`,
    );
    expect(JSON.stringify(items[0]?.spec))
      .to.contain('localhost/weft/proxy:latest')
      .and.not.contain('l5d.io/linkerd/proxy');
  });

  it('pods that cannot be injected run without a proxy, and their owner says why', async () => {
    await create('apps/v1', 'deployments', deployment('windows', 1, {}, { os: { name: 'windows' } }));
    const event = await eventOf('Deployment', 'windows');
    expect(event).to.include({ type: 'Warning', reason: 'InjectionSkipped' });
    expect(event.note).to.contain('pod is for Windows');
    const template = deployment('night', 1, {}, { hostNetwork: true, restartPolicy: 'Never' }).spec.template;
    const jobTemplate = { spec: { template: { ...template, metadata: {} } } };
    await create('batch/v1', 'cronjobs', {
      metadata: { name: 'night' },
      spec: { schedule: '0 0 1 1 *', suspend: true, jobTemplate },
    });
    const cron = await cluster.read<SeenObject>(`/apis/batch/v1/namespaces/${NAMESPACE}/cronjobs/night`);
    const owner = { apiVersion: 'batch/v1', kind: 'CronJob', name: 'night', uid: cron.metadata.uid, controller: true };
    await create('batch/v1', 'jobs', { metadata: { name: 'night-1', ownerReferences: [owner] }, ...jobTemplate });
    expect((await eventOf('CronJob', 'night')).note).to.contain('hostNetwork is enabled');
  });

  it('a bare pod is told itself', async () => {
    const metadata = { name: 'bare', annotations: { 'linkerd.io/inject': 'yes' } };
    const spec = { containers: [{ name: 'a', image: 'a' }] };
    const pod = await cluster.create(`/api/v1/namespaces/${NAMESPACE}/pods`, { metadata, spec });
    const event = await eventOf('Pod', 'bare');
    expect(event).to.include({ reason: 'InjectionSkipped' });
    expect(event.regarding.uid).to.equal(pod.metadata.uid);
  });
});
