import { expect } from 'chai';
import { authorizeConnection, InboundPeer } from '../../../proxy-image/core/policy/authorize.ts';
import type { PolicyDecision } from '../../../proxy-image/core/policy/policy.ts';
import type { Address, Transport } from '../../../proxy-image/io/transport/types.ts';
import { createTestAuthority } from '../../support/certificates.ts';
import { RawCluster } from '../../support/raw-cluster.ts';
import { WORKLOAD_KEY } from '../../unit/core/fixtures.ts';
import { until } from '../transport/recorder.ts';
import { SHORT_QUEUE, TestMesh, type TestProxy } from './mesh.ts';
import { dialRaw, GET, ok, type Served, serveHttp } from './peers.ts';

const SERVICE: Address = { ip: '10.96.0.7', port: 80 };
const POLICY = 'config.linkerd.io/default-inbound-policy';

/** Pods with the proxy of another control plane, from raw objects to what is on the wire. */
export function foreignSuite(create: (onFault: (error: unknown) => void) => Transport): void {
  let mesh: TestMesh;
  let client: TestProxy;
  let application: { port: number; served: Served[] };
  let cluster: RawCluster;

  beforeEach(async () => {
    mesh = new TestMesh(create);
    client = await mesh.proxy({ originalDestination: { of: () => SERVICE } });
    application = await serveHttp(mesh, () => ok('fine'));
    cluster = new RawCluster();
    cluster.namespace({});
    cluster.service('web', SERVICE.ip, [{ port: SERVICE.port, targetPort: application.port }]);
    cluster.slice('web', { port: application.port }, ['127.0.0.1']);
  });
  afterEach(() => mesh.stop());

  it('are called in plaintext, at their application’s port: their own proxy is behind it', async () => {
    const stranger = await mesh.proxy({ authority: createTestAuthority() });
    const proxy = {
      name: 'linkerd-proxy',
      image: 'cr.l5d.io/linkerd/proxy:edge-26.1.1',
      restartPolicy: 'Always',
      ports: [{ name: 'linkerd-proxy', containerPort: stranger.inbound.port }],
      env: [{ name: 'WEFT_PROXY_INBOUND_LISTEN', value: `[::]:${stranger.inbound.port}` }],
    };
    const containers = [{ name: 'app', image: 'app:1', ports: [{ containerPort: application.port }] }];
    const labels = { 'linkerd.io/control-plane-ns': 'linkerd' };
    cluster.pod('web-1', { ip: '127.0.0.1', labels, spec: { containers, initContainers: [proxy] } });
    client.set(`endpoints/shop/web:${SERVICE.port}/ipv4`, {
      sources: '1',
      endpoints: cluster.endpoints('web', SERVICE.port),
    });
    client.set(`service/${SERVICE.ip}:${SERVICE.port}`, cluster.destination(SERVICE.ip, SERVICE.port));
    const caller = dialRaw(mesh, client.outbound);
    caller.send(GET);
    expect(await caller.hears('\r\n\r\n')).to.match(/^HTTP\/1\.1 200 /);
    expect(client.metrics()).to.match(/request_total\{direction="outbound"[^}]*tls="no_identity"/);
    expect(client.metrics()).not.to.match(/tcp_open_total\{direction="outbound"[^}]*tls="true"/);
  });

  it('come in without an identity, in plaintext: answered, unless the policy wants one', async () => {
    const original = { ip: '127.0.0.1', port: application.port };
    const server = await mesh.proxy({ serviceAccount: 'server', originalDestination: { of: () => original } });
    const ports = [{ containerPort: application.port }];
    const stranger = new InboundPeer('10.1.0.9', null, false);
    const judged = (policy: string): PolicyDecision => {
      cluster.pod('web-1', { ip: '127.0.0.1', annotations: { [POLICY]: policy }, ports });
      server.set(WORKLOAD_KEY, cluster.workload('web-1'));
      return authorizeConnection(server.state.inboundPort(application.port).policy, stranger);
    };
    expect(judged('all-authenticated')).to.include({ allowed: false, reason: 'identity_required' });
    expect(judged('all-unauthenticated')).to.include({ allowed: true });
    const caller = dialRaw(mesh, server.inboundPlain);
    caller.send(GET);
    expect(await caller.hears('\r\n\r\n')).to.contain('HTTP/1.1 200 ');
  });

  it('are refused where they come with a certificate of their own authority', async () => {
    const server = await mesh.proxy({ serviceAccount: 'server' });
    const stranger = await mesh.proxy({ authority: createTestAuthority(), originalDestination: { of: () => SERVICE } });
    const ports = [{ containerPort: application.port }];
    const annotations = { 'config.linkerd.io/inbound-port': String(server.inbound.port) };
    cluster.pod('web-1', { ip: '127.0.0.1', annotations, ports });
    server.set(WORKLOAD_KEY, cluster.workload('web-1'));
    stranger.set(`endpoints/shop/web:${SERVICE.port}/ipv4`, {
      sources: '1',
      endpoints: cluster.endpoints('web', SERVICE.port),
    });
    const destination = cluster.destination(SERVICE.ip, SERVICE.port);
    if (destination.type !== 'service') throw new Error('no Service');
    for (const { dispatch } of destination.policy.backends) {
      if (dispatch.type === 'balance') dispatch.queue = SHORT_QUEUE;
    }
    stranger.set(`service/${SERVICE.ip}:${SERVICE.port}`, destination);
    const caller = dialRaw(mesh, stranger.outbound);
    caller.send(GET);
    await until(() => caller.text.includes('\r\n\r\n') || caller.closed, 'a refusal');
    expect(caller.text).not.to.contain(' 200 ');
    expect(application.served).to.have.length(0);
  });
}
