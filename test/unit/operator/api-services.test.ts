import { expect } from 'chai';
import { Registry } from 'prom-client';
import { ENDPOINT_SLICE } from '../../../crds/kinds/endpoint-slice/model.ts';
import { KINDS } from '../../../crds/kinds/registry.ts';
import { SERVICE } from '../../../crds/kinds/service/model.ts';
import { ClusterState } from '../../../crds/state/cluster-state.ts';
import { ApiServices } from '../../../operator/api-services.ts';
import type { RestRequest } from '../../../operator/kube/rest.ts';
import { RequestError } from '../../../operator/runtime/errors.ts';
import { RuntimeMetrics } from '../../../operator/telemetry/runtime-metrics.ts';
import { FakeClock } from '../../fakes/clock.ts';
import { MemoryLogger } from '../../fakes/logger.ts';
import { service, slice, sliceEndpoint } from '../../support/models.ts';

const NAMESPACE = 'weft-system';
const OWN = 'weft-operator-a';
const NAME = 'v1alpha1.viz.weft.dev';
const LABELS = { 'app.kubernetes.io/managed-by': 'weft-operator', 'app.kubernetes.io/part-of': 'weft' };

interface Stored {
  metadata: { uid: string; labels?: Record<string, string> };
  [field: string]: unknown;
}

function rig(others: { serving?: boolean } = {}) {
  const state = new ClusterState(KINDS);
  const clock = new FakeClock();
  const log = new MemoryLogger();
  const stored = new Map<string, Stored>();
  const told = { serving: others.serving ?? true, caBundlePem: 'authority 1', changes: 0 };
  let version = 1;
  const rest = {
    async json<R>({ method, path }: RestRequest): Promise<R> {
      const name = path.split('/').at(-1)!;
      const found = stored.get(name);
      if (found === undefined) throw new RequestError('NotFound', `${name} is not there`);
      if (method === 'DELETE') stored.delete(name);
      return found as R;
    },
  };
  const applier = {
    async apply<R>({ name }: { name: string }, content: Readonly<Record<string, unknown>>): Promise<R> {
      const metadata = { uid: '1', resourceVersion: String(++version), ...(content['metadata'] as object) };
      stored.set(name, { ...stored.get(name), ...content, metadata });
      return stored.get(name) as R;
    },
  };
  const services = new ApiServices({
    groups: [{ group: 'viz.weft.dev', version: 'v1alpha1' }],
    state,
    namespace: NAMESPACE,
    podName: OWN,
    rest,
    applier,
    caBundlePem: () => told.caBundlePem,
    isServing: () => told.serving,
    reachChanged: () => {
      told.changes += 1;
    },
    owner: async () => ({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      name: 'weft-operator',
      uid: 'u',
    }),
    metrics: new RuntimeMetrics(new Registry(), clock),
    clock,
    log,
  });
  const meta = () => ({ namespace: NAMESPACE, resourceVersion: String(++version) });
  const ports = [{ name: 'viz', port: 443, targetPort: 'viz', protocol: 'TCP' as const, appProtocol: '' }];
  const model = service('weft-viz', '10.96.0.9', { ports, meta: meta() });
  state.apply(SERVICE, model, model.meta);
  const endpoints = async (...pods: [name: string, ready?: boolean][]) => {
    const list = pods.map(([targetPod, ready = true], i) => sliceEndpoint(`10.0.0.${i}`, { targetPod, ready }));
    const next = slice('weft-viz-1', 'weft-viz', list, {
      meta: meta(),
      ports: [{ name: 'viz', port: 8089, protocol: 'TCP' }],
    });
    state.apply(ENDPOINT_SLICE, next, next.meta);
    services.changed();
    await clock.advance(1_000);
  };
  services.controller.start();
  return { services, clock, log, stored, told, endpoints, is: () => stored.has(NAME) };
}

describe('APIServices', () => {
  it('are made when a replica is ready to serve, with the authority by which it is to be known', async () => {
    const { endpoints, stored, is, told, services, clock } = rig();
    await clock.advance(1_000);
    expect(is()).to.equal(false);
    await endpoints([OWN, false]);
    expect(is()).to.equal(false);
    await endpoints([OWN]);
    expect(stored.get(NAME)).to.deep.include({
      spec: {
        group: 'viz.weft.dev',
        version: 'v1alpha1',
        groupPriorityMinimum: 1_000,
        versionPriority: 100,
        service: { namespace: NAMESPACE, name: 'weft-viz', port: 443 },
        caBundle: Buffer.from('authority 1').toString('base64'),
      },
    });
    expect(stored.get(NAME)!.metadata).to.deep.include({ labels: LABELS });
    told.caBundlePem = 'authority 2';
    services.changed();
    await clock.advance(1_000);
    expect(stored.get(NAME)).to.have.nested.property('spec.caBundle', Buffer.from('authority 2').toString('base64'));
  });

  it('are made again within a minute when somebody has removed them', async () => {
    const { endpoints, stored, is, clock } = rig();
    await endpoints([OWN]);
    stored.delete(NAME);
    await clock.advance(61_000);
    expect(is()).to.equal(true);
  });

  it('outlast a moment in which no replica is ready, and are taken back after half a minute', async () => {
    const { endpoints, is, clock } = rig();
    await endpoints([OWN]);
    await endpoints([OWN, false]);
    await clock.advance(20_000);
    expect(is()).to.equal(true);
    await endpoints([OWN]);
    await endpoints();
    await clock.advance(20_000);
    expect(is()).to.equal(true);
    await clock.advance(20_000);
    expect(is()).to.equal(false);
    await endpoints(['weft-operator-b']);
    expect(is()).to.equal(true);
  });

  it('are not made by a leader that ought to serve and cannot', async () => {
    const { endpoints, is, told, services, clock } = rig({ serving: false });
    await endpoints([OWN]);
    await clock.advance(120_000);
    expect(is()).to.equal(false);
    told.serving = true;
    services.changed();
    await clock.advance(1_000);
    expect(is()).to.equal(true);
  });

  it('are taken back by the last replica that goes, and left by one that goes while another is ready', async () => {
    const alone = rig();
    await alone.endpoints([OWN]);
    await alone.services.leave();
    expect(alone.is()).to.equal(false);
    const one = rig();
    await one.endpoints([OWN], ['weft-operator-b']);
    await one.services.leave();
    expect(one.is()).to.equal(true);
    const stopping = rig();
    await stopping.endpoints([OWN], ['weft-operator-b', false]);
    await stopping.services.leave();
    expect(stopping.is()).to.equal(false);
  });

  it('are taken back when API servers do not reach the replicas, and tried again later', async () => {
    const { endpoints, stored, clock, log, is } = rig();
    await endpoints([OWN]);
    const unreached = { type: 'Available', status: 'False', reason: 'FailedDiscoveryCheck', message: 'i/o timeout' };
    stored.get(NAME)!['status'] = { conditions: [unreached] };
    await clock.advance(60_000);
    expect(is()).to.equal(true);
    await clock.advance(60_000);
    expect(is()).to.equal(false);
    const said = log.lines.filter(({ message }) => message.includes('do not reach'));
    expect(said.map(({ fields }) => fields['reason'])).to.deep.equal(['FailedDiscoveryCheck: i/o timeout']);
    await endpoints([OWN], ['weft-operator-b']);
    await clock.advance(300_000);
    expect(is()).to.equal(false);
    await clock.advance(300_000);
    expect(is()).to.equal(true);
  });

  it('say whether API servers reach them: not before one has tried, and until one does', async () => {
    const { endpoints, stored, clock, services, told } = rig();
    const answer = (status: string) => {
      const condition = { type: 'Available', status, reason: 'FailedDiscoveryCheck', message: 'i/o timeout' };
      stored.get(NAME)!['status'] = { conditions: [condition] };
    };
    await endpoints([OWN]);
    await clock.advance(10_000);
    expect(services.reach).to.include({ is: 'unknown' });
    answer('True');
    await clock.advance(61_000);
    expect(services.reach).to.deep.equal({ is: 'reached' });
    answer('False');
    await clock.advance(150_000);
    expect(services.reach).to.deep.equal({ is: 'unreached', reason: 'FailedDiscoveryCheck: i/o timeout' });
    await clock.advance(600_000);
    expect(stored.has(NAME), 'tried again').to.equal(true);
    expect(services.reach, 'nobody has answered').to.include({ is: 'unreached' });
    answer('True');
    await clock.advance(61_000);
    expect(services.reach).to.deep.equal({ is: 'reached' });
    await endpoints();
    await clock.advance(60_000);
    expect(services.reach, 'nobody serves').to.include({ is: 'unknown' });
    expect(told.changes).to.equal(4);
  });

  it('are left where API servers fail to reach them for moments', async () => {
    const { endpoints, stored, clock, is } = rig();
    await endpoints([OWN]);
    const condition = { type: 'Available', status: 'False', reason: 'FailedDiscoveryCheck', message: '' };
    stored.get(NAME)!['status'] = { conditions: [condition] };
    await clock.advance(50_000);
    condition.status = 'True';
    await clock.advance(90_000);
    condition.status = 'False';
    await clock.advance(50_000);
    expect(is()).to.equal(true);
  });

  it('of another program stay as they are, which is said once', async () => {
    const { endpoints, stored, clock, log, services } = rig();
    stored.set(NAME, { metadata: { uid: '9', labels: { 'linkerd.io/extension': 'viz' } }, spec: 'theirs' });
    await endpoints([OWN]);
    await clock.advance(180_000);
    await endpoints();
    await clock.advance(60_000);
    await services.leave();
    expect(stored.get(NAME)).to.deep.include({ spec: 'theirs' });
    expect(log.lines.filter(({ message }) => message.includes('keeps it'))).to.have.length(1);
  });
});
