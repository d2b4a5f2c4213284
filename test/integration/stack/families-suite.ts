import { expect } from 'chai';
import type { Transport } from '../../../proxy-image/io/transport/types.ts';
import { type Family, parsePrometheusText, sampleValue } from '../../support/prometheus-text.ts';
import { until } from '../transport/recorder.ts';
import { ask as askHttp2, dialHttp2, echo, serveHttp2 } from './http2-peers.ts';
import { identityName, TestMesh, type TestProxy } from './mesh.ts';
import { askOn, dialRaw, ok, serveHttp, serveRaw } from './peers.ts';

/** Labels of the Service that is called. */
const PARENT = {
  parent_group: 'core',
  parent_kind: 'Service',
  parent_namespace: 'shop',
  parent_name: 'web',
  parent_port: '80',
  parent_section_name: '',
};
const STREAM_ROUTE = { route_group: '', route_kind: 'default', route_namespace: '', route_name: 'opaq' };

/** What a pair of proxies counts of connections under Linkerd's names: runs on Node and on Bun. */
export function familiesSuite(create: (onFault: (error: unknown) => void) => Transport): void {
  let mesh: TestMesh;
  let client: TestProxy;
  let server: TestProxy;

  beforeEach(async () => {
    mesh = new TestMesh(create);
    client = await mesh.proxy({ serviceAccount: 'client' });
    server = await mesh.proxy({ serviceAccount: 'server' });
  });
  afterEach(() => mesh.stop());

  const metrics = (proxy: TestProxy): Map<string, Family> => parsePrometheusText(proxy.metrics());
  const value = (proxy: TestProxy, name: string, labels: Record<string, string> = {}) =>
    sampleValue(metrics(proxy), name, labels);
  const labelsOf = (proxy: TestProxy, name: string) =>
    metrics(proxy)
      .get(name)!
      .samples.map(({ labels }) => labels);

  function behind(port: number, protocol: 'detect' | 'opaque' = 'detect'): void {
    client.setService({ protocol });
    client.setEndpoints('web', [{ ...mesh.meshed(server, port), protocol }]);
    server.setPolicy(port, { protocol });
  }

  describe('protocol detection', () => {
    it('counts what clients of a Service speak, and how long it took to know, by the Service (linkerd2-proxy: outbound_tcp_detect_http)', async () => {
      const { port } = await serveHttp(mesh, () => ok('yes'));
      behind(port);
      await askOn(dialRaw(mesh, client.outbound));
      const other = await serveRaw(mesh, ({ socket }) => socket.write('understood'));
      client.setEndpoints('web', [{ ...mesh.meshed(server, other.port), protocol: 'detect' }]);
      server.setPolicy(other.port, { protocol: 'detect' });
      const raw = dialRaw(mesh, client.outbound);
      raw.send('\x00\x01\x02 nothing that HTTP begins with, and more than it takes to tell\r\n');
      await raw.hears('understood');
      const silent = dialRaw(mesh, client.outbound);
      await until(() => client.stack.arrivals === 3, 'the silent client');
      silent.close();
      const results = 'outbound_tcp_detect_http_results_total';
      await until(() => value(client, results, { result: 'error' }) === 1, 'the loss of the silent client');
      for (const result of ['http/1', 'not_http']) {
        expect(value(client, results, { ...PARENT, result }), result).to.equal(1);
      }
      const seconds = 'outbound_tcp_detect_http_duration_seconds';
      expect(value(client, `${seconds}_count`, PARENT)).to.equal(3);
      expect(value(client, `${seconds}_bucket`, { ...PARENT, le: '+Inf' })).to.equal(3);
      expect(
        metrics(client)
          .get(seconds)!
          .samples.flatMap(({ labels }) => labels['le'] ?? []),
      ).to.deep.equal(['0.001', '0.1', '+Inf']);
    });

    it('counts plaintext clients of the pod by the Server of the port', async () => {
      const { port } = await serveHttp2(mesh, echo);
      const plain = await mesh.proxy({
        serviceAccount: 'server',
        originalDestination: { of: () => ({ ip: '127.0.0.1', port }) },
      });
      plain.setPolicy(port, {
        protocol: 'detect',
        server: { group: 'policy.linkerd.io', kind: 'server', name: 'web' },
      });
      const { status } = await askHttp2(dialHttp2(mesh, plain.inboundPlain), {}, '');
      expect(status).to.equal(200);
      const labels = {
        srv_group: 'policy.linkerd.io',
        srv_kind: 'server',
        srv_name: 'web',
        srv_port: String(port),
      };
      expect(labelsOf(plain, 'inbound_tcp_detect_http_results_total')).to.deep.equal([{ ...labels, result: 'h2' }]);
      expect(value(plain, 'inbound_tcp_detect_http_duration_seconds_count', labels)).to.equal(1);
    });
  });

  describe('connections of the application', () => {
    it('are counted by what is declared to be spoken where they go', async () => {
      const { port } = await serveHttp(mesh, () => ok('yes'));
      const protocols = 'outbound_tcp_protocol_connections_total';
      behind(port);
      await askOn(dialRaw(mesh, client.outbound));
      client.setService({ protocol: 'http1' });
      await askOn(dialRaw(mesh, client.outbound));
      expect(value(client, protocols, { ...PARENT, protocol: 'detect' })).to.equal(1);
      expect(value(client, protocols, { ...PARENT, protocol: 'http/1' })).to.equal(1);
    });

    it('are counted as opened and closed where they are carried as bytes', async () => {
      const { port, served } = await serveRaw(mesh, ({ socket }) => socket.write('pong'));
      behind(port, 'opaque');
      const labels = { ...PARENT, ...STREAM_ROUTE };
      const raw = dialRaw(mesh, client.outbound);
      raw.send('ping');
      await raw.hears('pong');
      expect(value(client, 'outbound_tcp_protocol_connections_total', { ...PARENT, protocol: 'opaq' })).to.equal(1);
      expect(value(client, 'outbound_tcp_route_open_total', labels)).to.equal(1);
      expect(value(client, 'outbound_tcp_route_close_total', labels)).to.equal(undefined);
      raw.socket.end();
      served[0]!.socket.end();
      await until(() => value(client, 'outbound_tcp_route_close_total', { ...labels, error: '' }) === 1, 'its end');
    });

    it('have the zone of the endpoint that they lead to, so that bytes can be added up by zone', async () => {
      const local = { node: 'node-1', zone: 'a' };
      const remote = { node: 'node-2', zone: 'b' };
      const { port } = await serveHttp(mesh, () => ok('yes'));
      behind(port);
      client.setEndpoints('web', [{ ...mesh.meshed(server, port), ...local }]);
      await askOn(dialRaw(mesh, client.outbound));
      const raw = await serveRaw(mesh, ({ socket }) => socket.write('pong'));
      client.setService({ protocol: 'opaque' });
      client.setEndpoints('web', [{ ...mesh.plain(raw.port), protocol: 'opaque', ...remote }]);
      const opaque = dialRaw(mesh, client.outbound);
      opaque.send('ping');
      await opaque.hears('pong');
      const bytes = (dst_zone: string, dst_zone_locality: string) =>
        value(client, 'tcp_write_bytes_total', { direction: 'outbound', peer: 'dst', dst_zone, dst_zone_locality });
      expect(bytes('a', 'local')).to.be.greaterThan(0);
      expect(bytes('b', 'remote')).to.equal('ping'.length);
    });

    it('have an error where the connection to the endpoint broke off, or there was no backend', async () => {
      const { port, served } = await serveRaw(mesh, ({ socket }) => socket.write('pong'));
      behind(port, 'opaque');
      client.setEndpoints('web', [{ ...mesh.meshed(server, port), identity: null, port, protocol: 'opaque' }]);
      const raw = dialRaw(mesh, client.outbound);
      raw.send('ping');
      await raw.hears('pong');
      served[0]!.socket.resetAndDestroy();
      const closed = (error: string) => value(client, 'outbound_tcp_route_close_total', { ...PARENT, error });
      await until(() => closed('unexpected') === 1, 'the reset');
      expect(value(client, 'tcp_close_total', { peer: 'dst', direction: 'outbound', errno: 'ECONNRESET' })).to.equal(1);
    });
  });

  it('a request that waits for an endpoint is in the queue, and then in what has been waited (linkerd2-proxy: balancer queue)', async () => {
    const { port } = await serveHttp(mesh, () => ok('yes'));
    client.setService({ protocol: 'http1' });
    client.setEndpoints('web', []);
    server.setPolicy(port, {});
    const backend = { ...PARENT, backend_name: 'web', backend_namespace: 'shop', backend_port: '80' };
    const read = (name: string, more = {}) => value(client, `outbound_http_balancer_${name}`, { ...backend, ...more });
    const waiting = askOn(dialRaw(mesh, client.outbound));
    await until(() => read('queue_length') === 1, 'the request in the queue');
    client.setEndpoints('web', [mesh.meshed(server, port)]);
    await waiting;
    await askOn(dialRaw(mesh, client.outbound));
    expect([read('queue_length'), read('queue_requests_total'), read('queue_latency_seconds_count')]).to.deep.equal([
      0, 2, 2,
    ]);
    expect(read('queue_latency_seconds_sum')).to.be.greaterThan(0);
    expect([read('p2c_endpoints'), read('p2c_updates_total', { op: 'Reset' })]).to.deep.equal([1, 1]);
    expect([read('queue_gate_open_total'), read('queue_gate_shut_total')]).to.deep.equal([1, 0]);
  });

  it('connections of other proxies are counted by what their transport header says, and by their identity', async () => {
    const { port } = await serveHttp(mesh, () => ok('yes'));
    behind(port);
    await askOn(dialRaw(mesh, client.outbound));
    const raw = await serveRaw(mesh, ({ socket }) => socket.write('pong'));
    client.setService({ protocol: 'opaque' });
    client.setEndpoints('web', [{ ...mesh.meshed(server, raw.port), protocol: 'opaque' }]);
    server.setPolicy(raw.port, { protocol: 'opaque' });
    const opaque = dialRaw(mesh, client.outbound);
    opaque.send('ping');
    await opaque.hears('pong');
    const of = { target_name: '', client_id: identityName('client') };
    expect(labelsOf(server, 'inbound_tcp_transport_header_connections_total')).to.deep.equal([
      { ...of, session_protocol: 'http/1', target_port: String(port) },
      { ...of, session_protocol: '', target_port: String(raw.port) },
    ]);
  });

  it('a connection that the client resets has its errno', async () => {
    const { port } = await serveHttp(mesh, () => ok('yes'));
    behind(port);
    const raw = dialRaw(mesh, client.outbound);
    await askOn(raw);
    raw.socket.resetAndDestroy();
    const reset = () => value(client, 'tcp_close_total', { direction: 'outbound', peer: 'src', errno: 'ECONNRESET' });
    await until(() => reset() === 1, 'the reset');
  });

  it('there are no families of connections before one has come: an idle proxy has not read what counts them', () => {
    for (const name of ['outbound_tcp_protocol_connections_total', 'inbound_tcp_transport_header_connections_total']) {
      expect(metrics(client).has(name), name).to.equal(false);
    }
  });
}
