import { expect } from 'chai';
import { readInitConfig, readRunConfig } from '../../../proxy-image/config/config.ts';
import type { Endpoint } from '../../../proxy-image/contract/resources.ts';
import { redirectTable } from '../../../proxy-image/io/init/table.ts';
import type { Container } from '../../../webhooks/inject/kubernetes.ts';
import { ANCHORS } from '../../support/pods.ts';
import { RawCluster } from '../../support/raw-cluster.ts';

const PREFIX = 'config.linkerd.io/';
const MOVED = { 'inbound-port': 5143, 'outbound-port': 5140, 'admin-port': 5191, 'control-port': 5190 };
const MOVED_ANNOTATIONS = Object.fromEntries(
  Object.entries(MOVED).map(([name, port]) => [`${PREFIX}${name}`, String(port)]),
);
const DEFAULTS = { 'inbound-port': 4143, 'outbound-port': 4140, 'admin-port': 4191, 'control-port': 4190 };

/** One pod whose application listens on every port that some proxy might have. */
function clusterWith(annotations: Record<string, string>, at: 'pod' | 'namespace' = 'pod') {
  const cluster = new RawCluster();
  cluster.namespace(at === 'namespace' ? annotations : {});
  const ports = [...Object.values(MOVED), ...Object.values(DEFAULTS)];
  const pod = cluster.pod('web-1', {
    ip: '10.1.0.1',
    annotations: at === 'pod' ? annotations : {},
    ports: ports.map((containerPort) => ({ containerPort })),
  });
  const endpoint = (port: number): Endpoint => {
    cluster.service('web', '10.96.0.1', [{ port: 80, targetPort: port }]);
    cluster.slice('web', { port }, ['10.1.0.1']);
    const [found] = cluster.endpoints('web', 80).filter((each) => each.port === port);
    cluster.slice('web', { port }, []);
    return found!;
  };
  return { cluster, pod, endpoint };
}

function environmentOf({ env }: Container): Record<string, string> {
  const values = env.map((entry) => [entry.name, 'value' in entry ? entry.value : '']);
  return {
    ...Object.fromEntries(values),
    WEFT_PROXY_POD_NAME: 'web-1',
    WEFT_PROXY_POD_NAMESPACE: 'shop',
    WEFT_PROXY_POD_IPS: '10.1.0.1',
  };
}

describe('ports of the proxy that annotations have moved', () => {
  for (const at of ['pod', 'namespace'] as const) {
    it(`leave the application’s own 4140, 4143, 4190 and 4191 in the mesh: annotated on the ${at}`, () => {
      const { endpoint } = clusterWith(MOVED_ANNOTATIONS, at);
      for (const port of Object.values(DEFAULTS)) {
        expect(endpoint(port).identity, String(port)).to.be.a('string');
        expect(endpoint(port).proxyPort, String(port)).to.equal(5143);
      }
      for (const port of [5190, 5191]) expect(endpoint(port).identity, String(port)).to.equal(null);
    });
  }

  it('… and have a policy there, but none where other proxies come in', () => {
    const { cluster } = clusterWith(MOVED_ANNOTATIONS);
    const { ports } = cluster.workload('web-1');
    expect(ports).to.include.keys('4140', '4143', '4190', '4191');
    expect(ports).not.to.include.keys('5143');
  });

  it('… and are what redirection leaves alone', () => {
    const { pod } = clusterWith(MOVED_ANNOTATIONS);
    const table = redirectTable('inet', readInitConfig(environmentOf(pod.init)));
    expect(table).to.contain('tcp dport { 5143, 5190-5191 } return comment "ports of the proxy itself"');
    expect(table).to.contain('redirect to :5140');
    for (const port of Object.values(DEFAULTS)) expect(table).not.to.contain(String(port));
  });

  it('… and are what the proxy takes for its own', () => {
    const { pod } = clusterWith(MOVED_ANNOTATIONS);
    const { listen } = readRunConfig({ ...environmentOf(pod.proxy), WEFT_PROXY_TRUST_ANCHORS: ANCHORS });
    const ports = [listen.outbound, listen.inbound, listen.inboundPlain, listen.admin].map(([one]) => one?.port);
    expect([...ports, listen.tapPort]).to.deep.equal([5140, 5143, 4144, 5191, 5190]);
  });

  it('are where Linkerd has them without an annotation', () => {
    const { endpoint, pod } = clusterWith({});
    expect(pod.warnings).to.deep.include('container "app" has the port 4190, on which the proxy listens');
    for (const port of [4190, 4191]) expect(endpoint(port).identity).to.equal(null);
    for (const port of [5190, 5191]) expect(endpoint(port)).to.deep.include({ proxyPort: 4143 });
  });

  it('stay where they are when two of them would meet', () => {
    const { endpoint, pod } = clusterWith({ ...MOVED_ANNOTATIONS, [`${PREFIX}control-port`]: '5191' });
    expect(endpoint(4191).identity).to.equal(null);
    expect(endpoint(5191).proxyPort).to.equal(4143);
    expect(pod.warnings.join()).to.contain('are not all different');
  });
});
