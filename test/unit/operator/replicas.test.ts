import { expect } from 'chai';
import { ENDPOINT_SLICE, type EndpointSliceModel } from '../../../crds/kinds/endpoint-slice/model.ts';
import { KINDS } from '../../../crds/kinds/registry.ts';
import { ClusterState } from '../../../crds/state/cluster-state.ts';
import { Replicas } from '../../../operator/replicas/replicas.ts';
import { FakeClock } from '../../fakes/clock.ts';
import { slice, sliceEndpoint } from '../../support/models.ts';

const NAMESPACE = 'weft-system';

function rig({ servesProxies = true } = {}) {
  const state = new ClusterState(KINDS);
  const clock = new FakeClock();
  let told = 0;
  const replicas = new Replicas({
    state,
    namespace: NAMESPACE,
    podName: 'weft-operator-a',
    servesProxies,
    clock,
    changed: () => told++,
  });
  let version = 1;
  const endpoints = (...pods: [name: string, ready?: boolean][]) => {
    const list = pods.map(([targetPod, ready = true], i) => sliceEndpoint(`10.0.0.${i}`, { targetPod, ready }));
    const meta = { namespace: NAMESPACE, resourceVersion: String(++version) };
    const model = slice('weft-operator-1', 'weft-operator', list, { meta });
    state.apply(ENDPOINT_SLICE, model, model.meta);
    replicas.endpointsChanged();
  };
  const apply = (name: string, ports: EndpointSliceModel['ports'], list: EndpointSliceModel['endpoints']) => {
    const model = slice(name, 'weft-operator', list, {
      meta: { namespace: NAMESPACE, resourceVersion: String(++version) },
      ports,
    });
    state.apply(ENDPOINT_SLICE, model, model.meta);
  };
  return { replicas, endpoints, apply, clock, told: () => told };
}

describe('replicas of the operator', () => {
  it('see everything where there is one, or no Service at all', () => {
    const { replicas, endpoints } = rig();
    expect([replicas.ready, replicas.unseen]).to.deep.equal([1, '']);
    endpoints(['weft-operator-a']);
    expect([replicas.ready, replicas.unseen]).to.deep.equal([1, '']);
  });

  it('do not see the proxies of others, ready or not', () => {
    const { replicas, endpoints } = rig();
    endpoints(['weft-operator-a'], ['weft-operator-b'], ['weft-operator-c', false]);
    expect(replicas.ready).to.equal(2);
    expect(replicas.unseen).to.equal('2 other operator replicas may have proxies, whose state is not known here');
  });

  it('know the others by address, and by the port at which they are asked; an older one has none, one that ends does not count', () => {
    const { replicas, apply } = rig();
    const endpoint = (name: string, address: string, fields = {}) =>
      sliceEndpoint(address, { targetPod: name, ...fields });
    const ports = [{ name: 'viz', port: 8089, protocol: 'TCP' as const }];
    apply('new-4', ports, [endpoint('weft-operator-a', '10.0.0.1'), endpoint('weft-operator-b', '10.0.0.2')]);
    apply('new-6', ports, [
      endpoint('weft-operator-b', 'fd00::2'),
      endpoint('weft-operator-c', 'fd00::3', { ready: false }),
    ]);
    apply(
      'old-4',
      [{ name: 'config', port: 8086, protocol: 'TCP' as const }],
      [
        endpoint('weft-operator-b', '10.0.0.2'),
        endpoint('weft-operator-d', '10.0.0.4'),
        endpoint('weft-operator-e', '10.0.0.5', { ready: false, terminating: true }),
      ],
    );
    expect(replicas.others.map(({ name, port, ready }) => [name, port, ready])).to.have.deep.members([
      ['weft-operator-b', 8089, true],
      ['weft-operator-c', 8089, false],
      ['weft-operator-d', null, true],
    ]);
  });

  it('see none where they do not serve the stream', () => {
    expect(rig({ servesProxies: false }).replicas.unseen).to.match(/not shared/);
  });

  it('have every status looked at again: at once when they see all, after 30 s when they do not', async () => {
    const { endpoints, clock, told } = rig();
    endpoints(['weft-operator-a'], ['weft-operator-b']);
    await clock.advance(29_000);
    expect(told(), 'a rollout would be over').to.equal(0);
    await clock.advance(2_000);
    expect(told()).to.equal(1);
    endpoints(['weft-operator-a']);
    expect(told()).to.equal(2);
  });

  it('leave statuses alone through a rollout', async () => {
    const { endpoints, clock, told } = rig();
    endpoints(['weft-operator-a'], ['weft-operator-b', false]);
    await clock.advance(5_000);
    endpoints(['weft-operator-a']);
    await clock.advance(60_000);
    expect(told()).to.equal(0);
    expect(clock.timers).to.equal(0);
  });
});
