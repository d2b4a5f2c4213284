import { expect } from 'chai';
import { FixedDestination } from '../../../proxy-image/io/transport/local-network.ts';
import type { TlsCredentials, Transport } from '../../../proxy-image/io/transport/types.ts';
import { createLeaf, createTestAuthority, type LeafDefect } from '../../support/certificates.ts';
import { parsePrometheusText, sampleValue } from '../../support/prometheus-text.ts';
import { type Recorder, until } from '../transport/recorder.ts';
import { identityName, refusals, SHORT_QUEUE, TestMesh, type TestProxy } from './mesh.ts';
import { credentialsOf, goodCredentials, left, meshClient, say } from './mesh-client.ts';
import { dialRaw, GET, ok, serveHttp } from './peers.ts';

/** Every connection that a proxy refuses is counted, once and under the right name, and says in the log why it was. */
export function refusalsSuite(create: (onFault: (error: unknown) => void) => Transport): void {
  let mesh: TestMesh;
  let port: number;
  let proxy: TestProxy;

  beforeEach(async () => {
    mesh = new TestMesh(create);
    ({ port } = await serveHttp(mesh, () => ok('fine')));
    proxy = await mesh.proxy({ serviceAccount: 'server', limits: { handshakeTimeoutMs: 300 } });
    proxy.setPolicy(port, {});
  });
  afterEach(() => mesh.stop());

  /** Counted once in each family, and in no other reason; one line says it in these words. */
  function expectRefusal(direction: string, reason: string, error: string, words: RegExp): void {
    const families = parsePrometheusText(proxy.metrics());
    const counted = families.get('weft_connections_refused_total')!.samples.filter(({ value }) => value > 0);
    expect(counted.map(({ labels, value }) => ({ ...labels, value }))).to.deep.equal([{ direction, reason, value: 1 }]);
    expect(sampleValue(families, `${direction}_tcp_errors_total`, { error }), error).to.equal(1);
    const lines = proxy.log.map((line) => JSON.parse(line)).filter(({ message }) => message === 'connection refused');
    expect(lines).to.have.length(1);
    expect(lines[0]).to.include({ direction });
    expect(lines[0].reason).to.match(words);
  }

  const leaf = (defect: LeafDefect, authority = mesh.authority) =>
    credentialsOf(mesh, createLeaf(authority, identityName('client'), defect));

  async function refused(credentials: TlsCredentials, alpn?: string[]): Promise<Recorder> {
    const client = meshClient(mesh, proxy, credentials, alpn);
    await until(() => left(client), 'refusal');
    return client;
  }

  describe('C7: clients of the mesh port', () => {
    it('one without a certificate is said to have none', async () => {
      await refused({ keyPem: '', certificatePem: '', anchorsPem: mesh.authority.anchorsPem });
      expectRefusal('inbound', 'client_certificate_missing', 'unexpected', /^the client has shown no certificate$/);
    });

    it('one whose certificate nobody here has signed is said to be untrusted', async () => {
      await refused(leaf('none', createTestAuthority()));
      expectRefusal(
        'inbound',
        'client_certificate_untrusted',
        'unexpected',
        /certificate of the client is not trusted/,
      );
    });

    it('one whose certificate has several names is said to have no usable one', async () => {
      await refused(leaf('several SANs'));
      expectRefusal('inbound', 'client_name_unusable', 'unexpected', /no usable name/);
    });

    it('one that names no protocol is said not to have negotiated it', async () => {
      await refused(goodCredentials(mesh), []);
      expectRefusal('inbound', 'alpn', 'unexpected', /transport protocol was not negotiated/);
    });
  });

  it('a handshake that is none, and one that never comes', async () => {
    dialRaw(mesh, proxy.inbound).send(GET);
    await until(() => refusals(proxy, 'inbound', 'handshake_failed') === 1, 'the refusal');
    expectRefusal('inbound', 'handshake_failed', 'i/o', /handshake failed/);
  });

  it('a client that keeps silent on the mesh port', async () => {
    const silent = dialRaw(mesh, proxy.inbound);
    await until(() => silent.closed, 'refusal');
    expectRefusal('inbound', 'handshake_timeout', 'tls detection timeout', /no handshake in time/);
  });

  it('a client that sends no transport header', async () => {
    await refused(goodCredentials(mesh));
    expectRefusal('inbound', 'header_timeout', 'tls detection timeout', /no transport header in time/);
  });

  const HEADERS = [
    { what: 'a gateway', header: () => ({ name: 'web.shop' }), reason: 'gateway', error: 'gateway domain invalid' },
    { what: 'the proxy', header: () => ({ port: proxy.admin.port }), reason: 'own_port', error: 'gateway loop' },
  ];
  for (const { what, header, reason, error } of HEADERS) {
    it(`a transport header that asks for ${what}`, async () => {
      const client = meshClient(mesh, proxy, goodCredentials(mesh));
      await say(client, { port, ...header() }, GET);
      await until(() => left(client), 'refusal');
      expectRefusal('inbound', reason, error, /gateways|the proxy itself/);
    });
  }

  it('bytes that are no transport header', async () => {
    const client = meshClient(mesh, proxy, goodCredentials(mesh));
    await until(() => client.events.includes('secure'), 'handshake');
    client.connection!.write(Buffer.from(GET), 0, GET.length);
    await until(() => left(client), 'refusal');
    expectRefusal('inbound', 'header_malformed', 'unexpected', /transport header is malformed/);
  });

  it('a mesh connection to a proxy that has no certificate yet', async () => {
    proxy.tlsContext = null;
    const client = dialRaw(mesh, proxy.inbound);
    await until(() => client.closed, 'refusal');
    expectRefusal('inbound', 'own_certificate_missing', 'unexpected', /the proxy has no certificate yet/);
  });

  it('redirected plaintext that wants the proxy itself', async () => {
    let wanted = 0;
    proxy = await mesh.proxy({ originalDestination: { of: () => ({ ip: '10.0.0.1', port: wanted }) } });
    wanted = proxy.admin.port;
    const client = dialRaw(mesh, proxy.inboundPlain);
    await until(() => client.closed, 'refusal');
    expectRefusal('inbound', 'own_port', 'gateway loop', /the target is the proxy itself/);
  });

  it('plaintext that was not redirected', async () => {
    proxy = await mesh.proxy({ originalDestination: { of: () => null } });
    const client = dialRaw(mesh, proxy.inboundPlain);
    await until(() => client.closed, 'refusal');
    expectRefusal('inbound', 'not_redirected', 'unexpected', /not redirected/);
  });

  it('an outbound connection that the mesh forbids, with the reason', async () => {
    proxy = await mesh.proxy({ originalDestination: new FixedDestination({ ip: '10.96.0.7', port: 81 }) });
    proxy.set('service/10.96.0.7:81', { sources: '1', type: 'forbidden', reason: 'Service shop/web has no port 81' });
    const client = dialRaw(mesh, proxy.outbound);
    await until(() => client.closed, 'refusal');
    expectRefusal('outbound', 'forbidden', 'unexpected', /forbids the destination/);
    expect(proxy.log.join()).to.contain('Service shop/web has no port 81').and.to.contain('10.96.0.7:81');
  });

  it('an outbound connection that was not redirected', async () => {
    proxy = await mesh.proxy({ originalDestination: { of: () => null } });
    const client = dialRaw(mesh, proxy.outbound);
    await until(() => client.closed, 'refusal');
    expectRefusal('outbound', 'not_redirected', 'unexpected', /the proxy itself/);
  });

  const REQUESTS = [
    { what: 'a malformed head', text: 'GET / HTTP/1.1\r\nHost: a\r\nno field\r\n\r\n', answer: '400' },
    {
      what: 'a malformed body',
      text: 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n',
      answer: '400',
    },
    { what: 'too large a head', text: `GET / HTTP/1.1\r\n${`x: ${'v'.repeat(9000)}\r\n`.repeat(9)}`, answer: '431' },
    { what: 'a head that is not gone on with', text: 'GET / HTTP/1.1\r\nHost', answer: '408' },
    {
      what: 'a frame that is none',
      text: `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${'x'.repeat(100)}`,
      answer: 'FRAME_SIZE_ERROR',
    },
    {
      what: 'frames in the wrong order',
      text: `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x01\x05\0\0\0\x01`,
      answer: 'PROTOCOL_ERROR',
    },
  ];
  for (const { what, text, answer } of REQUESTS) {
    it(`${what} is counted as ${answer}, on either side`, async () => {
      const original = { ip: '127.0.0.1', port };
      const originalDestination = new FixedDestination(original);
      proxy = await mesh.proxy({ originalDestination, limits: { headTimeoutMs: 300 } });
      const pod = { type: 'pod', namespace: 'shop', pod: 'web-1', protocol: 'detect' } as const;
      proxy.set(`service/127.0.0.1:${port}`, { sources: '1', ...pod, endpoint: mesh.plain(port) });
      proxy.setPolicy(port, {});
      for (const [direction, to] of Object.entries({ inbound: proxy.inboundPlain, outbound: proxy.outbound })) {
        dialRaw(mesh, to).send(text);
        const counted = () =>
          sampleValue(parsePrometheusText(proxy.metrics()), 'weft_requests_refused_total', { direction, answer });
        await until(() => counted() === 1, `the count, ${direction}`);
        expect(proxy.log.filter((line) => line.includes('request refused') && line.includes(direction))).to.have.length(
          1,
        );
      }
    });
  }

  for (const protocol of ['http', 'tcp'] as const) {
    it(`a server that is not who it must be, asked for ${protocol}, is counted and named as that`, async () => {
      const client = await mesh.proxy({ serviceAccount: 'client' });
      client.setService({ protocol: protocol === 'http' ? 'http1' : 'opaque', queue: SHORT_QUEUE });
      client.setEndpoints('web', [mesh.meshed(proxy, port, 'somebody-else')]);
      const caller = dialRaw(mesh, client.outbound);
      caller.send(GET);
      await until(() => caller.closed || caller.text.includes('HTTP/1.1 50'), 'the end of it');
      const families = parsePrometheusText(client.metrics());
      const errors = families.get(`outbound_${protocol}_errors_total`)!.samples.filter(({ value }) => value > 0);
      expect(errors.map(({ labels }) => labels['error']))
        .to.include('identity required')
        .and.not.include('connect');
      const refused = client.log.filter((line) => line.includes('endpoint refused'));
      expect(refused).to.have.length.of.at.least(1);
      expect(refused[0]).to.match(/the endpoint did not prove its identity.*server\.shop.*and not somebody-else/);
    });
  }

  it('a flood of refusals is counted in full and does not become a flood of lines', async () => {
    proxy = await mesh.proxy({ originalDestination: { of: () => null } });
    for (let i = 0; i < 500; i++) dialRaw(mesh, proxy.inboundPlain);
    await until(() => refusals(proxy, 'inbound', 'not_redirected') === 500, 'the flood');
    expect(proxy.log.length).to.be.within(1, 20);
  });
}
