import { expect } from 'chai';
import { reduceEndpointSlice } from '../../../../crds/kinds/endpoint-slice/parse.ts';
import { reduceNamespace } from '../../../../crds/kinds/namespace/parse.ts';
import { reducePod } from '../../../../crds/kinds/pod/parse.ts';
import { reduceService } from '../../../../crds/kinds/service/parse.ts';

describe('Service', () => {
  const service = (spec: unknown) => reduceService({ metadata: { name: 'web', namespace: 'shop' }, spec });

  it('keeps addresses, ports and selector', () => {
    const model = service({
      clusterIP: '10.96.0.7',
      clusterIPs: ['10.96.0.7', 'fd00::7'],
      internalTrafficPolicy: 'Local',
      selector: { app: 'web' },
      ports: [
        { name: 'http', port: 80, targetPort: 8080, protocol: 'TCP', appProtocol: 'http' },
        { port: 53, targetPort: 'dns', protocol: 'UDP' },
        { port: 9000 },
      ],
    });
    expect(model).to.deep.include({
      type: 'ClusterIP',
      clusterIPs: ['10.96.0.7', 'fd00::7'],
      headless: false,
      internalTrafficPolicy: 'Local',
    });
    expect(model.selector).to.deep.equal({ app: 'web' });
    expect(model.ports).to.deep.equal([
      { name: 'http', port: 80, targetPort: 8080, protocol: 'TCP', appProtocol: 'http' },
      { name: '', port: 53, targetPort: 'dns', protocol: 'UDP', appProtocol: '' },
      { name: '', port: 9000, targetPort: 9000, protocol: 'TCP', appProtocol: '' },
    ]);
  });

  it('is headless without a cluster address, which an ExternalName is not', () => {
    expect(service({ clusterIP: 'None', clusterIPs: ['None'] })).to.deep.include({ headless: true, clusterIPs: [] });
    expect(service({ clusterIP: 'None' })).to.deep.include({ headless: true, clusterIPs: [] });
    expect(service({ type: 'ExternalName', externalName: 'example.com' })).to.deep.include({
      headless: false,
      clusterIPs: [],
    });
    expect(service({ type: 'LoadBalancer', clusterIP: '10.96.0.8' })).to.deep.include({
      type: 'LoadBalancer',
      clusterIPs: ['10.96.0.8'],
    });
  });
});

describe('EndpointSlice', () => {
  it('counts an unset readiness as ready, and unset serving as the readiness', () => {
    const slice = reduceEndpointSlice({
      metadata: { name: 'web-abc', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'web' } },
      addressType: 'IPv6',
      ports: [{ name: 'http', port: 8080, protocol: 'TCP' }, { port: null }, { name: null, port: 53, protocol: 'UDP' }],
      endpoints: [
        {
          addresses: ['fd00::1'],
          targetRef: { kind: 'Pod', name: 'web-1' },
          nodeName: 'n1',
          zone: 'z1',
          hints: { forZones: [{ name: 'z1' }, {}] },
        },
        {
          addresses: ['fd00::2'],
          conditions: { ready: null, serving: null, terminating: null },
          targetRef: { kind: 'Node', name: 'n' },
        },
        { addresses: ['fd00::3'], conditions: { ready: false, serving: true, terminating: true } },
        { addresses: ['fd00::4'], conditions: { ready: false } },
      ],
    });
    expect(slice).to.deep.include({ service: 'web', addressType: 'IPv6' });
    expect(slice.ports).to.deep.equal([
      { name: 'http', port: 8080, protocol: 'TCP' },
      { name: '', port: 53, protocol: 'UDP' },
    ]);
    const none = { nodeName: '', zone: '', hintZones: [], targetPod: '' };
    expect(slice.endpoints).to.deep.equal([
      {
        addresses: ['fd00::1'],
        ready: true,
        serving: true,
        terminating: false,
        targetPod: 'web-1',
        nodeName: 'n1',
        zone: 'z1',
        hintZones: ['z1'],
      },
      { addresses: ['fd00::2'], ready: true, serving: true, terminating: false, ...none },
      { addresses: ['fd00::3'], ready: false, serving: true, terminating: true, ...none },
      { addresses: ['fd00::4'], ready: false, serving: false, terminating: false, ...none },
    ]);
    expect(reduceEndpointSlice({})).to.deep.include({ service: '', addressType: 'IPv4', ports: [], endpoints: [] });
  });
});

describe('Namespace and metadata', () => {
  it('keep labels, and of the annotations those of the mesh', () => {
    const { meta } = reduceNamespace({
      metadata: {
        name: 'shop',
        uid: 'u',
        resourceVersion: '7',
        generation: 3,
        creationTimestamp: '2026-01-01T00:00:00Z',
        labels: { team: 'a', bad: 7 },
        annotations: {
          'linkerd.io/inject': 'enabled',
          'config.linkerd.io/opaque-ports': '25',
          'config.weft.dev/source': 'kubernetes',
          'kubectl.kubernetes.io/last-applied-configuration': '{}',
          'evil-linkerd.io/inject': 'x',
        },
      },
    });
    expect(meta).to.deep.include({ namespace: '', name: 'shop', uid: 'u', resourceVersion: '7', generation: 3 });
    expect(meta.labels).to.deep.equal({ team: 'a' });
    expect(Object.keys(meta.annotations).sort()).to.deep.equal([
      'config.linkerd.io/opaque-ports',
      'config.weft.dev/source',
      'linkerd.io/inject',
    ]);
    expect(Object.getPrototypeOf(meta.labels)).to.equal(null);
  });
});

const PROXY = {
  name: 'linkerd-proxy',
  ports: [{ name: 'linkerd-admin', containerPort: 4191 }],
  livenessProbe: { httpGet: { path: '/live', port: 4191 } },
};
const INIT = { name: 'linkerd-init', env: [{ name: 'WEFT_PROXY_SKIP_INBOUND_PORTS', value: '22,9100-9110' }] };

function pod(fields: {
  labels?: object;
  owners?: object[];
  spec?: object;
  status?: object;
  deletionTimestamp?: string;
}) {
  const { labels = {}, owners = [], spec = {}, status = {}, deletionTimestamp } = fields;
  return reducePod({
    metadata: { name: 'web-1', namespace: 'shop', labels, ownerReferences: owners, deletionTimestamp },
    spec,
    status,
  });
}

describe('Pod', () => {
  it('is meshed when it has the label and the container, native or classic', () => {
    const labels = { 'linkerd.io/control-plane-ns': 'weft-system' };
    expect(pod({ labels, spec: { containers: [PROXY] } }).meshed).to.equal(true);
    expect(pod({ labels, spec: { initContainers: [{ ...PROXY, restartPolicy: 'Always' }] } }).meshed).to.equal(true);
    expect(pod({ labels, spec: { initContainers: [PROXY] } }).meshed).to.equal(false);
    expect(pod({ spec: { containers: [PROXY] } }).meshed).to.equal(false);
    expect(
      pod({ labels: { 'linkerd.io/control-plane-ns': 'linkerd' }, spec: { containers: [PROXY] } }).meshed,
    ).to.equal(false);
    expect(pod({ labels, spec: { containers: [{ name: 'web' }] } }).meshed).to.equal(false);
  });

  it('skips the inbound ports that its init container was told', () => {
    const labels = { 'linkerd.io/control-plane-ns': 'weft-system' };
    const spec = (init: object[]) => ({ containers: [PROXY], initContainers: init });
    expect(pod({ labels, spec: spec([INIT]) }).skipInboundPorts).to.deep.equal([
      [22, 22],
      [9100, 9110],
    ]);
    expect(pod({ labels, spec: spec([{ name: 'linkerd-init' }]) }).skipInboundPorts).to.deep.equal([
      [4567, 4567],
      [4568, 4568],
    ]);
    expect(
      pod({ labels, spec: spec([{ ...INIT, env: [{ name: 'WEFT_PROXY_SKIP_INBOUND_PORTS', value: ',' }] }]) })
        .skipInboundPorts,
    ).to.deep.equal([]);
    expect(
      pod({ labels, spec: spec([{ ...INIT, env: [{ name: 'WEFT_PROXY_SKIP_INBOUND_PORTS', value: '' }] }]) })
        .skipInboundPorts,
      'an empty variable is an absent one',
    ).to.deep.equal([
      [4567, 4567],
      [4568, 4568],
    ]);
    expect(
      pod({ labels, spec: spec([{ ...INIT, env: [{ name: 'WEFT_PROXY_SKIP_INBOUND_PORTS', value: 'x' }] }]) })
        .skipInboundPorts,
    ).to.deep.equal([]);
    expect(pod({ spec: spec([]) }).skipInboundPorts).to.deep.equal([]);
    expect(pod({ spec: { initContainers: [INIT] } }).skipInboundPorts).to.deep.equal([]);
  });

  it('belongs to the Deployment whose ReplicaSet made it, else to its controller', () => {
    const owner = (kind: string, name: string) => [
      { kind: 'Other', name: 'x' },
      { kind, name, controller: true },
    ];
    const hash = { 'pod-template-hash': '6d4cf56db6' };
    expect(pod({ labels: hash, owners: owner('ReplicaSet', 'web-v2-6d4cf56db6') }).owner).to.deep.equal({
      kind: 'Deployment',
      name: 'web-v2',
    });
    expect(pod({ labels: hash, owners: owner('ReplicaSet', 'web-other') }).owner).to.deep.equal({
      kind: 'ReplicaSet',
      name: 'web-other',
    });
    const rollout = { 'rollouts-pod-template-hash': '6d4cf56db6' };
    expect(pod({ labels: rollout, owners: owner('ReplicaSet', 'web-6d4cf56db6') }).owner).to.deep.equal({
      kind: 'ReplicaSet',
      name: 'web-6d4cf56db6',
    });
    expect(pod({ owners: owner('StatefulSet', 'db') }).owner).to.deep.equal({ kind: 'StatefulSet', name: 'db' });
    expect(pod({ owners: [{ kind: 'ReplicaSet', name: 'x' }] }).owner).to.deep.equal({ kind: '', name: '' });
    expect(pod({}).owner).to.deep.equal({ kind: '', name: '' });
  });

  it('has the TCP ports of its containers and native sidecars', () => {
    const containers = [
      { name: 'web', ports: [{ name: 'http', containerPort: 8080 }, { containerPort: 53, protocol: 'UDP' }, {}] },
      PROXY,
    ];
    const initContainers = [
      { name: 'cache', restartPolicy: 'Always', ports: [{ containerPort: 6379, protocol: 'TCP' }] },
      { name: 'setup', ports: [{ containerPort: 1 }] },
    ];
    expect(pod({ spec: { containers, initContainers } }).containerPorts).to.deep.equal([
      { name: 'http', port: 8080 },
      { name: 'linkerd-admin', port: 4191 },
      { name: '', port: 6379 },
    ]);
  });

  it('has the HTTP probes of the application: each once, named ports resolved, paths as the kubelet asks for them', () => {
    const web = {
      name: 'web',
      ports: [{ name: 'http', containerPort: 8080 }],
      livenessProbe: { httpGet: { path: '/live?full=1#x', port: 'http' } },
      readinessProbe: { httpGet: { path: 'ready', port: 8081 } },
      startupProbe: { httpGet: { port: '8082' } },
      lifecycle: {
        postStart: { httpGet: { path: '/warm up', port: 8080 } },
        preStop: { httpGet: { path: '/drain', port: 8080, scheme: 'HTTP' } },
      },
    };
    const other = {
      name: 'other',
      livenessProbe: { httpGet: { path: '/live', port: 8080 } },
      readinessProbe: { tcpSocket: { port: 1 } },
      startupProbe: { httpGet: { port: 'none' } },
    };
    expect(pod({ spec: { containers: [web, other, PROXY] } }).httpProbes).to.deep.equal([
      { port: 8080, target: '/live?full=1' },
      { port: 8081, target: '/ready' },
      { port: 8082, target: '/' },
      { port: 8080, target: '/warm%20up' },
      { port: 8080, target: '/drain' },
      { port: 8080, target: '/live' },
    ]);
  });

  it('has no HTTP probe where the kubelet asks another host, or in TLS, or on no port', () => {
    const probes = [
      { path: '/a', port: 8080, host: '10.0.0.1' },
      { path: '/b', port: 8443, scheme: 'HTTPS' },
      { path: '/c', port: 70_000 },
      { path: '/d', port: 80.5 },
      { path: 'mailto:e', port: 8080 },
    ];
    const containers = probes.map((httpGet, index) => ({ name: `c${index}`, livenessProbe: { httpGet } }));
    expect(pod({ spec: { containers } }).httpProbes).to.deep.equal([]);
  });

  it('has the ports of gRPC probes, those of native sidecars included', () => {
    const probe = (port: unknown) => ({ grpc: { port, service: 'x' } });
    const containers = [
      { name: 'web', livenessProbe: probe(9000), readinessProbe: probe(9000), startupProbe: probe('9001') },
      { ...PROXY, livenessProbe: probe(4191) },
    ];
    const initContainers = [
      { name: 'cache', restartPolicy: 'Always', startupProbe: probe(9002) },
      { name: 'setup', startupProbe: probe(9003) },
    ];
    expect(pod({ spec: { containers, initContainers } }).grpcProbePorts).to.deep.equal([9000, 9002]);
  });

  it('keeps addresses, phase, account, node and network', () => {
    const model = pod({
      spec: { serviceAccountName: 'web', nodeName: 'n1', hostNetwork: true },
      status: { phase: 'Running', podIP: '10.1.2.3', podIPs: [{ ip: '10.1.2.3' }, { ip: 'fd00::3' }] },
      deletionTimestamp: '2026-01-01T00:00:00Z',
    });
    expect(model).to.deep.include({
      ips: ['10.1.2.3', 'fd00::3'],
      phase: 'Running',
      terminating: true,
      hostNetwork: true,
      serviceAccount: 'web',
      nodeName: 'n1',
    });
    expect(pod({ status: { podIP: '10.1.2.3' } })).to.deep.include({
      ips: ['10.1.2.3'],
      phase: 'Pending',
      terminating: false,
      serviceAccount: 'default',
      hostNetwork: false,
    });
  });
});
