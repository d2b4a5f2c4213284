import { expect } from 'chai';
import type { Transport } from '../../../proxy-image/io/transport/types.ts';
import { compileRaw, injected, type Raw } from '../../support/inbound.ts';
import { WORKLOAD_KEY } from '../../unit/core/fixtures.ts';
import { ask, dialHttp2, echo, serveHttp2 } from './http2-peers.ts';
import { TestMesh, type TestProxy } from './mesh.ts';
import { dialRaw, ok, serveHttp } from './peers.ts';

const CHECK = '/grpc.health.v1.Health/Check';
const DENY = { 'config.linkerd.io/default-inbound-policy': 'deny' };

/** From the pod as `kubectl` shows it to bytes on a socket: what the kubelet asks is answered under `deny`, and nothing else is. */
export function probesSuite(create: (onFault: (error: unknown) => void) => Transport): void {
  let mesh: TestMesh;
  let client: TestProxy;
  let server: TestProxy;

  beforeEach(async () => {
    mesh = new TestMesh(create);
    client = await mesh.proxy({ serviceAccount: 'client' });
    server = await mesh.proxy({ serviceAccount: 'server' });
    client.setService({ protocol: 'detect' });
  });
  afterEach(() => mesh.stop());

  /** The proxy of a pod that denies, with an application on `port` that is probed so. */
  function denying(port: number, probes: Raw): void {
    const web = { name: 'web', ports: [{ name: 'http', containerPort: port }], ...probes };
    server.set(WORKLOAD_KEY, compileRaw({ pod: injected(web), podAnnotations: DENY }));
    client.setEndpoints('web', [{ ...mesh.meshed(server, port), protocol: 'detect' }]);
  }

  it('HTTP probes with a query and with what has to be escaped are answered; their path without it is not', async () => {
    const reached: string[] = [];
    const application = await serveHttp(mesh, (request) => {
      reached.push(request.split('\r\n', 1)[0]!);
      return ok('healthy');
    });
    denying(application.port, {
      readinessProbe: { httpGet: { path: '/health?full=1', port: 'http' } },
      livenessProbe: { httpGet: { path: '/a b/✓', port: 'http' } },
    });
    const kubelet = dialRaw(mesh, client.outbound);
    const status = async (target: string, method = 'GET') => {
      kubelet.text = '';
      kubelet.send(`${method} ${target} HTTP/1.1\r\nHost: 10.1.0.1:8080\r\n\r\n`);
      return Number((await kubelet.hears('\r\n\r\n')).slice(9, 12));
    };
    expect(await status('/health?full=1')).to.equal(200);
    expect(await status('/a%20b/%E2%9C%93')).to.equal(200);
    for (const target of ['/health', '/health?full=2', '/health?full=1&x', '/a%20b', '/', '/%61%20b/%E2%9C%93']) {
      expect(await status(target), target).to.equal(403);
    }
    expect(await status('/health?full=1', 'DELETE')).to.equal(403);
    expect(reached).to.deep.equal(['GET /health?full=1 HTTP/1.1', 'GET /a%20b/%E2%9C%93 HTTP/1.1']);
  });

  it('gRPC probes are answered; other methods get PERMISSION_DENIED', async () => {
    const application = await serveHttp2(mesh, echo);
    denying(application.port, { readinessProbe: { grpc: { port: application.port, service: 'shop' } } });
    const kubelet = dialHttp2(mesh, client.outbound);
    const call = (path: string) => {
      const head = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
      return ask(kubelet, head, Buffer.alloc(5));
    };
    const checked = await call(CHECK);
    expect(JSON.parse(String(checked.headers['x-asked']))[':path']).to.equal(CHECK);
    for (const path of ['/grpc.health.v1.Health/Watch', '/shop.Cart/Add', `${CHECK}?a`]) {
      expect((await call(path)).headers['grpc-status'], path).to.equal('7');
    }
  });
}
