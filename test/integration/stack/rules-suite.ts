import { expect } from 'chai';
import type { PortPolicy } from '../../../proxy-image/contract/resources.ts';
import type { Transport } from '../../../proxy-image/io/transport/types.ts';
import type { Raw } from '../../property/authorization/oracle.ts';
import { bodyOf } from '../../property/authorization/world.ts';
import { parsePrometheusText, sampleValue } from '../../support/prometheus-text.ts';
import { until } from '../transport/recorder.ts';
import { ask, dialHttp2, echo, serveHttp2 } from './http2-peers.ts';
import { TestMesh, type TestProxy } from './mesh.ts';
import { askOn, dialRaw, ok, serveHttp, serveRaw } from './peers.ts';

const GRPC = { ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' };
const GROUP = 'policy.linkerd.io';
const SERVER = { group: GROUP, kind: 'Server', name: 'web' };
const CLIENT = { kind: 'ServiceAccount', name: 'client' };
const ANOTHER = { kind: 'ServiceAccount', name: 'another' };

const POD: Raw = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web-1', namespace: 'shop', creationTimestamp: '', labels: { app: 'web' }, annotations: {} },
  spec: { containers: [{ name: 'app', ports: [{ name: 'http', containerPort: 8080 }] }] },
};

function object(version: string, kind: string, name: string, spec: Raw): Raw {
  const metadata = { name, namespace: 'shop', creationTimestamp: '2026-01-01T00:00:00Z' };
  return { apiVersion: `${GROUP}/${version}`, kind, metadata, spec };
}

const server = (proxyProtocol = 'unknown') =>
  object('v1beta3', 'Server', 'web', { podSelector: { matchLabels: { app: 'web' } }, port: 'http', proxyProtocol });
const route = (name: string, path: string, more: Raw = {}) =>
  object('v1beta3', 'HTTPRoute', name, {
    parentRefs: [SERVER],
    rules: [{ matches: [{ path: { type: 'PathPrefix', value: path } }], ...more }],
  });
const allows = (targetRef: Raw, ...requiredAuthenticationRefs: Raw[]) =>
  object('v1alpha1', 'AuthorizationPolicy', `for-${targetRef.name}`, { targetRef, requiredAuthenticationRefs });
const ofRoute = (name: string) => ({ group: GROUP, kind: 'HTTPRoute', name });
const limit = (spec: Raw) => object('v1alpha1', 'HTTPLocalRateLimitPolicy', 'web', { targetRef: SERVER, ...spec });

const OPEN = [route('public', '/public'), allows(ofRoute('public'))];
const ADMIN = [route('admin', '/admin'), allows(ofRoute('admin'), CLIENT)];
const BROKEN = 'HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n';
const FOR_ANOTHER = [route('admin', '/admin'), allows(ofRoute('admin'), ANOTHER)];

/** AuthorizationPolicy, routes on Servers and rate limits, from the objects to what a client hears over mutual TLS. */
export function rulesSuite(create: (onFault: (error: unknown) => void) => Transport): void {
  let mesh: TestMesh;
  let client: TestProxy;
  let proxy: TestProxy;

  beforeEach(async () => {
    mesh = new TestMesh(create);
    client = await mesh.proxy({ serviceAccount: 'client' });
    proxy = await mesh.proxy({ serviceAccount: 'server' });
    client.setService({ protocol: 'detect' });
  });
  afterEach(() => mesh.stop());

  /** What the objects come to, on the port of the application. */
  function told(port: number, ...objects: Raw[]): void {
    const policy: PortPolicy = bodyOf(objects, POD).ports['8080']!;
    proxy.setPolicy(port, policy);
  }

  function behind(port: number): void {
    client.setEndpoints('web', [{ ...mesh.meshed(proxy, port), protocol: 'detect' }]);
  }

  const count = (name: string, labels: Record<string, string>) =>
    sampleValue(parsePrometheusText(proxy.metrics()), name, labels);

  describe('HTTP/1', () => {
    const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: web\r\n${more}\r\n`;
    const asked = (path: string) => askOn(dialRaw(mesh, client.outbound), get(path));

    it('each request by the rule of its path: 200, 403, 404, and the connection stays', async () => {
      const application = await serveHttp(mesh, (request) => ok(request));
      behind(application.port);
      told(application.port, server(), ...OPEN, ...FOR_ANOTHER);
      const caller = dialRaw(mesh, client.outbound);
      expect(await askOn(caller, get('/public/x'))).to.match(/^HTTP\/1\.1 200 /);
      expect(await askOn(caller, get('/admin'))).to.match(/^HTTP\/1\.1 403 /);
      const missing = await askOn(caller, get('/other'));
      expect(missing)
        .to.match(/^HTTP\/1\.1 404 /)
        .and.to.contain('l5d-proxy-error: no route matches the request');
      for (const path of ['/public/../admin', '/public/%2e%2e/admin', '/public/..;/admin']) {
        expect(await askOn(caller, get(path)), path).to.match(/^HTTP\/1\.1 403 /);
      }
      expect(application.served).to.have.length(1);
      const rule = { route_kind: 'HTTPRoute', route_group: GROUP };
      expect(
        count('inbound_http_authz_allow_total', { ...rule, route_name: 'public', authz_name: 'for-public' }),
      ).to.equal(1);
      expect(count('inbound_http_authz_deny_total', { ...rule, route_name: 'admin' })).to.equal(4);
      expect(count('inbound_http_route_not_found_total', { srv_name: 'web' })).to.equal(1);
    });

    it('a change of policy is heard by the next request of an open connection', async () => {
      const application = await serveHttp(mesh, (request) => ok(request));
      behind(application.port);
      told(application.port, server(), ...ADMIN);
      const caller = dialRaw(mesh, client.outbound);
      expect(await askOn(caller, get('/admin'))).to.match(/^HTTP\/1\.1 200 /);
      told(application.port, server(), ...FOR_ANOTHER);
      expect(await askOn(caller, get('/admin'))).to.match(/^HTTP\/1\.1 403 /);
      told(application.port, server(), allows(SERVER, CLIENT));
      expect(await askOn(caller, get('/admin'))).to.match(/^HTTP\/1\.1 200 /);
    });

    it('an upgraded connection ends when its route is for others', async () => {
      const switched = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
      const application = await serveHttp(mesh, () => switched);
      behind(application.port);
      told(application.port, server(), ...ADMIN, ...OPEN);
      const caller = dialRaw(mesh, client.outbound);
      caller.send(get('/admin', 'Connection: Upgrade\r\nUpgrade: websocket\r\n'));
      await caller.hears('101');
      told(application.port, server(), ...ADMIN);
      expect(caller.closed).to.equal(false);
      told(application.port, server(), ...FOR_ANOTHER, ...OPEN);
      await until(() => caller.closed, 'the end of the tunnel');
      expect(count('inbound_tcp_authz_terminate_total', { route_name: 'admin' })).to.equal(1);
    });

    it('filters of the route: fields of request and response, and a redirect', async () => {
      const application = await serveHttp(mesh, (request) => ok(request));
      behind(application.port);
      const add = { type: 'RequestHeaderModifier', requestHeaderModifier: { set: [{ name: 'x-seen', value: 'yes' }] } };
      const redirect = { type: 'RequestRedirect', requestRedirect: { hostname: 'elsewhere.example', statusCode: 301 } };
      told(
        application.port,
        server(),
        allows(SERVER),
        route('changed', '/changed', { filters: [add] }),
        route('moved', '/moved', { filters: [redirect] }),
      );
      const caller = dialRaw(mesh, client.outbound);
      expect(await askOn(caller, get('/changed'))).to.contain('x-seen: yes');
      const moved = await askOn(caller, get('/moved/x'));
      expect(moved)
        .to.match(/^HTTP\/1\.1 301 /)
        .and.to.contain('location: http://elsewhere.example');
      expect(application.served).to.have.length(1);
    });

    it('more than the limit: 429, told apart by what is used up', async () => {
      const application = await serveHttp(mesh, (request) => ok(request));
      behind(application.port);
      told(
        application.port,
        server(),
        allows(SERVER),
        limit({ total: { requestsPerSecond: 1_000_000 }, identity: { requestsPerSecond: 1 } }),
      );
      const caller = dialRaw(mesh, client.outbound);
      expect(await askOn(caller, get('/'))).to.match(/^HTTP\/1\.1 200 /);
      const refused = await askOn(caller, get('/'));
      expect(refused)
        .to.match(/^HTTP\/1\.1 429 /)
        .and.to.contain('l5d-proxy-error: rate limit exceeded');
      expect(count('inbound_http_local_ratelimit_total', { scope: 'identity', ratelimit_name: 'web' })).to.equal(1);
      expect(proxy.recorder.policyRoutes, 'no route is attached').to.equal(null);
    });

    it('what policy refuses, or a limit, is that and no request, whatever becomes of the answer (linkerd2-proxy: policy before metrics)', async () => {
      const { port } = await serveHttp(mesh, (request) => (request.includes('/public/broken') ? BROKEN : ok(request)));
      behind(port);
      const objects = [server(), ...OPEN, ...FOR_ANOTHER];
      told(port, ...objects);
      expect(await asked('/public')).to.match(/^HTTP\/1\.1 200 /);
      expect(await asked('/public/broken')).to.match(/^HTTP\/1\.1 500 /);
      expect(await asked('/admin')).to.match(/^HTTP\/1\.1 403 /);
      expect(await asked('/elsewhere')).to.match(/^HTTP\/1\.1 404 /);
      const left = dialRaw(mesh, client.outbound);
      left.send(get('/admin', 'Content-Length: 10\r\n'));
      await left.hears(' 403 ');
      left.socket.resetAndDestroy();
      told(port, ...objects, limit({ total: { requestsPerSecond: 1 } }));
      let answered = 1;
      while (!(await asked('/public')).startsWith('HTTP/1.1 429 ')) answered++;
      const inbound = (name: string, labels = {}) => count(name, { direction: 'inbound', ...labels });
      await until(() => inbound('response_total', { classification: 'success' }) === answered, 'all responses');
      expect(inbound('request_total')).to.equal(answered + 1);
      expect(inbound('response_total', { classification: 'failure' })).to.equal(1);
      expect(inbound('response_latency_ms_count', { status_code: '200' })).to.equal(answered);
      expect([inbound('inbound_http_authz_deny_total'), inbound('inbound_http_route_not_found_total')]).to.deep.equal([
        2, 1,
      ]);
      expect(inbound('inbound_http_local_ratelimit_total')).to.equal(1);
      for (const status_code of ['403', '404', '429']) {
        for (const name of ['response_total', 'response_latency_ms_count']) {
          expect(inbound(name, { status_code }), `${name} ${status_code}`).to.equal(undefined);
        }
      }
    });

    it('what a route lets in is counted by how it ended, whoever answers; how long the application took, of what it got whole', async () => {
      let waiting = 0;
      const { port } = await serveHttp(mesh, (request) => {
        if (!request.includes('/open/silent')) return ok(request);
        waiting++;
        return '';
      });
      behind(port);
      const redirect = { type: 'RequestRedirect', requestRedirect: { hostname: 'elsewhere.example', statusCode: 301 } };
      const open = [route('open', '/open'), route('moved', '/moved', { filters: [redirect] }), allows(SERVER)];
      told(port, server(), ...open);
      expect(await asked('/moved')).to.match(/^HTTP\/1\.1 301 /);
      const silent = dialRaw(mesh, client.outbound);
      silent.send(get('/open/silent'));
      await until(() => waiting === 1, 'the request at the application');
      told(port, server(), ...open, limit({ total: { requestsPerSecond: 1 } }));
      let answered = 0;
      while (!(await asked('/open')).startsWith('HTTP/1.1 429 ')) answered++;
      silent.socket.resetAndDestroy();
      const ended = (route_name: string, status: string) =>
        count('inbound_http_statuses_total', { route_name, status });
      await until(() => ended('open', '') === 1, 'the end of the one whose client has left');
      expect([ended('open', '200'), ended('moved', '301'), ended('open', '429')]).to.deep.equal([
        answered,
        1,
        undefined,
      ]);
      const of = (name: string, route_name: string) => count(`inbound_http_${name}`, { route_name });
      expect([of('requests_total', 'open'), of('requests_total', 'moved')]).to.deep.equal([answered + 1, 1]);
      expect(of('request_duration_seconds_count', 'open')).to.equal(answered + 1);
      expect(of('response_duration_seconds_count', 'open')).to.equal(answered + 1);
      expect(of('response_duration_seconds_count', 'moved')).to.equal(undefined);
    });
  });

  it('the admin port: what its routes are for, by whom they let in; probes of the proxy pass', async () => {
    const strangers = await mesh.proxy({ serviceAccount: 'server', clientsSeenFrom: '10.9.9.9' });
    const pod = structuredClone(POD);
    pod.spec.containers[0].ports = [{ name: 'http', containerPort: strangers.admin.port }];
    const metrics = route('metrics', '/metrics');
    const policy = bodyOf([server(), metrics, allows(ofRoute('metrics'))], pod).ports[String(strangers.admin.port)]!;
    strangers.setPolicy(strangers.admin.port, policy);
    const asked = async (path: string) => {
      const caller = dialRaw(mesh, strangers.admin);
      return (await askOn(caller, `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`)).slice(9, 12);
    };
    expect(await asked('/metrics')).to.equal('200');
    expect(await asked('/env.json')).to.equal('404');
    expect(await asked('/live')).to.equal('200');
    const closed = bodyOf([server(), metrics], pod).ports[String(strangers.admin.port)]!;
    strangers.setPolicy(strangers.admin.port, closed);
    expect(await asked('/metrics')).to.equal('403');
  });

  describe('HTTP/2', () => {
    it('each stream by its rule, and the next one after a change', async () => {
      const application = await serveHttp2(mesh, echo);
      behind(application.port);
      told(application.port, server(), ...OPEN, ...ADMIN);
      const session = dialHttp2(mesh, client.outbound);
      const statuses = async () => {
        const answers = await Promise.all(
          ['/public', '/admin', '/other'].map((path) => ask(session, { ':path': path })),
        );
        return answers.map(({ status }) => status);
      };
      expect(await statuses()).to.deep.equal([200, 200, 404]);
      told(application.port, server(), ...FOR_ANOTHER);
      expect(await statuses()).to.deep.equal([404, 403, 404]);
      expect(await statuses()).to.deep.equal([404, 403, 404]);
      told(application.port, server(), allows(SERVER));
      expect(await statuses()).to.deep.equal([200, 200, 200]);
    });
  });

  describe('gRPC', () => {
    it('PERMISSION_DENIED, NOT_FOUND and RESOURCE_EXHAUSTED', async () => {
      const application = await serveHttp2(mesh, echo);
      behind(application.port);
      const call = (path: string) => ask(session, { ...GRPC, ':path': path }, '');
      told(application.port, server(), route('cart', '/shop.Cart'), allows(ofRoute('cart'), ANOTHER));
      const session = dialHttp2(mesh, client.outbound);
      const denied = await call('/shop.Cart/Add');
      expect([denied.status, denied.headers['grpc-status']]).to.deep.equal([200, '7']);
      const missing = await call('/shop.Books/List');
      expect([missing.status, missing.headers['grpc-status']]).to.deep.equal([200, '5']);
      told(application.port, server('gRPC'), allows(SERVER, CLIENT), limit({ total: { requestsPerSecond: 1 } }));
      expect((await call('/shop.Cart/Add')).headers['grpc-status']).to.equal(undefined);
      const limited = await call('/shop.Cart/Add');
      expect([limited.status, limited.headers['grpc-status']]).to.deep.equal([200, '8']);
    });
  });

  describe('opaque TCP', () => {
    const network = (cidr: string) => object('v1alpha1', 'NetworkAuthentication', 'here', { networks: [{ cidr }] });
    const HERE = { group: GROUP, kind: 'NetworkAuthentication', name: 'here' };

    it('all of identity and network let a stream in; it ends when one of them is met no more', async () => {
      const application = await serveRaw(mesh, (one, chunk) => one.socket.write(chunk));
      client.setService({ protocol: 'opaque' });
      client.setEndpoints('web', [mesh.meshed(proxy, application.port)]);
      told(application.port, server('opaque'), allows(SERVER, CLIENT, HERE), network('127.0.0.0/8'));
      const caller = dialRaw(mesh, client.outbound);
      caller.send('hello');
      await caller.hears('hello');
      told(application.port, server('opaque'), allows(SERVER, CLIENT, HERE), network('10.0.0.0/8'));
      await until(() => caller.closed, 'the end of the stream');
      const refused = dialRaw(mesh, client.outbound);
      refused.send('hello');
      await until(() => refused.closed, 'the refusal');
      expect(application.served).to.have.length(1);
    });

    it('a policy that requires what is missing lets nobody in, and takes nothing from another', async () => {
      const application = await serveRaw(mesh, (one, chunk) => one.socket.write(chunk));
      client.setService({ protocol: 'opaque' });
      client.setEndpoints('web', [mesh.meshed(proxy, application.port)]);
      told(application.port, server('opaque'), allows(SERVER, HERE));
      const refused = dialRaw(mesh, client.outbound);
      refused.send('hello');
      await until(() => refused.closed, 'the refusal');
      told(
        application.port,
        server('opaque'),
        allows(SERVER, HERE),
        allows({ kind: 'Namespace', name: 'shop' }, CLIENT),
      );
      const caller = dialRaw(mesh, client.outbound);
      caller.send('hello');
      await caller.hears('hello');
    });
  });
}
