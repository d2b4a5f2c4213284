import { expect } from 'chai';
import { startApiServer, type TestApiServer } from '../../../hack/apiserver/server.ts';
import { API_SERVER_START_MS } from '../../support/apiserver-shared.ts';
import { eventually } from '../../support/eventually.ts';
import { Cluster, Plane, type Plural, type SeenObject } from './plane.ts';

const NAMESPACE = 'shop';
const PROFILE = 'web.shop.svc.cluster.local';
/** A user who breaks something must see it within this time. */
const VISIBLE_MS = 2_000;

function port(number: number) {
  return { spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: number }] } };
}

const split = (...services: string[]) => ({
  spec: { service: 'web', backends: services.map((service) => ({ service, weight: 1 })) },
});

/** `n` = field of a Service's EndpointSlice. */
function slice(service: string, ip: string) {
  return {
    metadata: { labels: { 'kubernetes.io/service-name': service } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 80 }],
    endpoints: [{ addresses: [ip], conditions: { ready: true } }],
  };
}

/** Endpoints of the operator's own Service. */
function replicas(...pods: string[]) {
  const endpoints = pods.map((name, i) => ({
    addresses: [`10.2.0.${i + 1}`],
    conditions: { ready: true },
    targetRef: { kind: 'Pod', name, namespace: 'weft-system' },
  }));
  return { ...slice('weft-operator', ''), ports: [{ name: 'config', port: 1 }], endpoints };
}

describe('status of custom resources at a real API server', function () {
  this.timeout(60_000);
  let api: TestApiServer;
  let cluster: Cluster;
  let plane: Plane;

  before(async function () {
    this.timeout(API_SERVER_START_MS);
    api = await startApiServer();
    cluster = new Cluster(api);
    plane = await new Plane(api, 'op-0', {
      flags: ['--roles', 'controllers,config,identity'],
      replicas: { addressOf: () => '127.0.0.1', timing: { patienceMs: 1_000, silentMs: 6_000 } },
    }).start();
    await plane.ready();
    await cluster.apply('namespaces', '', NAMESPACE, {});
    for (const name of ['web', 'web-v1', 'web-v2']) {
      await cluster.apply('services', NAMESPACE, name, port(80));
      await cluster.apply('endpointslices', NAMESPACE, name, slice(name, `10.1.0.${name.length}`));
    }
    await cluster.apply('meshes', '', 'default', { spec: {} });
  });

  after(async () => {
    await plane?.stop();
    await cluster?.close();
    await api?.stop();
  });

  const CASES: {
    plural: Plural;
    namespace: string;
    name: string;
    good: object;
    reason: string;
    break: () => Promise<unknown>;
    mend: () => Promise<unknown>;
  }[] = [
    {
      plural: 'serviceprofiles',
      namespace: NAMESPACE,
      name: PROFILE,
      good: { spec: { routes: [{ name: 'r', condition: { pathRegex: '/a' } }] } },
      reason: 'DependencyNotReady',
      break: () => cluster.delete('services', NAMESPACE, 'web'),
      mend: () => cluster.apply('services', NAMESPACE, 'web', port(80)),
    },
    {
      plural: 'trafficsplits',
      namespace: NAMESPACE,
      name: 'web',
      good: split('web-v1', 'web-v2'),
      reason: 'DependencyNotReady',
      break: () => cluster.delete('services', NAMESPACE, 'web-v2'),
      mend: () => cluster.apply('services', NAMESPACE, 'web-v2', port(80)),
    },
    {
      plural: 'servers',
      namespace: NAMESPACE,
      name: 'web',
      good: { spec: { podSelector: { matchLabels: { app: 'web' } }, port: 80 } },
      reason: 'UnsupportedSelector',
      break: () => cluster.apply('servers', NAMESPACE, 'web', { spec: { externalWorkloadSelector: {}, port: 80 } }),
      mend: () =>
        cluster.apply('servers', NAMESPACE, 'web', {
          spec: { podSelector: { matchLabels: { app: 'web' } }, port: 80 },
        }),
    },
    {
      plural: 'serverauthorizations',
      namespace: NAMESPACE,
      name: 'web',
      good: { spec: { server: { name: 'web' }, client: { unauthenticated: true } } },
      reason: 'DependencyNotReady',
      break: () => cluster.delete('servers', NAMESPACE, 'web'),
      mend: () =>
        cluster.apply('servers', NAMESPACE, 'web', {
          spec: { podSelector: { matchLabels: { app: 'web' } }, port: 80 },
        }),
    },
    {
      plural: 'meshes',
      namespace: '',
      name: 'default',
      good: { spec: {} },
      reason: 'DependencyNotReady',
      break: () =>
        cluster.apply('meshes', '', 'default', {
          spec: { identity: { issuer: { type: 'Secret', secretName: 'not-there' } } },
        }),
      mend: () => cluster.apply('meshes', '', 'default', { spec: {} }),
    },
  ];

  for (const each of CASES) {
    it(`${each.plural}: Ready, False with a reason within 2 s of a fault, and back`, async () => {
      const { plural, namespace, name } = each;
      await cluster.apply(plural, namespace, name, each.good);
      await cluster.condition(plural, namespace, name, 'Ready', 'True');
      await each.break();
      const broken = await cluster.condition(plural, namespace, name, 'Ready', 'False', VISIBLE_MS);
      expect(broken.reason).to.equal(each.reason);
      expect(broken.message).to.have.length.above(10);
      await each.mend();
      await cluster.condition(plural, namespace, name, 'Ready', 'True', VISIBLE_MS);
    });
  }

  it('is -1 before anybody has looked, and then the generation; versions share it', async () => {
    const created = await cluster.apply('servers', NAMESPACE, 'fresh', { spec: { podSelector: {}, port: 81 } });
    expect(created.status!.observedGeneration).to.equal(-1);
    expect(created.status!.conditions!.map(({ type, status }) => [type, status])).to.deep.equal([['Ready', 'Unknown']]);
    await cluster.condition('servers', NAMESPACE, 'fresh', 'Ready', 'True');
    const { status, metadata } = await cluster.get('servers', NAMESPACE, 'fresh');
    expect(status!.observedGeneration).to.equal(metadata.generation);
    await cluster.delete('servers', NAMESPACE, 'fresh');
  });

  it('is written once per change: nothing happens while nothing changes', async () => {
    await cluster.apply('trafficsplits', NAMESPACE, 'web', split('web-v1', 'web-v2'));
    await cluster.condition('trafficsplits', NAMESPACE, 'web', 'Ready', 'True');
    await new Promise((resolve) => setTimeout(resolve, 500));
    const before = await cluster.get('trafficsplits', NAMESPACE, 'web');
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    const after = await cluster.get('trafficsplits', NAMESPACE, 'web');
    expect(after.metadata.resourceVersion).to.equal(before.metadata.resourceVersion);
  });

  it('keeps transition times while a status stays, and moves them when it changes', async () => {
    await cluster.apply('trafficsplits', NAMESPACE, 'web', split('web-v1', 'web-v2'));
    const first = await cluster.condition('trafficsplits', NAMESPACE, 'web', 'Ready', 'True');
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    await cluster.apply('trafficsplits', NAMESPACE, 'web', split('web-v2', 'web-v1'));
    const second = await cluster.condition('trafficsplits', NAMESPACE, 'web', 'Ready', 'True');
    expect(second.observedGeneration).to.be.above(first.observedGeneration);
    expect(second.lastTransitionTime).to.equal(first.lastTransitionTime);
    await cluster.apply('trafficsplits', NAMESPACE, 'web', split('web-v1', 'gone'));
    const third = await cluster.condition('trafficsplits', NAMESPACE, 'web', 'Ready', 'False');
    expect(third.lastTransitionTime).not.to.equal(first.lastTransitionTime);
    await cluster.apply('trafficsplits', NAMESPACE, 'web', split('web-v1', 'web-v2'));
  });

  it('is repaired when somebody writes over it, never says nothing of Ready, and leaves conditions of others alone', async () => {
    await cluster.condition('trafficsplits', NAMESPACE, 'web', 'Ready', 'True');
    const held = await cluster.get('trafficsplits', NAMESPACE, 'web');
    const foreign = {
      type: 'Verified',
      status: 'True',
      reason: 'ByHand',
      message: '',
      lastTransitionTime: '2026-01-01T00:00:00Z',
      observedGeneration: 1,
    };
    const forged = (...conditions: object[]) =>
      cluster.setStatus('trafficsplits', NAMESPACE, 'web', { ...held, status: { ...held.status, conditions } });
    const ready = held.status!.conditions!.find(({ type }) => type === 'Ready')!;
    // As kstatus reads it, either would be an object that is well.
    for (const conditions of [[], [foreign]]) {
      const refusal = await forged(...conditions).catch(String);
      expect(refusal).to.include('must have a condition Ready');
    }
    await forged(foreign, { ...ready, status: 'False', reason: 'ByHand' });
    await cluster.condition('trafficsplits', NAMESPACE, 'web', 'Ready', 'True');
    const { status } = await cluster.get('trafficsplits', NAMESPACE, 'web');
    expect(status!.conditions!.map(({ type }) => type)).to.include('Verified');
  });

  it('survives a PUT through an older version by a client that knows no status (Flagger)', async () => {
    const { metadata } = await cluster.get('trafficsplits', NAMESPACE, 'web');
    const body = {
      apiVersion: 'split.smi-spec.io/v1alpha1',
      kind: 'TrafficSplit',
      metadata: { name: 'web', namespace: NAMESPACE, resourceVersion: metadata.resourceVersion },
      spec: {
        service: 'web',
        backends: [
          { service: 'web-v1', weight: '95' },
          { service: 'web-v2', weight: '5' },
        ],
      },
    };
    await cluster.put(`/apis/split.smi-spec.io/v1alpha1/namespaces/${NAMESPACE}/trafficsplits/web`, body);
    const ready = await cluster.condition('trafficsplits', NAMESPACE, 'web', 'Ready', 'True');
    expect(ready.observedGeneration).to.be.above(1);
  });

  it('E7: an object that slipped past admission names its field, tells an Event, and leaves the others working', async () => {
    const name = 'web-v1.shop.svc.cluster.local';
    await cluster.apply('serviceprofiles', NAMESPACE, name, {
      spec: { routes: [{ name: 'r', condition: { pathRegex: '/(' } }] },
    });
    const broken = await cluster.condition('serviceprofiles', NAMESPACE, name, 'Ready', 'False', VISIBLE_MS);
    expect(broken.reason).to.equal('Invalid');
    expect(broken.message).to.contain('spec.routes[0].condition.pathRegex');
    await cluster.condition('serviceprofiles', NAMESPACE, name, 'Stalled', 'True');
    await eventually('an Event', async () => {
      const { items } = await cluster.list('events', NAMESPACE);
      return items.some(
        ({ regarding, reason }) => reason === 'Invalid' && (regarding as SeenObject['metadata']).name === name,
      );
    });
    await cluster.apply('serviceprofiles', NAMESPACE, PROFILE, { spec: { routes: [] } });
    const { observedGeneration } = await cluster.condition(
      'serviceprofiles',
      NAMESPACE,
      PROFILE,
      'Ready',
      'True',
      VISIBLE_MS,
    );
    expect(observedGeneration).to.be.above(1);
    await cluster.delete('serviceprofiles', NAMESPACE, name);
  });

  it('of two splits on one Service the younger is Stalled, and takes over when the older goes', async () => {
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    await cluster.apply('trafficsplits', NAMESPACE, 'younger', split('web-v1'));
    const stalled = await cluster.condition('trafficsplits', NAMESPACE, 'younger', 'Stalled', 'True', VISIBLE_MS);
    expect(stalled.reason).to.equal('Conflicted');
    await cluster.condition('trafficsplits', NAMESPACE, 'web', 'Ready', 'True');
    await cluster.delete('trafficsplits', NAMESPACE, 'web');
    await cluster.condition('trafficsplits', NAMESPACE, 'younger', 'Ready', 'True', VISIBLE_MS);
    const { status } = await cluster.get('trafficsplits', NAMESPACE, 'younger');
    expect(status!.conditions!.map(({ type }) => type)).not.to.include('Stalled');
    await cluster.delete('trafficsplits', NAMESPACE, 'younger');
  });

  it('of the Mesh tells expiry, proxies and replicas', async () => {
    await cluster.condition('meshes', '', 'default', 'Ready', 'True');
    const { status } = await cluster.get('meshes', '', 'default');
    expect(status).to.include({ proxies: '0/0', operatorReplicas: 1 });
    const expiries = status as unknown as { anchorExpiry: string; issuerExpiry: string };
    expect(Date.parse(expiries.issuerExpiry)).to.be.above(Date.now() + 300 * 86_400_000);
    expect(Date.parse(expiries.anchorExpiry)).to.be.above(Date.parse(expiries.issuerExpiry));
  });

  it('counts the proxies that run with an object, and names those that do not acknowledge', async () => {
    await cluster.apply('trafficsplits', NAMESPACE, 'web', split('web-v1', 'web-v2'));
    await cluster
      .create(`/api/v1/namespaces/${NAMESPACE}/serviceaccounts`, { metadata: { name: 'default' } })
      .catch(() => {});
    await cluster.apply('pods', NAMESPACE, 'client', {
      spec: { serviceAccountName: 'default', containers: [{ name: 'app', image: 'app' }] },
    });
    const proxy = await plane.proxy(NAMESPACE, 'client');
    const web = await cluster.get('services', NAMESPACE, 'web');
    const ip = (web['spec'] as { clusterIP: string }).clusterIP;
    proxy.send({ type: 'subscribe', keys: [`service/${ip}:80`] });
    await proxy.until(() => proxy.held.has(`service/${ip}:80`), 'the service');
    await eventually(
      'counted',
      async () => (await cluster.get('trafficsplits', NAMESPACE, 'web')).status?.proxies === '1/1',
    );
    const done = await cluster.condition('trafficsplits', NAMESPACE, 'web', 'Programmed', 'True');
    expect(done.reason).to.equal('Acknowledged');
    await eventually(
      'Mesh',
      async () => (await cluster.get('meshes', '', 'default')).status?.proxies === '1/1',
      12_000,
    );
    // With a second replica, which does not report its proxies, no number would be true.
    await cluster.apply('endpointslices', 'weft-system', 'weft-operator', replicas('op-0', 'op-1'));
    await cluster.apply('trafficsplits', NAMESPACE, 'web', split('web-v1'));
    const unseen = await cluster.condition('trafficsplits', NAMESPACE, 'web', 'Programmed', 'Unknown');
    expect(unseen.reason).to.equal('ProxiesNotVisible');
    expect(unseen.message).to.contain('op-1 (it cannot be reached');
    expect((await cluster.get('trafficsplits', NAMESPACE, 'web')).status?.proxies).to.equal('unknown');
    await cluster.apply('endpointslices', 'weft-system', 'weft-operator', replicas('op-0'));
    await cluster.condition('trafficsplits', NAMESPACE, 'web', 'Programmed', 'True');
    expect((await cluster.get('trafficsplits', NAMESPACE, 'web')).status?.proxies).to.equal('1/1');
    expect((await cluster.get('meshes', '', 'default')).status?.proxies).to.equal('1/1');
    proxy.refuse.set(`service/${ip}:80`, 'no such rule');
    await cluster.apply('trafficsplits', NAMESPACE, 'web', split('web-v2', 'web-v1', 'web'));
    const refused = await cluster.condition('trafficsplits', NAMESPACE, 'web', 'Programmed', 'False');
    expect(refused.reason).to.equal('Rejected');
    expect(refused.message).to.contain('shop/client').and.to.contain('no such rule');
    await cluster.condition('trafficsplits', NAMESPACE, 'web', 'Ready', 'True');
    await proxy.close();
    const alone = await cluster.condition('trafficsplits', NAMESPACE, 'web', 'Programmed', 'True');
    expect(alone.reason).to.equal('NoSubscribers');
  });

  it('is an Event where a Service has an annotation that is not accepted', async () => {
    const annotations = { 'retry.linkerd.io/limit': 'many' };
    await cluster.apply('services', NAMESPACE, 'annotated', { ...port(80), metadata: { annotations } });
    await eventually('an Event that names the annotation', async () => {
      const { items } = await cluster.list('events', NAMESPACE);
      return items.some((event) => {
        const { reason, regarding, note } = event as { reason?: string; regarding?: { name?: string }; note?: string };
        return reason === 'InvalidAnnotation' && regarding?.name === 'annotated' && note?.includes('limit') === true;
      });
    });
  });

  it('is left to the leader: a process with other roles serves, and takes no part in the election', async () => {
    const webhooks = await new Plane(api, 'op-webhooks', { flags: ['--roles', 'webhooks'] }).start();
    try {
      await webhooks.ready();
      expect([...webhooks.operator.ports.keys()]).to.deep.equal(['webhooks']);
      expect(webhooks.operator.isLeader).to.equal(false);
      expect(await webhooks.metric('leader_election_master_status{name="weft-operator"}')).to.equal(0);
      expect(plane.operator.isLeader).to.equal(true);
      expect([...plane.operator.ports.keys()].sort()).to.deep.equal(['certificate signing', 'configuration stream']);
    } finally {
      await webhooks.stop();
    }
    const configuration = await cluster.get('validatingwebhookconfigurations', '', 'weft-validator');
    expect(JSON.stringify(configuration['webhooks'])).to.contain('"caBundle":"');
  });
});
