import { expect } from 'chai';
import { readInitConfig, readRunConfig } from '../../../proxy-image/config/config.ts';
import { type PortRange, portInRanges } from '../../../proxy-image/contract/port-ranges.ts';
import { PROXY_PORTS } from '../../../proxy-image/contract/ports.ts';
import type { Container } from '../../../webhooks/inject/kubernetes.ts';
import { ANCHORS, type Injected } from '../../support/pods.ts';
import { RawCluster } from '../../support/raw-cluster.ts';

const PREFIX = 'config.linkerd.io/';
const PORTS = [
  { name: 'mysql', containerPort: 3306 },
  { name: 'metrics', containerPort: 9100 },
  { containerPort: 8080 },
];
/** Declared ones, undeclared ones, defaults. */
const LOOKED_AT = [25, 1000, 2999, 3306, 4143, 4191, 4222, 4567, 6379, 8080, 9100, 65_535];

const LISTS: string[] = [
  '',
  ',',
  'mysql',
  'mysql,metrics',
  '4222,mysql',
  '4222,redis',
  '8080,nonsense',
  'nonsense,8080',
  'nonsense',
  'redis,amqp',
  ' 8080 , 9000-9200 ',
  '9200-9000,8080',
  '0,8080,70000',
  '8080;9100',
  '1-65535',
  '8080,'.repeat(1_000),
  '8080,'.repeat(2_000),
  'linkerd-admin-x,8080',
  // Names of the proxy's own ports: the pod has them only once it is injected.
  'linkerd-admin',
  'linkerd-proxy,8080',
  'linkerd-admin,nonsense',
  // As many ranges as an annotation has room for.
  Array.from({ length: 1_500 }, (_, at) => 2 * at + 1).join(','),
];

interface Deployed {
  cluster: RawCluster;
  pod: Injected;
}

function deploy(annotation: string, onPod: string | null, onNamespace: string | null, mesh: object = {}): Deployed {
  const name = `${PREFIX}${annotation}`;
  const cluster = new RawCluster();
  cluster.mesh({ proxy: mesh });
  cluster.namespace(onNamespace === null ? {} : { [name]: onNamespace });
  const annotations = onPod === null ? {} : { [name]: onPod };
  return { cluster, pod: cluster.pod('web-1', { ip: '10.1.0.1', annotations, ports: PORTS }) };
}

function environmentOf({ env }: Container): Record<string, string> {
  const values = env.map((entry) => [entry.name, 'value' in entry ? entry.value : '']);
  const pod = { WEFT_PROXY_POD_NAME: 'web-1', WEFT_PROXY_POD_NAMESPACE: 'shop', WEFT_PROXY_POD_IPS: '10.1.0.1' };
  return { ...Object.fromEntries(values), ...pod, WEFT_PROXY_TRUST_ANCHORS: ANCHORS };
}

function within(ranges: readonly (readonly [number, number])[]): number[] {
  return LOOKED_AT.filter((port) => portInRanges(port, ranges as PortRange[]));
}

/** Ports that the proxy takes for opaque before it hears from the control plane, and after. */
function opaqueBeforeAndAfter({ cluster, pod }: Deployed): [number[], number[]] {
  const started = readRunConfig(environmentOf(pod.proxy)).inbound.opaquePorts;
  const { ports, opaquePorts } = cluster.workload('web-1');
  const told = LOOKED_AT.filter((port) => {
    const own = ports[port];
    return own === undefined ? portInRanges(port, opaquePorts) : own.protocol === 'opaque';
  });
  return [within(started), told];
}

describe('lists of ports: injection and compiler read the same', () => {
  for (const list of LISTS) {
    const shown = JSON.stringify(list.slice(0, 30)) + (list.length > 30 ? ` (${list.length})` : '');
    it(`opaque-ports ${shown} on pod and namespace`, () => {
      for (const [onPod, onNamespace] of [
        [list, null],
        [null, list],
        [list, '6379'],
        ['6379', list],
      ] as const) {
        const [before, after] = opaqueBeforeAndAfter(deploy('opaque-ports', onPod, onNamespace));
        expect(after, `pod ${onPod?.slice(0, 20)}, namespace ${onNamespace?.slice(0, 20)}`).to.deep.equal(before);
      }
    });

    it(`skip-inbound-ports ${shown}: what redirection leaves alone has no identity`, () => {
      for (const [onPod, onNamespace] of [
        [list, null],
        [null, list],
        [list, '6379'],
        ['6379', list],
      ] as const) {
        const { cluster, pod } = deploy('skip-inbound-ports', onPod, onNamespace);
        const skipped = within(readInitConfig(environmentOf(pod.init)).skipInboundPorts);
        const plain = LOOKED_AT.filter((port) => {
          const destination = cluster.destination('10.1.0.1', port);
          return destination.type === 'pod' && destination.endpoint.identity === null;
        });
        // The proxy's admin port has no identity whatever the list says.
        const withoutAdmin = (ports: number[]) => ports.filter((port) => port !== PROXY_PORTS.admin);
        expect(withoutAdmin(plain)).to.deep.equal(withoutAdmin(skipped));
      }
    });

    it(`proxy-require-identity-inbound-ports ${shown}: closed from the start`, () => {
      for (const [onPod, onNamespace] of [
        [list, null],
        [null, list],
        [list, '6379'],
        ['6379', list],
      ] as const) {
        const { cluster, pod } = deploy('proxy-require-identity-inbound-ports', onPod, onNamespace);
        const started = within(readRunConfig(environmentOf(pod.proxy)).inbound.requireIdentityPorts);
        const { ports, ranges, defaultPolicy } = cluster.workload('web-1');
        const told = LOOKED_AT.filter((port) => {
          const ranged = ranges.find(({ first, last }) => port >= first && port <= last)?.policy;
          const policy = ports[port] ?? ranged ?? defaultPolicy;
          return policy.authorizations.every(({ authentication }) => authentication.type === 'identities');
        });
        expect(told).to.deep.equal(started);
      }
    });
  }

  it('what says nothing leaves the next in line in force, and says so', () => {
    const { pod, cluster } = deploy('opaque-ports', 'redis', 'amqp', { opaquePorts: '8080' });
    expect(opaqueBeforeAndAfter({ pod, cluster })).to.deep.equal([[8080], [8080]]);
    expect(pod.warnings.filter((warning) => warning.includes('is ignored'))).to.have.length(2);
  });

  it('what cannot be read is left out and named, and the rest holds', () => {
    const { pod, cluster } = deploy('opaque-ports', '4222,redis,amqp', null);
    expect(opaqueBeforeAndAfter({ pod, cluster })).to.deep.equal([[4222], [4222]]);
    expect(pod.warnings.join()).to.contain('holds without "redis" and 1 more');
  });

  it('defaults that a pod shows are all of them: ports that no container declares stay opaque', () => {
    const { pod, cluster } = deploy('opaque-ports', null, null);
    expect(pod.pod.metadata.annotations[`${PREFIX}opaque-ports`]).to.contain('3306');
    expect(opaqueBeforeAndAfter({ pod, cluster })).to.deep.equal([
      [25, 3306, 6379],
      [25, 3306, 6379],
    ]);
  });

  it('lists of outbound ports take no names: they are ports of others', () => {
    const { pod } = deploy('skip-outbound-ports', 'mysql,25', null);
    expect(readInitConfig(environmentOf(pod.init)).skipOutboundPorts).to.deep.equal([[25, 25]]);
    expect(pod.warnings.join()).to.contain('holds without "mysql"');
  });

  for (const text of ['80 - 90', ' 25 , 80 ', '25,,80', ',', ' ', '00080', '80-80']) {
    it(`of the Mesh too, however they are written: ${JSON.stringify(text)}`, () => {
      const mesh = { opaquePorts: text, skipInboundPorts: text, skipOutboundPorts: text };
      const deployed = deploy('opaque-ports', null, null, mesh);
      const ranges = deployed.cluster.workload('web-1').opaquePorts;
      const { skipInboundPorts, skipOutboundPorts } = readInitConfig(environmentOf(deployed.pod.init));
      expect(readRunConfig(environmentOf(deployed.pod.proxy)).inbound.opaquePorts).to.deep.equal(ranges);
      expect([skipInboundPorts, skipOutboundPorts]).to.deep.equal([ranges, ranges]);
    });
  }

  it('networks of the Mesh are given to redirection as networks, however they are written', () => {
    const { pod } = deploy('opaque-ports', null, null, { skipSubnets: ' 10.0.0.1/8 ,, FD00::1/64 ' });
    expect(readInitConfig(environmentOf(pod.init)).skipSubnets).to.deep.equal(['10.0.0.0/8', 'fd00::/64']);
  });
});
