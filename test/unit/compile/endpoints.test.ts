import { expect } from 'chai';
import { compileEndpoints } from '../../../crds/compile/endpoints.ts';
import type { EndpointSliceModel } from '../../../crds/kinds/endpoint-slice/model.ts';
import type { PodModel } from '../../../crds/kinds/pod/model.ts';
import { PROXY_PORTS } from '../../../proxy-image/contract/ports.ts';
import type { Endpoint } from '../../../proxy-image/contract/resources.ts';
import {
  mesh,
  namespace,
  pod,
  server,
  service,
  servicePort,
  slice,
  sliceEndpoint,
  TestCluster,
  webCluster,
} from '../../support/models.ts';

const WEB = { namespace: 'app', service: 'web', port: 80, family: 'ipv4' as const };

function endpoints(cluster: TestCluster, key: Partial<typeof WEB> = {}): Endpoint[] {
  return compileEndpoints(cluster.state, { ...WEB, ...key }).endpoints;
}

function addresses(cluster: TestCluster, key: Partial<typeof WEB> = {}): string[] {
  return endpoints(cluster, key).map(({ address, port }) => `${address}:${port}`);
}

function withSlices(...slices: EndpointSliceModel[]): TestCluster {
  const cluster = new TestCluster();
  cluster.apply('Service', service('web', '10.0.0.1'));
  cluster.apply('EndpointSlice', ...slices);
  return cluster;
}

/** The endpoint of one pod behind `web`. */
function endpointOf(fields: Partial<Omit<PodModel, 'meta'>> & { meta?: Partial<PodModel['meta']> }): Endpoint {
  const cluster = withSlices(slice('s', 'web', [sliceEndpoint('10.1.0.1', { targetPod: 'web-1' })]));
  cluster.apply('Pod', pod('web-1', '10.1.0.1', fields));
  const [endpoint] = endpoints(cluster);
  if (endpoint === undefined) throw new Error('no endpoint');
  return endpoint;
}

describe('compile: endpoints', () => {
  it('describes a meshed pod with identity, place and labels', () => {
    const cluster = webCluster();
    cluster.apply(
      'Pod',
      pod('web-1', '10.1.0.1', {
        meta: {
          labels: {
            app: 'web',
            'linkerd.io/control-plane-ns': 'weft-system',
            'pod-template-hash': 'abc',
          },
        },
      }),
    );
    cluster.apply(
      'EndpointSlice',
      slice('web-abc', 'web', [sliceEndpoint('10.1.0.1', { targetPod: 'web-1', zone: 'b', hintZones: ['b', 'a'] })]),
    );
    expect(endpoints(cluster)).to.deep.equal([
      {
        address: '10.1.0.1',
        port: 8080,
        identity: 'web.app.serviceaccount.identity.linkerd.cluster.local',
        proxyPort: 4143,
        protocol: 'detect',
        node: 'node-1',
        zone: 'b',
        hintZones: ['a', 'b'],
        weight: 1,
        labels: {
          control_plane_ns: 'weft-system',
          deployment: 'web',
          namespace: 'app',
          pod: 'web-1',
          pod_template_hash: 'abc',
          service: 'web',
          serviceaccount: 'web',
          zone: 'b',
        },
      },
    ]);
  });

  it('merges slices, sorts, and lists an address once', () => {
    const cluster = withSlices(
      slice('s2', 'web', [sliceEndpoint('10.1.0.3'), sliceEndpoint('10.1.0.1')]),
      slice('s1', 'web', [sliceEndpoint('10.1.0.2'), sliceEndpoint('10.1.0.1', { ready: false })]),
    );
    expect(addresses(cluster)).to.deep.equal(['10.1.0.1:8080', '10.1.0.2:8080', '10.1.0.3:8080']);
  });

  it('takes the port of each slice: a named target port is another number on other pods', () => {
    const port = (number: number) => ({ ports: [{ name: 'http', port: number, protocol: 'TCP' as const }] });
    const cluster = withSlices(
      slice('s1', 'web', [sliceEndpoint('10.1.0.1')], port(8080)),
      slice('s2', 'web', [sliceEndpoint('10.1.0.2')], port(9090)),
    );
    expect(addresses(cluster)).to.deep.equal(['10.1.0.1:8080', '10.1.0.2:9090']);
  });

  it('finds the slice port by the name and protocol of the Service port', () => {
    const cluster = withSlices(
      slice('s1', 'web', [sliceEndpoint('10.1.0.1')], {
        ports: [
          { name: 'http', port: 1, protocol: 'UDP' },
          { name: 'admin', port: 2, protocol: 'TCP' },
          { name: 'http', port: 3, protocol: 'TCP' },
        ],
      }),
    );
    expect(addresses(cluster)).to.deep.equal(['10.1.0.1:3']);
  });

  it('keeps the families apart and ignores FQDN slices', () => {
    const cluster = withSlices(
      slice('s4', 'web', [sliceEndpoint('10.1.0.1')]),
      slice('s6', 'web', [sliceEndpoint('fd00::1')], { addressType: 'IPv6' }),
      slice('sf', 'web', [sliceEndpoint('example.org')], { addressType: 'FQDN' }),
    );
    expect(addresses(cluster)).to.deep.equal(['10.1.0.1:8080']);
    const ipv6 = compileEndpoints(cluster.state, { ...WEB, family: 'ipv6' }).endpoints;
    expect(ipv6.map(({ address }) => address)).to.deep.equal(['fd00::1']);
  });

  it('leaves out what is not ready or terminating', () => {
    const cluster = withSlices(
      slice('s', 'web', [
        sliceEndpoint('10.1.0.1'),
        sliceEndpoint('10.1.0.2', { ready: false }),
        sliceEndpoint('10.1.0.3', { terminating: true, ready: false }),
        // publishNotReadyAddresses: terminating and still called ready.
        sliceEndpoint('10.1.0.4', { terminating: true, ready: true }),
      ]),
    );
    expect(addresses(cluster)).to.deep.equal(['10.1.0.1:8080']);
  });

  it('uses terminating endpoints that still serve when there are no others', () => {
    const cluster = withSlices(
      slice('s', 'web', [
        sliceEndpoint('10.1.0.1', { ready: false }),
        sliceEndpoint('10.1.0.2', { terminating: true, ready: false, serving: true }),
        sliceEndpoint('10.1.0.3', { terminating: true, ready: false, serving: false }),
      ]),
    );
    expect(addresses(cluster)).to.deep.equal(['10.1.0.2:8080']);
  });

  it('has no endpoints for a missing Service, a missing port, or an ExternalName', () => {
    const cluster = webCluster();
    expect(addresses(cluster, { service: 'gone' })).to.deep.equal([]);
    expect(addresses(cluster, { port: 81 })).to.deep.equal([]);
    cluster.apply('Service', service('web', '', { type: 'ExternalName', headless: false }));
    expect(addresses(cluster)).to.deep.equal([]);
  });

  it('has endpoints of a headless Service, as a backend may be one', () => {
    const cluster = webCluster();
    cluster.apply('Service', service('web', '', { ports: [servicePort(80)] }));
    expect(addresses(cluster)).to.have.length(2);
  });

  it('takes addresses without any pod, in plaintext', () => {
    const cluster = withSlices(slice('s', 'web', [sliceEndpoint('192.0.2.1')]));
    expect(endpoints(cluster)[0]).to.deep.include({ identity: null, proxyPort: 0, protocol: 'detect' });
  });
});

describe('compile: the pod behind an address', () => {
  it('is found by address where there is no targetRef', () => {
    const cluster = webCluster();
    cluster.apply('EndpointSlice', slice('web-abc', 'web', [sliceEndpoint('10.1.0.2')]));
    expect(endpoints(cluster)[0]?.labels['pod']).to.equal('web-2');
  });

  it('is not believed from a targetRef to a pod that has another address', () => {
    const cluster = webCluster();
    cluster.apply('EndpointSlice', slice('web-abc', 'web', [sliceEndpoint('192.0.2.1', { targetPod: 'web-1' })]));
    expect(endpoints(cluster)[0]).to.deep.include({ identity: null });
    cluster.apply('EndpointSlice', slice('web-abc', 'web', [sliceEndpoint('10.1.0.2', { targetPod: 'web-1' })]));
    expect(endpoints(cluster)[0]?.labels['pod']).to.equal('web-2');
  });

  it('is found by targetRef before its address is known', () => {
    const cluster = webCluster();
    cluster.apply('Pod', pod('late', '10.1.0.3', { ips: [] }));
    cluster.apply('EndpointSlice', slice('web-abc', 'web', [sliceEndpoint('10.1.0.3', { targetPod: 'late' })]));
    expect(endpoints(cluster)[0]?.labels['pod']).to.equal('late');
  });
});

describe('compile: identity of an endpoint', () => {
  it('is that of the ServiceAccount, under the suffix of the Mesh', () => {
    const cluster = webCluster();
    cluster.apply('Mesh', mesh({ identity: { ...mesh().identity, suffix: 'mesh.example' } }));
    expect(endpoints(cluster)[0]?.identity).to.equal('web.app.serviceaccount.identity.mesh.example');
  });

  it('is absent for pods outside the mesh', () => {
    expect(endpointOf({ meshed: false })).to.deep.include({ identity: null, proxyPort: 0 });
  });

  it('is absent for ports that bypass the inbound proxy, and for those only (D4)', () => {
    expect(endpointOf({ skipInboundPorts: [[8000, 8080]] })).to.deep.include({ identity: null, proxyPort: 0 });
    expect(endpointOf({ skipInboundPorts: [[8081, 8082]] }).identity).to.be.a('string');
  });

  it('is proven on the port of the pod’s proxy, wherever an annotation moved it', () => {
    const proxyPorts = { ...PROXY_PORTS, inboundMesh: 5143, admin: 5191 };
    expect(endpointOf({ proxyPorts })).to.deep.include({ port: 8080, proxyPort: 5143 });
    expect(endpointOf({ proxyPorts: { ...PROXY_PORTS, admin: 8080 } }).identity).to.equal(null);
    expect(endpointOf({ proxyPorts: { ...PROXY_PORTS, tap: 8080 } }).identity).to.equal(null);
  });

  for (const port of [4190, 4191]) {
    it(`is absent for the proxy's own port ${port}`, () => {
      const cluster = webCluster();
      cluster.apply(
        'EndpointSlice',
        slice('web-abc', 'web', [sliceEndpoint('10.1.0.1', { targetPod: 'web-1' })], {
          ports: [{ name: 'http', port, protocol: 'TCP' }],
        }),
      );
      expect(endpoints(cluster)[0]).to.deep.include({ port, identity: null, proxyPort: 0 });
    });
  }
});

describe('compile: protocol and labels of an endpoint', () => {
  it('is opaque by the annotation of the pod, else of its namespace, else by the default list', () => {
    const cluster = webCluster();
    cluster.apply('Namespace', namespace('app', { 'config.linkerd.io/opaque-ports': '8080' }));
    expect(endpoints(cluster).map(({ protocol }) => protocol)).to.deep.equal(['opaque', 'opaque']);
    cluster.apply('Pod', pod('web-1', '10.1.0.1', { meta: { annotations: { 'config.linkerd.io/opaque-ports': '' } } }));
    expect(endpoints(cluster).map(({ protocol }) => protocol)).to.deep.equal(['detect', 'opaque']);
  });

  it('is what the oldest Server on the port says', () => {
    const cluster = webCluster();
    cluster.apply(
      'Server',
      server('old', { proxyProtocol: 'opaque', meta: { creationTimestamp: '2025-01-01T00:00:00Z' } }),
    );
    cluster.apply('Server', server('new', { proxyProtocol: 'HTTP/1' }));
    expect(endpoints(cluster)[0]?.protocol).to.equal('opaque');
    cluster.apply(
      'Server',
      server('old', { proxyProtocol: 'HTTP/2', meta: { creationTimestamp: '2025-01-01T00:00:00Z' } }),
    );
    expect(endpoints(cluster)[0]?.protocol).to.equal('http2');
  });

  for (const [proxyProtocol, protocol] of [
    ['unknown', 'detect'],
    ['HTTP/1', 'http1'],
    ['HTTP/2', 'http2'],
    ['gRPC', 'http2'],
    ['TLS', 'opaque'],
  ] as const) {
    it(`is ${protocol} by a Server that says ${proxyProtocol}, but for opaque ports of the pod`, () => {
      const cluster = webCluster();
      cluster.apply('Server', server('web', { proxyProtocol }));
      expect(endpoints(cluster)[0]?.protocol).to.equal(protocol);
      cluster.apply('Namespace', namespace('app', { 'config.linkerd.io/opaque-ports': '8080' }));
      expect(endpoints(cluster)[0]?.protocol).to.equal('opaque');
    });
  }

  const owners: [string, string | null][] = [
    ['Deployment', 'deployment'],
    ['StatefulSet', 'statefulset'],
    ['DaemonSet', 'daemonset'],
    ['ReplicaSet', 'replicaset'],
    ['ReplicationController', 'replicationcontroller'],
    ['Job', 'k8s_job'],
    ['', null],
    ['Evil"} 1\n', null],
  ];
  for (const [kind, label] of owners) {
    it(`labels the owner '${kind.trim()}' as ${label}`, () => {
      const { labels } = endpointOf({ owner: { kind, name: 'x' } });
      const others = ['namespace', 'pod', 'service', 'serviceaccount', 'control_plane_ns'];
      expect(Object.keys(labels).filter((key) => !others.includes(key))).to.deep.equal(label === null ? [] : [label]);
    });
  }
});
