import { expect } from 'chai';
import { RawCluster, type RawPod } from '../../support/raw-cluster.ts';

const LABEL = 'linkerd.io/control-plane-ns';
const LINKERD_PROXY = {
  name: 'linkerd-proxy',
  image: 'cr.l5d.io/linkerd/proxy:edge-26.1.1',
  ports: [
    { name: 'linkerd-proxy', containerPort: 4143 },
    { name: 'linkerd-admin', containerPort: 4191 },
  ],
  restartPolicy: 'Always',
};
const APPLICATION = { name: 'app', image: 'app:1', ports: [{ name: 'http', containerPort: 8080 }] };

function injectedBy(controlPlane: string): RawPod {
  const spec = { initContainers: [LINKERD_PROXY], containers: [APPLICATION] };
  return { ip: '10.1.0.1', labels: { [LABEL]: controlPlane }, spec };
}

function clusterWith(pod: RawPod): RawCluster {
  const cluster = new RawCluster();
  cluster.namespace({ 'linkerd.io/inject': 'enabled' });
  cluster.service('web', '10.96.0.1', [{ port: 80, targetPort: 8080 }]);
  cluster.slice('web', { port: 8080 }, ['10.1.0.1']);
  cluster.pod('web-1', pod);
  return cluster;
}

describe('pods with the proxy of another control plane', () => {
  for (const controlPlane of ['linkerd', 'linkerd-canary', 'WEFT-SYSTEM', '']) {
    it(`are plaintext peers: label ${JSON.stringify(controlPlane)}`, () => {
      const cluster = clusterWith(injectedBy(controlPlane));
      const [endpoint] = cluster.endpoints('web', 80);
      expect(endpoint).to.deep.include({ address: '10.1.0.1', port: 8080, identity: null, proxyPort: 0 });
      expect(cluster.destination('10.1.0.1', 8080)).to.have.nested.property('endpoint.identity', null);
    });
  }

  it('are not injected a second time, and who asked is told', () => {
    const cluster = clusterWith({ ip: '10.1.0.9' });
    const { decision, patch, warnings } = cluster.pod('web-2', injectedBy('linkerd'));
    expect(decision).to.deep.include({ inject: false, reasons: ['sidecar_already_exists'] });
    expect(patch).to.deep.equal([]);
    expect(warnings).to.deep.equal(['not injected: pod has a sidecar injected already']);
  });

  it('differ from ours, which have an identity, and of which nobody is told', () => {
    const cluster = clusterWith({ ip: '10.1.0.1', ports: [{ containerPort: 8080 }] });
    const identity = 'server.shop.serviceaccount.identity.linkerd.cluster.local';
    expect(cluster.endpoints('web', 80)[0]).to.deep.include({ identity, proxyPort: 4143 });
    expect(cluster.pod('web-2', injectedBy('weft-system')).warnings).to.deep.equal([]);
  });

  it('a label of another control plane on a pod that we inject is replaced', () => {
    const cluster = clusterWith({ ip: '10.1.0.1', labels: { [LABEL]: 'linkerd' }, ports: [{ containerPort: 8080 }] });
    expect(cluster.endpoints('web', 80)[0]?.identity).to.be.a('string');
  });
});
