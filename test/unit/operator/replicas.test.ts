import { expect } from 'chai';
import { ENDPOINT_SLICE, type EndpointSliceModel } from '../../../crds/kinds/endpoint-slice/model.ts';
import { KINDS } from '../../../crds/kinds/registry.ts';
import { ClusterState } from '../../../crds/state/cluster-state.ts';
import { Replicas } from '../../../operator/replicas/replicas.ts';
import { slice, sliceEndpoint } from '../../support/models.ts';

const NAMESPACE = 'weft-system';

function rig() {
  const state = new ClusterState(KINDS);
  const replicas = new Replicas({ state, namespace: NAMESPACE, podName: 'weft-operator-a' });
  let version = 1;
  const endpoints = (...pods: [name: string, ready?: boolean][]) => {
    const list = pods.map(([targetPod, ready = true], i) => sliceEndpoint(`10.0.0.${i}`, { targetPod, ready }));
    const meta = { namespace: NAMESPACE, resourceVersion: String(++version) };
    const model = slice('weft-operator-1', 'weft-operator', list, { meta });
    state.apply(ENDPOINT_SLICE, model, model.meta);
  };
  const apply = (name: string, ports: EndpointSliceModel['ports'], list: EndpointSliceModel['endpoints']) => {
    const model = slice(name, 'weft-operator', list, {
      meta: { namespace: NAMESPACE, resourceVersion: String(++version) },
      ports,
    });
    state.apply(ENDPOINT_SLICE, model, model.meta);
  };
  return { replicas, endpoints, apply };
}

describe('replicas of the operator', () => {
  it('are one where there is no Service at all, and those of its endpoints that are ready', () => {
    const { replicas, endpoints } = rig();
    expect([replicas.ready, replicas.areKnown]).to.deep.equal([1, false]);
    endpoints(['weft-operator-a'], ['weft-operator-b'], ['weft-operator-c', false]);
    expect([replicas.ready, replicas.areKnown]).to.deep.equal([2, true]);
  });

  it('have proxies where they have the port for them, ready or not, until they are gone', () => {
    const { replicas, apply } = rig();
    const endpoint = (name: string, address: string, fields = {}) =>
      sliceEndpoint(address, { targetPod: name, ...fields });
    const config = [{ name: 'config', port: 8086, protocol: 'TCP' as const }];
    apply('with', config, [
      endpoint('weft-operator-a', '10.0.0.1'),
      endpoint('weft-operator-b', '10.0.0.2'),
      endpoint('weft-operator-c', '10.0.0.3', { ready: false, terminating: true }),
    ]);
    apply(
      'without',
      [{ name: 'viz', port: 8089, protocol: 'TCP' as const }],
      [endpoint('weft-operator-b', '10.0.0.2'), endpoint('weft-operator-controllers', '10.0.0.4')],
    );
    expect(replicas.followed).to.deep.equal([
      { name: 'weft-operator-b', address: '10.0.0.2', port: 8086, ready: true, terminating: false },
      { name: 'weft-operator-c', address: '10.0.0.3', port: 8086, ready: false, terminating: true },
    ]);
  });

  it('know the others by address, and by the port at which they are asked; an older one has none, one that ends or has neither proxies nor numbers does not count', () => {
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
    apply(
      'webhooks-4',
      [{ name: 'webhooks', port: 8443, protocol: 'TCP' as const }],
      [endpoint('weft-webhooks-a', '10.0.0.6')],
    );
    expect(replicas.others.map(({ name, port, ready }) => [name, port, ready])).to.have.deep.members([
      ['weft-operator-b', 8089, true],
      ['weft-operator-c', 8089, false],
      ['weft-operator-d', null, true],
    ]);
  });
});
