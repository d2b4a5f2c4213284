import { expect } from 'chai';
import type { Transport } from '../../../proxy-image/io/transport/types.ts';
import { compileRaw, injected, type Raw, type RawCluster } from '../../support/inbound.ts';
import { WORKLOAD_KEY } from '../../unit/core/fixtures.ts';
import { TestMesh, type TestProxy } from './mesh.ts';
import { dialRaw } from './peers.ts';

const STRANGER = '10.9.9.9';
const DENY = { 'config.linkerd.io/default-inbound-policy': 'deny' };

/** Who may read the admin port: from Servers as users write them to bytes on a socket. */
export function adminSuite(create: (onFault: (error: unknown) => void) => Transport): void {
  let mesh: TestMesh;
  let proxy: TestProxy;

  beforeEach(async () => {
    mesh = new TestMesh(create);
    proxy = await mesh.proxy({ clientsSeenFrom: STRANGER });
  });
  afterEach(() => mesh.stop());

  /** The pod's admin port is where this proxy listens. */
  function told(cluster: RawCluster): void {
    const { containers } = injected({ name: 'web' }) as { containers: Raw[] };
    const ports = [{ name: 'linkerd-admin', containerPort: proxy.admin.port }];
    const env = [{ name: 'WEFT_PROXY_ADMIN_LISTEN', value: `[::]:${proxy.admin.port}` }];
    const pod = { containers: [containers[0], { name: 'linkerd-proxy', ports, env }] };
    proxy.set(WORKLOAD_KEY, compileRaw({ pod, ...cluster }));
  }

  async function status(line: string, host = '10.1.0.1:4191'): Promise<number> {
    const client = dialRaw(mesh, proxy.admin);
    client.send(`${line} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    return Number((await client.hears('\r\n\r\n')).slice(9, 12));
  }

  const server: Raw = { podSelector: {}, port: 'linkerd-admin', proxyProtocol: 'HTTP/1' };
  const scrapers = (cidr: string): Raw => ({
    server: { name: 'server-0' },
    client: { unauthenticated: true, networks: [{ cidr }] },
  });

  it('without a Server: metrics are readable, also under deny', async () => {
    told({ podAnnotations: DENY });
    expect(await status('GET /metrics')).to.equal(200);
  });

  it('with a Server that nothing authorizes for: no metrics, but the kubelet is answered', async () => {
    told({ servers: [server] });
    expect(await status('GET /metrics')).to.equal(403);
    expect(await status('HEAD /metrics')).to.equal(403);
    expect(await status('GET /nothing')).to.equal(403);
    expect(await status('GET /ready')).to.equal(200);
    expect(await status('GET /live')).to.equal(200);
    expect(await status('GET /live?x')).to.equal(403);
    expect(await status('POST /ready')).to.equal(403);
    expect(proxy.metrics()).to.match(/^inbound_http_authz_deny_total\{[^}]*srv_name="server-0"[^}]*\} 5$/m);
  });

  it('by its number, and for a port that was moved, the Server holds as well', async () => {
    told({ servers: [{ ...server, port: proxy.admin.port }] });
    expect(await status('GET /metrics')).to.equal(403);
  });

  it('an authorization of the client’s network opens it, of another network does not', async () => {
    told({ servers: [server], authorizations: [scrapers('10.9.0.0/16')] });
    expect(await status('GET /metrics')).to.equal(200);
    told({ servers: [server], authorizations: [scrapers('10.8.0.0/16')] });
    expect(await status('GET /metrics')).to.equal(403);
  });

  it('accessPolicy counts, and audit lets through what it would deny', async () => {
    told({ servers: [{ ...server, accessPolicy: 'all-authenticated' }] });
    expect(await status('GET /metrics')).to.equal(403);
    told({ servers: [{ ...server, accessPolicy: 'all-unauthenticated' }] });
    expect(await status('GET /metrics')).to.equal(200);
    told({ servers: [{ ...server, accessPolicy: 'audit' }] });
    expect(await status('GET /metrics')).to.equal(200);
  });

  it('a Server opens nothing that is for loopback only', async () => {
    told({ servers: [{ ...server, accessPolicy: 'all-unauthenticated' }] });
    expect(await status('GET /proxy-log-level', 'localhost')).to.equal(403);
  });

  it('a connection that is kept is judged again with each request', async () => {
    told({});
    const client = dialRaw(mesh, proxy.admin);
    const ask = async () => {
      client.text = '';
      client.send('GET /ready?x HTTP/1.1\r\nHost: x\r\n\r\n');
      return Number((await client.hears('\r\n\r\n')).slice(9, 12));
    };
    expect(await ask()).to.equal(200);
    told({ servers: [server] });
    expect(await ask()).to.equal(403);
  });
}
