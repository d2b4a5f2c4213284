import { Agent, createServer as createHttpServer, request } from 'node:http';
import {
  type ClientHttp2Session,
  connect,
  createServer as createHttp2Server,
  type ServerHttp2Stream,
} from 'node:http2';
import { expect } from 'chai';
import {
  BundledPair,
  authorizationOf as forClient,
  appObject as object,
  serverOf as server,
} from '../../support/bundled-pair.ts';
import { ControlPlane, type RawObject } from '../../support/control-plane.ts';
import { eventually } from '../../support/eventually.ts';
import { parsePrometheusText, type Sample, sampleValue } from '../../support/prometheus-text.ts';
import type { ProxyProcess } from '../../support/proxy-process.ts';

const POLICY = 'policy.linkerd.io';
const GATEWAY = 'gateway.networking.k8s.io';

const ofServer = (name: string) => [{ group: POLICY, kind: 'Server', name }];
const ofService = (name: string) => [{ group: '', kind: 'Service', name }];
const path = (value: string) => [{ path: { type: 'PathPrefix', value } }];
/** What users write: a Service by header, another with retries, and on Servers who may. */
function objectsFor(http: number, grpc: number): RawObject[] {
  const toV2 = {
    matches: [{ headers: [{ name: 'x-version', value: '2' }] }],
    backendRefs: [{ name: 'web-v2', port: 80 }],
  };
  const toV1 = { backendRefs: [{ name: 'web-v1', port: 80 }] };
  const toCalls = { backendRefs: [{ name: 'calls', port: 80 }] };
  const retries = { 'retry.linkerd.io/grpc': 'unavailable', 'retry.linkerd.io/limit': '1' };
  return [
    object(`${GATEWAY}/v1`, 'HTTPRoute', 'by-version', { parentRefs: ofService('web'), rules: [toV2, toV1] }),
    object(`${GATEWAY}/v1`, 'GRPCRoute', 'again', { parentRefs: ofService('calls'), rules: [toCalls] }, retries),
    server('web', http, 'HTTP/1'),
    object(`${POLICY}/v1beta3`, 'HTTPRoute', 'public', {
      parentRefs: ofServer('web'),
      rules: [{ matches: path('/public') }],
    }),
    object(`${POLICY}/v1beta3`, 'HTTPRoute', 'admin', {
      parentRefs: ofServer('web'),
      rules: [{ matches: path('/admin') }],
    }),
    forClient(POLICY, 'HTTPRoute', 'public'),
    server('calls', grpc, 'gRPC'),
    object(`${GATEWAY}/v1`, 'GRPCRoute', 'calls', { parentRefs: ofServer('calls'), rules: [{}] }),
    forClient(GATEWAY, 'GRPCRoute', 'calls'),
  ];
}

/** What the application answers with. */
const PAGE = 'a page of thirty-one characters';

/** One label set, with its value behind it. */
type Counted = [labels: Record<string, string>, value: number];

/** The bundle of the image on Bun, the operator's servers, and objects as a watch brings them. */
describe('metrics of routes, of the bundled proxy', function () {
  this.timeout(90_000);
  /** What the application answers next to calls; then OK. */
  const statuses: string[] = [];
  let plane: ControlPlane;
  let pair: BundledPair<'web' | 'web-v1' | 'web-v2' | 'calls'>;
  let client: ProxyProcess;
  let serving: ProxyProcess;
  let calls: ClientHttp2Session;
  const ports = { http: 0, grpc: 0 };
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });

  before(async () => {
    pair = new BundledPair(['web', 'web-v1', 'web-v2', 'calls'], 1);
    ({ client, serving } = pair);
    pair.tellWhenLoaded('proxy-route-families.js');
    ports.http = await pair.listen(
      createHttpServer((incoming, response) => {
        response.statusCode = incoming.url?.endsWith('/broken') ? 500 : 200;
        response.end(response.statusCode === 200 ? PAGE : '');
      }),
    );
    const grpc = createHttp2Server();
    grpc.on('stream', (stream: ServerHttp2Stream) => {
      stream.on('error', () => {});
      stream.resume().on('end', () => {
        const head = { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': statuses.shift() ?? '0' };
        stream.respond(head, { endStream: true });
      });
    });
    ports.grpc = await pair.listen(grpc);
    plane = await ControlPlane.start();
    const http = { port: ports.http };
    pair.put(plane, { web: http, 'web-v1': http, 'web-v2': http, calls: { port: ports.grpc, appProtocol: 'grpc' } });
    for (const each of objectsFor(ports.http, ports.grpc)) plane.apply(each);
    await pair.start(plane);
    const { host, port } = pair.listenerOf('calls');
    calls = connect(`http://${host}:${port}`);
    calls.on('error', () => {});
  });

  after(async () => {
    agent.destroy();
    calls?.destroy();
    await pair?.remove();
    await plane?.stop();
  });

  async function scrape(proxy: ProxyProcess) {
    return parsePrometheusText((await proxy.get('/metrics')).text);
  }

  function get(target: string, headers: Record<string, string> = {}): Promise<number> {
    return new Promise((resolve, reject) => {
      const outgoing = request({
        ...pair.listenerOf('web'),
        agent,
        path: target,
        headers: { host: 'web.app', ...headers },
      });
      outgoing.on('error', reject);
      outgoing.on('response', (response) => response.resume().on('end', () => resolve(response.statusCode ?? 0)));
      outgoing.end();
    });
  }

  function call(): Promise<string> {
    const head = { ':method': 'POST', ':path': '/shop.Cart/Add', 'content-type': 'application/grpc', te: 'trailers' };
    const stream = calls.request(head, { endStream: false });
    stream.end('message');
    return new Promise((resolve, reject) => {
      stream.on('error', reject);
      stream.on('response', (headers) => stream.resume().on('end', () => resolve(String(headers['grpc-status']))));
    });
  }

  /** Of a family, all series that there are, once they come to `sum`: an end is counted after the client has heard of it. */
  async function counted(proxy: ProxyProcess, name: string, sum: number, suffix = ''): Promise<Counted[]> {
    const samples = await eventually(`${name}: ${sum}`, async () => {
      const found = (await scrape(proxy)).get(name)?.samples.filter((sample) => sample.name === name + suffix) ?? [];
      return found.reduce((all, { value }) => all + value, 0) === sum && found;
    });
    return samples.map(({ labels, value }: Sample): Counted => [labels, value]);
  }

  const parent = (name: string) => ({
    parent_group: 'core',
    parent_kind: 'Service',
    parent_namespace: 'app',
    parent_name: name,
    parent_port: '80',
    parent_section_name: '',
  });
  const backend = (name: string) => ({
    backend_group: 'core',
    backend_kind: 'Service',
    backend_namespace: 'app',
    backend_name: name,
    backend_port: '80',
    backend_section_name: '',
  });
  const route = (kind: string, name: string) => ({
    route_group: GATEWAY,
    route_kind: kind,
    route_namespace: 'app',
    route_name: name,
  });
  const onServer = (name: string, port: number, route_group: string, route_kind: string, route_name: string) => ({
    parent_group: POLICY,
    parent_kind: 'server',
    parent_name: name,
    parent_port: String(port),
    route_group,
    route_kind,
    route_name,
  });

  it('are not there before a request by a route, and neither is the file that keeps them', async () => {
    for (const proxy of [client, serving]) {
      expect(pair.hasLoaded(proxy)).to.equal(false);
      const families = await scrape(proxy);
      expect([...families.keys()]).not.to.include('outbound_http_route_request_statuses_total');
      expect([...families.keys()]).not.to.include('inbound_http_requests_total');
    }
  });

  it('an HTTPRoute that splits by header: requests, and attempts by backend; on the Server what its route has let in', async () => {
    for (let i = 0; i < 3; i++) expect(await get('/public/page')).to.equal(200);
    for (let i = 0; i < 2; i++) expect(await get('/public/page', { 'x-version': '2' })).to.equal(200);
    expect(await get('/public/broken')).to.equal(500);
    expect(await get('/admin')).to.equal(403);
    expect(await get('/elsewhere')).to.equal(404);
    expect([pair.hasLoaded(client), pair.hasLoaded(serving)]).to.deep.equal([true, true]);

    const asked = { ...parent('web'), ...route('HTTPRoute', 'by-version') };
    const status = (http_status: string) => ({ http_status, error: '' });
    const outbound = (name: string, sum: number, suffix = '') =>
      counted(client, `outbound_http_route_${name}`, sum, suffix);
    expect(await outbound('request_statuses_total', 8)).to.have.deep.members([
      [{ ...asked, ...status('200') }, 5],
      [{ ...asked, ...status('500') }, 1],
      [{ ...asked, ...status('403') }, 1],
      [{ ...asked, ...status('404') }, 1],
    ]);
    expect(await outbound('request_duration_seconds', 8, '_count')).to.deep.equal([[asked, 8]]);
    const [v1, v2] = [
      { ...asked, ...backend('web-v1') },
      { ...asked, ...backend('web-v2') },
    ];
    expect(await outbound('backend_requests_total', 8)).to.have.deep.members([
      [v1, 6],
      [v2, 2],
    ]);
    expect(await outbound('backend_response_statuses_total', 8)).to.have.deep.members([
      [{ ...v1, ...status('200') }, 3],
      [{ ...v1, ...status('500') }, 1],
      [{ ...v1, ...status('403') }, 1],
      [{ ...v1, ...status('404') }, 1],
      [{ ...v2, ...status('200') }, 2],
    ]);
    expect(await outbound('backend_response_duration_seconds', 8, '_count')).to.have.deep.members([
      [v1, 6],
      [v2, 2],
    ]);

    const bytes = [
      [v1, 3 * PAGE.length],
      [v2, 2 * PAGE.length],
    ];
    expect(await outbound('backend_response_frame_size_bytes', 5 * PAGE.length, '_sum')).to.have.deep.members(bytes);
    expect(await outbound('request_frame_size_bytes', 0, '_count')).to.deep.equal([]);

    const admitted = onServer('web', ports.http, POLICY, 'HTTPRoute', 'public');
    const inbound = (name: string, sum: number, suffix = '') => counted(serving, `inbound_http_${name}`, sum, suffix);
    expect(await inbound('requests_total', 6)).to.deep.equal([[admitted, 6]]);
    expect(await inbound('statuses_total', 6)).to.have.deep.members([
      [{ ...admitted, status: '200' }, 5],
      [{ ...admitted, status: '500' }, 1],
    ]);
    expect(await inbound('request_duration_seconds', 6, '_count')).to.deep.equal([[admitted, 6]]);
    expect(await inbound('response_duration_seconds', 6, '_count')).to.deep.equal([[admitted, 6]]);
    expect(await inbound('response_frame_size_bytes', 5 * PAGE.length, '_sum')).to.deep.equal([
      [admitted, 5 * PAGE.length],
    ]);
    const [[denied, denials] = [{}, 0]] = await inbound('authz_deny_total', 1);
    expect(denied).to.include({ srv_kind: 'server', srv_name: 'web', route_kind: 'HTTPRoute', route_name: 'admin' });
    expect(denials).to.equal(1);
    expect(await inbound('route_not_found_total', 1)).to.have.length(1);
  });

  it('a GRPCRoute with retries: calls, attempts and retries by the status of gRPC; each attempt is a request of the Server', async () => {
    statuses.push('14', '0');
    expect(await call()).to.equal('0');
    expect(await call()).to.equal('0');

    const asked = { ...parent('calls'), ...route('GRPCRoute', 'again') };
    const to = { ...asked, ...backend('calls') };
    const status = (grpc_status: string) => ({ grpc_status, error: '' });
    const outbound = (name: string, sum: number, suffix = '') =>
      counted(client, `outbound_grpc_route_${name}`, sum, suffix);
    expect(await outbound('request_statuses_total', 2)).to.deep.equal([[{ ...asked, ...status('OK') }, 2]]);
    expect(await outbound('request_duration_seconds', 2, '_count')).to.deep.equal([[asked, 2]]);
    expect(await outbound('backend_requests_total', 3)).to.deep.equal([[to, 3]]);
    expect(await outbound('backend_response_statuses_total', 3)).to.have.deep.members([
      [{ ...to, ...status('UNAVAILABLE') }, 1],
      [{ ...to, ...status('OK') }, 2],
    ]);
    expect(await outbound('backend_response_duration_seconds', 3, '_count')).to.deep.equal([[to, 3]]);
    // A request counts once, whatever attempts it takes; each of them is a request of the Server's.
    expect(await outbound('request_frame_size_bytes', 2, '_count')).to.deep.equal([[asked, 2]]);
    expect(await outbound('request_frame_size_bytes', 2 * 'message'.length, '_sum')).to.have.length(1);
    expect(await outbound('retry_requests_total', 1)).to.deep.equal([[asked, 1]]);
    expect(await outbound('retry_successes_total', 1)).to.deep.equal([[asked, 1]]);
    expect(await outbound('retry_limit_exceeded_total', 0)).to.deep.equal([]);

    const admitted = onServer('calls', ports.grpc, GATEWAY, 'GRPCRoute', 'calls');
    const inbound = (name: string, sum: number, suffix = '') => counted(serving, `inbound_grpc_${name}`, sum, suffix);
    expect(await inbound('requests_total', 3)).to.deep.equal([[admitted, 3]]);
    expect(await inbound('statuses_total', 3)).to.have.deep.members([
      [{ ...admitted, status: '14' }, 1],
      [{ ...admitted, status: '0' }, 2],
    ]);
    expect(await inbound('request_duration_seconds', 3, '_count')).to.deep.equal([[admitted, 3]]);
    expect(await inbound('response_duration_seconds', 3, '_count')).to.deep.equal([[admitted, 3]]);
    expect(await inbound('request_frame_size_bytes', 3, '_count')).to.deep.equal([[admitted, 3]]);
  });

  it('what the proxy has asked of the operator: one certificate, one stream that goes on, and the look-ups of its name', async () => {
    const families = await scrape(client);
    const requests = families.get('control_request_total')!.samples;
    expect(requests.map(({ labels, value }) => [labels['tls'], value])).to.deep.equal([
      ['true', 1],
      ['true', 1],
    ]);
    const [identity, configuration] = requests.map(({ labels }) => labels);
    expect(identity!['server_id']).to.match(/\.serviceaccount\.identity\./);
    const value = (name: string, labels: Record<string, string>) => sampleValue(families, name, labels);
    const ended = (of: Record<string, string>, classification: string) =>
      value('control_response_total', { ...of, classification });
    expect([ended(identity!, 'success'), ended(identity!, 'failure')]).to.deep.equal([1, 0]);
    expect([ended(configuration!, 'success'), ended(configuration!, 'failure')]).to.deep.equal([0, 0]);
    for (const labels of [identity!, configuration!]) {
      expect(value('control_response_latency_ms_count', labels)).to.equal(1);
      expect(value('control_response_latency_ms_bucket', { ...labels, le: '50000' })).to.equal(1);
    }
    for (const asking of ['identity', 'configuration']) {
      const lookups = { client: asking, record_type: 'A/AAAA' };
      expect(value('control_dns_resolutions_total', { ...lookups, result: 'ok' }), asking).to.equal(1);
      expect(value('control_dns_resolutions_total', { ...lookups, result: 'not_found' }), asking).to.equal(0);
    }
  });
});
