import type http2 from 'node:http2';
import { expect } from 'chai';
import { compile } from '../../../crds/compile/compile.ts';
import { formatKey } from '../../../proxy-image/contract/keys.ts';
import type { Address, Transport } from '../../../proxy-image/io/transport/types.ts';
import { clusterOf } from '../../support/routes/cluster.ts';
import type { RouteRequest, RouteRow } from '../../support/routes/row.ts';
import { ROUTE_ROWS } from '../../support/routes/table.ts';
import { addressOf, CALLS, SERVICES } from '../../support/routes/world.ts';
import { until } from '../transport/recorder.ts';
import { ask, dialHttp2, serveHttp2 } from './http2-peers.ts';
import { TestMesh, type TestProxy } from './mesh.ts';
import { askOn, dialRaw, serveRaw } from './peers.ts';

/** What a Service of the world has seen of a request. */
interface Seen {
  service: string;
  target: string;
  host: string;
  headers: Record<string, string>;
}

interface Heard {
  status: number;
  headers: Record<string, string>;
  seen: Seen | null;
}

/** Requests of a row in which chance has a say. */
const MANY = 12;
const EVERYWHERE = [...SERVICES, 'far', CALLS.service, 'calls-v1', 'calls-v2'];

/**
 * The rows of what HTTPRoute and GRPCRoute do to a request, from raw objects through parser, compiler and a proxy to an application behind sockets. How large
 * shares are, and what times and retries a rule has, is told by the unit tier.
 */
export function routesSuite(create: (onFault: (error: unknown) => void) => Transport): void {
  let mesh: TestMesh;
  let proxy: TestProxy;
  let original: Address;
  const ports: Record<'http1' | 'http2', Map<string, number>> = { http1: new Map(), http2: new Map() };
  const copies: string[] = [];

  before(async () => {
    mesh = new TestMesh(create);
    proxy = await mesh.proxy({ originalDestination: { of: () => original } });
    for (const service of EVERYWHERE) {
      ports.http1.set(service, await serveHttp1(service));
      ports.http2.set(service, await serveGrpc(service));
    }
  });
  after(() => mesh.stop());

  async function serveHttp1(service: string): Promise<number> {
    const { port } = await serveRaw(mesh, (one) => {
      for (let end = one.text.indexOf('\r\n\r\n'); end !== -1; end = one.text.indexOf('\r\n\r\n')) {
        const seen = seenOf(service, one.text.slice(0, end));
        one.text = one.text.slice(end + 4);
        copies.push(service);
        const body = JSON.stringify(seen);
        const lines = 'x-server: echo\r\nx-kind: plain\r\n';
        one.socket.write(`HTTP/1.1 200 OK\r\n${lines}content-length: ${body.length}\r\n\r\n${body}`, 'latin1');
      }
    });
    return port;
  }

  async function serveGrpc(service: string): Promise<number> {
    const { port } = await serveHttp2(mesh, (stream, headers) => {
      copies.push(service);
      const seen = { service, target: headers[':path'], host: headers[':authority'], headers: plain(headers) };
      stream.respond(
        { ':status': 200, 'content-type': 'application/grpc', 'x-server': 'echo', 'x-kind': 'plain' },
        { waitForTrailers: true },
      );
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(JSON.stringify(seen));
    });
    return port;
  }

  /** What the operator would tell the proxy about the Service that is called. */
  function tell({ objects, request }: RouteRow): void {
    const service = request.service ?? 'web';
    const ip = service === CALLS.service ? CALLS.address : addressOf(service);
    const port = request.port ?? (service === CALLS.service ? CALLS.port : 80);
    original = { ip, port };
    const key = { kind: 'service', ip, port } as const;
    const { compiled, failure } = compile(clusterOf(objects), key, request.from ?? 'shop');
    if (compiled === null) throw failure ?? new Error('nothing to say');
    const { body } = compiled;
    const spoken = request.grpc === true ? ('http2' as const) : ('http1' as const);
    if ('policy' in body) {
      for (const { meta, dispatch } of body.policy.backends) {
        if (dispatch.type !== 'balance') continue;
        const at = meta.name === 'empty' ? undefined : ports[spoken].get(meta.name);
        const endpoints = at === undefined ? [] : [{ ...mesh.plain(at), protocol: spoken }];
        proxy.set(dispatch.endpoints, { sources: '1', endpoints });
      }
    }
    proxy.set(formatKey(key), { ...body, sources: '1' });
  }

  async function byHttp1({ method = 'GET', target, headers = [] }: RouteRequest): Promise<Heard> {
    const hasHost = headers.some(([name]) => name.toLowerCase() === 'host');
    const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    const client = dialRaw(mesh, proxy.outbound);
    const text = await askOn(client, `${method} ${target} HTTP/1.1\r\n${hasHost ? '' : 'Host: web\r\n'}${lines}\r\n`);
    client.close();
    const [head = '', body = ''] = text.split('\r\n\r\n');
    return { status: Number(head.slice(9, 12)), headers: fieldsOf(head), seen: body === '' ? null : JSON.parse(body) };
  }

  async function byHttp2({ method, target, headers = [], grpc = false }: RouteRequest): Promise<Heard> {
    const fields: http2.OutgoingHttpHeaders = { ':path': target, ':method': method ?? (grpc ? 'POST' : 'GET') };
    if (grpc) Object.assign(fields, { 'content-type': 'application/grpc', te: 'trailers' });
    for (const [name, value] of headers) {
      const key = name.toLowerCase() === 'host' ? ':authority' : name.toLowerCase();
      const before = fields[key];
      fields[key] = before === undefined ? value : [before, value].flat().map(String);
    }
    fields[':authority'] ??= 'web';
    const session = dialHttp2(mesh, proxy.outbound);
    const answer = await ask(session, fields, grpc ? 'message' : null);
    session.destroy();
    const seen = answer.body === '' ? null : JSON.parse(answer.body);
    return { status: answer.status, headers: plain({ ...answer.headers, ...answer.trailers }), seen };
  }

  async function check(row: RouteRow, request: (of: RouteRequest) => Promise<Heard>): Promise<void> {
    const { expect: wanted } = row;
    tell(row);
    copies.length = 0;
    const began = performance.now();
    const answers = wanted.shares === undefined ? 1 : MANY;
    for (let i = 0; i < answers; i++) judge(row, await request(row.request));
    if (wanted.delayMs !== undefined) expect(performance.now() - began).to.be.at.least(wanted.delayMs - 5);
    for (const [service, percent] of Object.entries(wanted.mirrors ?? {})) {
      if (percent === 100) await until(() => copies.includes(service), `the copy for ${service}`);
    }
  }

  for (const [about, rows] of Object.entries(ROUTE_ROWS)) {
    describe(about, () => {
      for (const row of rows) {
        const title = `${row.title} (${row.rule})`;
        if (row.request.grpc !== true) it(`${title}: HTTP/1`, () => check(row, byHttp1));
        it(`${title}: HTTP/2`, () => check(row, byHttp2));
      }
    });
  }
}

/** Who may answer, and with what: a row with shares leaves both to chance. */
function judge({ expect: wanted, request }: RouteRow, { status, headers, seen }: Heard): void {
  const names = wanted.shares === undefined ? (wanted.backend === undefined ? [] : [wanted.backend]) : [];
  const shares = wanted.shares ?? Object.fromEntries(names.map((name) => [name, 100]));
  if (seen === null) {
    expect(shares).to.satisfy(() => Object.keys(shares).length === 0 || (shares['invalid'] ?? 0) > 0, 'an answer');
    judgeAnswer(wanted, request.grpc === true, status, headers);
    return;
  }
  expect(shares[seen.service] ?? 0, `answered by ${seen.service}`).to.be.greaterThan(0);
  if (wanted.target !== undefined) expect(seen.target).to.equal(wanted.target);
  if (wanted.host !== undefined) expect(seen.host).to.equal(wanted.host);
  judgeFields(seen.headers, wanted.requestHeaders ?? {});
  judgeFields(headers, wanted.responseHeaders ?? {});
}

function judgeAnswer(wanted: RouteRow['expect'], grpc: boolean, status: number, headers: Record<string, string>): void {
  if (!grpc && wanted.status !== undefined) expect(status).to.equal(wanted.status);
  if (grpc && wanted.grpcStatus !== undefined) expect(Number(headers['grpc-status'])).to.equal(wanted.grpcStatus);
  if (wanted.location !== undefined) expect(headers['location']).to.equal(wanted.location);
}

function judgeFields(seen: Record<string, string>, wanted: Readonly<Record<string, string | null>>): void {
  for (const [name, value] of Object.entries(wanted)) {
    const joined = seen[name]?.replaceAll(', ', ',') ?? null;
    expect(joined, name).to.equal(value?.replaceAll(', ', ',') ?? null);
  }
}

function fieldsOf(head: string): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const line of head.split('\r\n').slice(1)) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    fields[name] = fields[name] === undefined ? value : `${fields[name]},${value}`;
  }
  return fields;
}

function seenOf(service: string, head: string): Seen {
  const headers = fieldsOf(head);
  return { service, target: head.split(' ')[1] ?? '', host: headers['host'] ?? '', headers };
}

function plain(headers: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value].flat().join(',')]));
}
