import { expect } from 'chai';
import { loadManifests } from '../../../crds/manifest.ts';
import { readWrittenAt } from '../../../crds/parse/kubernetes-object.ts';
import { freePort } from '../../../hack/apiserver/process.ts';
import { startApiServer, type TestApiServer } from '../../../hack/apiserver/server.ts';
import type { PooledKubeConfig } from '../../../operator/kube/kubeconfig.ts';
import { API_SERVER_START_MS } from '../../support/apiserver-shared.ts';
import { eventually } from '../../support/eventually.ts';
import { Cluster, kubeConfigOf, Plane, type SeenObject } from '../operator/plane.ts';

const NAMESPACE = 'shop';
const OLD_NAMESPACE = 'old';
const ENABLED = { metadata: { annotations: { 'linkerd.io/inject': 'enabled' } } };
/** The seconds that a pod has, and some for whoever starts and is elected. */
const FOUND_WITHIN_MS = 25_000;

interface SeenEvent extends SeenObject {
  type: string;
  note: string;
  regarding: { kind: string; name: string; uid: string };
}

describe('pods that were made while no webhook answered, at a real API server', function () {
  this.timeout(60_000);
  let api: TestApiServer;
  let cluster: Cluster;
  let plane: Plane;
  let kubeConfig: () => PooledKubeConfig;
  let port: number;

  before(async function () {
    this.timeout(API_SERVER_START_MS);
    api = await startApiServer();
    cluster = new Cluster(api);
    await cluster.apply('namespaces', '', 'weft-system', {});
    for (const object of loadManifests()) {
      await cluster.applyRaw(object as unknown as SeenObject & { apiVersion: string; kind: string });
    }
    const token = await cluster.installWithRights();
    kubeConfig = () => {
      const config = kubeConfigOf(api);
      config.users = [{ name: config.getCurrentUser()!.name, token }];
      return config;
    };
    port = await freePort();
    await cluster.apply('namespaces', '', OLD_NAMESPACE, {});
    await create(OLD_NAMESPACE, 'older');
    await cluster.apply('namespaces', '', NAMESPACE, ENABLED);
    await cluster.apply('meshes', '', 'default', { spec: {} });
    plane = await start('op-0');
    await eventually('the injector is called', async () => hasProxy(await create(NAMESPACE, 'trial', '?dryRun=All')));
  });

  after(async () => {
    await plane?.stop();
    await cluster?.close();
    await api?.stop();
  });

  async function start(name: string): Promise<Plane> {
    const flags = ['--webhook-port', String(port), '--webhook-url', `https://127.0.0.1:${port}`];
    const started = await new Plane(api, name, {
      kubeConfig: kubeConfig(),
      flags: [...flags, '--definitions-dir', ''],
    }).start();
    return started.ready();
  }

  function create(namespace: string, name: string, query = ''): Promise<SeenObject> {
    // Nobody adds it: this API server has no controllers, and so no ServiceAccounts.
    const spec = { serviceAccountName: 'default', containers: [{ name: 'app', image: 'example/app' }] };
    return cluster.create(`/api/v1/namespaces/${namespace}/pods${query}`, { metadata: { name }, spec });
  }

  function hasProxy(pod: SeenObject): boolean {
    return JSON.stringify(pod['spec']).includes('"linkerd-proxy"');
  }

  async function eventsOf(namespace: string, uid: string): Promise<SeenEvent[]> {
    const { items } = await cluster.list('events', namespace);
    return (items as SeenEvent[]).filter((each) => each['reason'] === 'ProxyMissing' && each.regarding.uid === uid);
  }

  const toldOf = (namespace: string, { metadata: { uid } }: SeenObject) =>
    eventually('an Event', async () => (await eventsOf(namespace, uid))[0], FOUND_WITHIN_MS);

  const condition = (status: 'True' | 'False') =>
    cluster.condition('meshes', '', 'default', 'PodsInjected', status, FOUND_WITHIN_MS);

  const lacking = (namespace: string, cause: string) =>
    plane.metric(`weft_pods_without_proxy{namespace="${namespace}",cause="${cause}"}`);

  it('are told of, counted and named on the Mesh, until they are made anew', async () => {
    await condition('True');
    // Times of the API server are whole seconds: what was written within the one of the pod may have come after it.
    await eventually('the configuration was written in an earlier second', async () => {
      const written = readWrittenAt(await cluster.get('mutatingwebhookconfigurations', '', 'weft-injector'));
      return Date.now() >= Date.parse(written) + 1_000;
    });
    await plane.stop();
    const missed = await create(NAMESPACE, 'web');
    expect(hasProxy(missed), 'failurePolicy: Ignore').to.equal(false);
    plane = await start('op-1');
    const event = await toldOf(NAMESPACE, missed);
    expect(event.type).to.equal('Warning');
    expect(event.regarding).to.include({ kind: 'Pod', name: 'web' });
    expect(event.note)
      .to.contain('made after that was asked for: the injector was not reached, or failed')
      .and.to.contain(`kubectl -n ${NAMESPACE} get pod web -o yaml | kubectl replace --force -f -`);
    const told = await condition('False');
    expect(told.reason).to.equal('PodsWithoutProxy');
    expect(told.message).to.contain('have none: 1, 1 of them made after it was asked for; in shop (1)');
    expect(await lacking(NAMESPACE, 'missed')).to.equal(1);
    await cluster.condition('meshes', '', 'default', 'Ready', 'True');
    await cluster.remove(`/api/v1/namespaces/${NAMESPACE}/pods/web?gracePeriodSeconds=0`);
    expect(hasProxy(await create(NAMESPACE, 'web'))).to.equal(true);
    expect((await condition('True')).reason).to.equal('Complete');
    expect(await lacking(NAMESPACE, 'missed')).to.be.NaN;
    expect(await eventsOf(NAMESPACE, missed.metadata.uid)).to.have.length(1);
  });

  it('pods that were there before their namespace asked for proxies are told apart, and what they ask for themselves counts', async () => {
    const older = await cluster.get('pods', OLD_NAMESPACE, 'older');
    await cluster.apply('namespaces', '', OLD_NAMESPACE, ENABLED);
    const event = await toldOf(OLD_NAMESPACE, older);
    expect(event.note).to.contain('it may have been made before that was asked for');
    expect(await lacking(OLD_NAMESPACE, 'perhaps_older')).to.equal(1);
    expect((await condition('False')).message).to.contain('none: 1, 0 of them made after it was asked for; in old (1)');
    await cluster.mergePatch(`/api/v1/namespaces/${OLD_NAMESPACE}/pods/older`, {
      metadata: { annotations: { 'linkerd.io/inject': 'disabled' } },
    });
    await condition('True');
  });
});
