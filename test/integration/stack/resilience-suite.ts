import { expect } from 'chai';
import type { Breaker } from '../../../proxy-image/contract/policy/breaker.ts';
import type { StatusRetry } from '../../../proxy-image/contract/policy/retry.ts';
import type { Transport } from '../../../proxy-image/io/transport/types.ts';
import {
  block,
  data,
  END_HEADERS,
  END_STREAM,
  type Frame,
  frame,
  get,
  goaway,
  headers,
  post,
  response,
  rst,
} from '../../unit/codec/http2/frames.ts';
import { service } from '../../unit/core/fixtures.ts';
import { until } from '../transport/recorder.ts';
import { ask, dialHttp2, echo, type Http2Answer, heard, serveHttp2 } from './http2-peers.ts';
import { dialFrames, type RawHttp2, serveFrames } from './http2-raw.ts';
import { SERVICE_KEY, TestMesh, type TestProxy } from './mesh.ts';
import { dialRaw, GET, ok, serveHttp, serveRaw } from './peers.ts';

const GRPC = { ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' };
const BREAKER: Breaker = {
  type: 'consecutive',
  maxFailures: 3,
  minPenaltyMs: 400,
  maxPenaltyMs: 5000,
  jitterRatio: 0,
  maxEjectedPercent: 100,
};
const RETRY: StatusRetry = { http: [], grpc: [], limit: 1, timeoutMs: 0, backoffMs: 25 };
const TIMEOUTS = { requestMs: 0, responseMs: 0, idleMs: 0 };

/** What a service whose endpoints fail still gives its callers. Runs on Node and on Bun. */
export function resilienceSuite(create: (onFault: (error: unknown) => void) => Transport): void {
  let mesh: TestMesh;
  let proxy: TestProxy;

  beforeEach(async () => {
    mesh = new TestMesh(create);
    proxy = await mesh.proxy({ limits: { outboundConnectTimeoutMs: 300 } });
    proxy.setService({ protocol: 'detect' });
  });
  afterEach(() => mesh.stop());

  function endpoints(...ports: number[]): void {
    proxy.setEndpoints(
      'web',
      ports.map((port) => ({ ...mesh.plain(port), protocol: 'detect' as const })),
    );
  }

  async function askHttp1(request = GET): Promise<string> {
    const client = dialRaw(mesh, proxy.outbound);
    client.send(request);
    const text = await client.hears('\r\n\r\n');
    client.close();
    return text;
  }

  const askGrpc = (session = dialHttp2(mesh, proxy.outbound)): Promise<Http2Answer> => ask(session, GRPC, 'x');

  describe('circuit breaking', () => {
    it('an endpoint that fails in a row gets nothing until its penalty is over, then one probe, then its share', async () => {
      let failing = true;
      let bad = 0;
      const sick = await serveHttp(mesh, () => {
        bad++;
        return failing ? 'HTTP/1.1 500 Bad\r\ncontent-length: 0\r\n\r\n' : ok('fine');
      });
      const well = await serveHttp(mesh, () => ok('fine'));
      endpoints(sick.port, well.port);
      proxy.setService({ protocol: 'detect', balancer: { type: 'roundRobin' }, breaker: BREAKER });
      while (bad < 3) await askHttp1();
      for (let i = 0; i < 6; i++) expect(await askHttp1()).to.match(/^HTTP\/1\.1 200/);
      expect(bad).to.equal(3);
      failing = false;
      await until(() => {
        void askHttp1();
        return bad > 3;
      }, 'the probe');
      const before = bad;
      for (let i = 0; i < 8; i++) await askHttp1();
      expect(bad).to.be.above(before + 1);
    });

    it('with retries by annotation, fail-fast is tried again, and then it is the answer', async () => {
      const sick = await serveHttp(mesh, () => 'HTTP/1.1 500 Bad\r\ncontent-length: 0\r\n\r\n');
      endpoints(sick.port);
      proxy.setService({
        protocol: 'detect',
        breaker: { ...BREAKER, maxFailures: 1, minPenaltyMs: 5000 },
        queue: { capacity: 10, failfastMs: 200 },
        retry: { ...RETRY, limit: 2 },
      });
      expect(await askHttp1()).to.match(/^HTTP\/1\.1 500/);
      expect(await askHttp1()).to.match(/^HTTP\/1\.1 504 (.*\r\n)*l5d-proxy-error: fail-fast: all ejected\r\n/);
      expect(proxy.metrics()).to.match(/outbound_http_route_retry_requests_total\{[^}]*\} 2\n/);
    });

    it('gRPC: a status in the trailers counts, as one in the head does', async () => {
      for (const trailing of [true, false]) {
        let bad = 0;
        const sick = await serveHttp2(mesh, (stream) => {
          bad++;
          stream.resume();
          if (!trailing) {
            stream.respond({ 'content-type': 'application/grpc', 'grpc-status': '14' }, { endStream: true });
            return;
          }
          stream.respond({ 'content-type': 'application/grpc' }, { waitForTrailers: true });
          stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '14' }));
          stream.end('x');
        });
        const well = await serveHttp2(mesh, echo);
        endpoints(sick.port, well.port);
        proxy.setService({
          protocol: 'detect',
          balancer: { type: 'roundRobin' },
          breaker: { ...BREAKER, minPenaltyMs: 5000 },
        });
        const session = dialHttp2(mesh, proxy.outbound);
        for (let i = 0; i < 30; i++) await askGrpc(session);
        expect(bad).to.equal(3);
      }
    });

    it('when all are out requests wait, then fail at once with 504 until a probe succeeds', async () => {
      let failing = true;
      const { port } = await serveHttp(mesh, () =>
        failing ? 'HTTP/1.1 500 Bad\r\ncontent-length: 0\r\n\r\n' : ok('fine'),
      );
      endpoints(port);
      const queue = { capacity: 2, failfastMs: 300 };
      proxy.setService({ protocol: 'detect', breaker: { ...BREAKER, minPenaltyMs: 1500 }, queue });
      for (let i = 0; i < 3; i++) await askHttp1();
      const answers = await Promise.all([askHttp1(), askHttp1(), askHttp1()]);
      // Two may wait; the third is shed.
      expect(answers.map((text) => text.slice(9, 12)).sort()).to.deep.equal(['503', '504', '504']);
      expect(await askHttp1()).to.match(/^HTTP\/1\.1 504 (.*\r\n)*l5d-proxy-error: fail-fast: all ejected\r\n/);
      failing = false;
      let text = '';
      const deadlineMs = Date.now() + 15_000;
      while (!text.startsWith('HTTP/1.1 200') && Date.now() < deadlineMs) text = await askHttp1();
      expect(await askHttp1()).to.match(/^HTTP\/1\.1 200/);
    });

    it('a probe whose client sends nonsense is given back', async () => {
      let failing = true;
      const { port } = await serveRaw(mesh, (one) => {
        if (one.text.includes('POST')) return;
        one.socket.write(failing ? 'HTTP/1.1 500 Bad\r\ncontent-length: 0\r\n\r\n' : ok('fine'));
      });
      endpoints(port);
      proxy.setService({ protocol: 'detect', breaker: { ...BREAKER, minPenaltyMs: 100 } });
      for (let i = 0; i < 3; i++) await askHttp1();
      failing = false;
      const client = dialRaw(mesh, proxy.outbound);
      client.send('POST / HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n');
      await new Promise((resolve) => setTimeout(resolve, 300));
      client.send('nonsense\r\n');
      expect(await client.hears('\r\n\r\n')).to.match(/^HTTP\/1\.1 400/);
      expect(await askHttp1()).to.match(/^HTTP\/1\.1 200/);
    });
  });

  describe('retries by annotation', () => {
    it('named statuses are retried up to the limit, none before its pause is over; others are not', async () => {
      let count = 0;
      let status = 503;
      const { port } = await serveHttp(mesh, () => {
        count++;
        return `HTTP/1.1 ${status} Bad\r\ncontent-length: 0\r\n\r\n`;
      });
      endpoints(port);
      proxy.setService({ protocol: 'detect', retry: { ...RETRY, http: [[502, 504]], limit: 2, backoffMs: 60 } });
      const begunMs = performance.now();
      expect(await askHttp1()).to.match(/^HTTP\/1\.1 503/);
      expect(count).to.equal(3);
      // 60 ms, then twice as long; each timer may be a millisecond early.
      expect(performance.now() - begunMs).to.be.at.least(178);
      count = 0;
      status = 500;
      expect(await askHttp1()).to.match(/^HTTP\/1\.1 500/);
      expect(count).to.equal(1);
    });

    it('a pause that outlasts the time of the request ends with it', async () => {
      let count = 0;
      const { port } = await serveHttp(mesh, () => {
        count++;
        return 'HTTP/1.1 503 Bad\r\ncontent-length: 0\r\n\r\n';
      });
      endpoints(port);
      proxy.setService({
        protocol: 'detect',
        retry: { ...RETRY, http: [[503, 503]], backoffMs: 60_000 },
        timeouts: { ...TIMEOUTS, requestMs: 100 },
      });
      expect(await askHttp1()).to.match(/^HTTP\/1\.1 504/);
      expect(count).to.equal(1);
    });

    it('a gRPC status is retried also from the trailers, and the next answer is the only one that is heard', async () => {
      let count = 0;
      const application = await serveHttp2(mesh, (stream) => {
        const status = ++count < 3 ? '14' : '0';
        stream.resume();
        stream.respond({ 'content-type': 'application/grpc' }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': status }));
        stream.end();
      });
      endpoints(application.port);
      proxy.setService({ protocol: 'detect', retry: { ...RETRY, grpc: [14], limit: 5 } });
      const answer = await askGrpc();
      expect(answer.trailers).to.include({ 'grpc-status': '0' });
      expect(count).to.equal(3);
    });

    it('a call whose client has more to say hears the head at once', async () => {
      const application = await serveHttp2(mesh, (stream) => {
        stream.respond({ 'content-type': 'application/grpc' });
        stream.on('data', () => stream.end('done'));
      });
      endpoints(application.port);
      proxy.setService({ protocol: 'detect', retry: { ...RETRY, grpc: [14] } });
      const stream = dialHttp2(mesh, proxy.outbound).request({ ...GRPC, ':path': '/' }, { endStream: false });
      const answer = heard(stream);
      await new Promise((resolve) => stream.once('response', resolve));
      stream.end('now');
      expect((await answer).body).to.equal('done');
    });

    it('an attempt that takes too long is followed by one that does not', async () => {
      let count = 0;
      const { port } = await serveRaw(mesh, (one) => {
        if (++count > 1) one.socket.write(ok('fine'));
      });
      endpoints(port);
      proxy.setService({ protocol: 'detect', retry: { ...RETRY, http: [[500, 599]], timeoutMs: 100 } });
      expect(await askHttp1()).to.match(/^HTTP\/1\.1 200/);
      expect(count).to.equal(2);
    });

    it('A18: a call whose body was not kept is never sent again', async () => {
      const seen: number[] = [];
      const { port } = await serveFrames(mesh, (one, { type, flags, id, payload }: Frame) => {
        if (type !== 'DATA') return;
        seen.push(payload.length);
        one.send(
          frame('WINDOW_UPDATE', 0, 0, Buffer.from([0, 1, 0, 0])),
          frame('WINDOW_UPDATE', 0, id, Buffer.from([0, 1, 0, 0])),
        );
        const total = seen.reduce((sum, length) => sum + length, 0);
        if (total > 100_000 && (flags & END_STREAM) === 0) one.send(rst(id, 7));
      });
      endpoints(port);
      proxy.setService({ protocol: 'detect', retry: { ...RETRY, http: [[500, 599]], grpc: [14], limit: 3 } });
      const stream = dialHttp2(mesh, proxy.outbound).request({ ...GRPC, ':path': '/' }, { endStream: false });
      const answer = heard(stream);
      stream.write(Buffer.alloc(120_000));
      expect((await answer).code).to.equal(7);
      const total = seen.reduce((sum, length) => sum + length, 0);
      expect(total).to.be.within(100_001, 120_000);
    });
  });

  it('an attempt that takes longer than its route allows, head or not, is followed by one that does not, or is the last', async () => {
    let count = 0;
    const { port } = await serveRaw(mesh, (one) => {
      if (++count === 2) one.socket.write(ok('fine'));
      if (count === 4) one.socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nsome');
    });
    endpoints(port);
    const allow = (retry: StatusRetry | null): void => {
      const body = service({ protocol: 'detect', retry });
      body.policy.policies[body.policy.fallback]!.timeouts.attemptMs = 150;
      proxy.set(SERVICE_KEY, body);
    };
    allow({ ...RETRY, http: [[500, 599]] });
    expect(await askHttp1()).to.match(/^HTTP\/1\.1 200/);
    expect(count).to.equal(2);
    allow(null);
    expect(await askHttp1()).to.match(/^HTTP\/1\.1 504/);
    const client = dialRaw(mesh, proxy.outbound);
    client.send(GET);
    await client.hears('some');
    await until(() => client.closed, 'the response to break off');
    expect(count).to.equal(4);
  });

  describe('timeouts by annotation', () => {
    for (const kind of ['requestMs', 'responseMs', 'idleMs'] as const) {
      it(`${kind}: before the head 504 or DEADLINE_EXCEEDED, behind it the response breaks off`, async () => {
        const application = await serveHttp2(mesh, (stream, asked) => {
          stream.resume();
          if (asked[':path'] !== '/head') return;
          stream.respond({ 'content-type': String(asked['content-type'] ?? 'text/plain') });
          stream.write('some');
        });
        endpoints(application.port);
        proxy.setService({ protocol: 'detect', timeouts: { ...TIMEOUTS, [kind]: 200 } });
        const session = dialHttp2(mesh, proxy.outbound);
        const [silent, silentCall, begun, begunCall] = await Promise.all([
          ask(session, {}),
          askGrpc(session),
          ask(session, { ':path': '/head' }),
          ask(session, { ...GRPC, ':path': '/head' }, 'x'),
        ]);
        expect(silent.status).to.equal(504);
        expect(silentCall.headers).to.include({ 'grpc-status': '4' });
        expect(begun).to.include({ status: 200, body: 'some', code: 2 });
        expect(begunCall.trailers).to.include({ 'grpc-status': '4' });
      });
    }

    it('idle: a response that goes on slowly is not cut', async () => {
      const application = await serveHttp2(mesh, (stream) => {
        stream.respond({});
        let count = 0;
        const timer = setInterval(() => {
          stream.write('x');
          if (++count < 8) return;
          clearInterval(timer);
          stream.end();
        }, 100);
      });
      endpoints(application.port);
      proxy.setService({ protocol: 'detect', timeouts: { ...TIMEOUTS, idleMs: 600 } });
      expect((await ask(dialHttp2(mesh, proxy.outbound), {})).body).to.equal('xxxxxxxx');
    });

    it('a request that waits for an endpoint while its body comes is over with its answer', async () => {
      const asked: string[] = [];
      const { port } = await serveHttp(mesh, (request) => {
        asked.push(request.slice(0, 4));
        return 'HTTP/1.1 500 Bad\r\ncontent-length: 0\r\n\r\n';
      });
      endpoints(port);
      proxy.setService({
        protocol: 'detect',
        breaker: { ...BREAKER, minPenaltyMs: 600, maxFailures: 1 },
        timeouts: { ...TIMEOUTS, requestMs: 200 },
      });
      await askHttp1();
      const client = dialRaw(mesh, proxy.outbound);
      client.send('POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 10\r\n\r\nabc');
      await client.hears('HTTP/1.1 504');
      // Longer than the penalty: nobody tries for it then.
      await new Promise((resolve) => setTimeout(resolve, 900));
      client.send('defghij');
      client.send(GET);
      await client.hears('HTTP/1.1 500');
      expect(client.text.match(/HTTP\/1\.1/g)).to.have.length(2);
      expect(asked).to.deep.equal(['GET ', 'GET ']);
    });

    it('the deadline of a gRPC call passes through', async () => {
      const application = await serveHttp2(mesh, echo);
      endpoints(application.port);
      const answer = await ask(dialHttp2(mesh, proxy.outbound), { ...GRPC, 'grpc-timeout': '250m' }, 'x');
      expect(JSON.parse(String(answer.headers['x-asked']))).to.include({ 'grpc-timeout': '250m' });
    });
  });

  describe('what a server has not processed', () => {
    const OK = (id: number): Buffer => response(id, END_STREAM);
    const isRequest = ({ type, flags }: Frame): boolean =>
      (type === 'HEADERS' || type === 'DATA') && (flags & END_STREAM) !== 0;

    it('a refused stream goes to another endpoint, whatever it is', async () => {
      let refused = 0;
      const refusing = await serveFrames(mesh, (one, each) => {
        if (!isRequest(each)) return;
        refused++;
        one.send(rst(each.id, 7));
      });
      const well = await serveHttp2(mesh, echo);
      endpoints(refusing.port, well.port);
      const session = dialHttp2(mesh, proxy.outbound);
      for (let i = 0; i < 10; i++) expect((await ask(session, { ':method': 'POST' }, 'once')).body).to.equal('once');
      expect(refused).to.be.above(0);
    });

    it('with no other endpoint the refusal is passed on after a few tries', async () => {
      let refused = 0;
      const { port } = await serveFrames(mesh, (one, each) => {
        if (!isRequest(each)) return;
        refused++;
        one.send(rst(each.id, 7));
      });
      endpoints(port);
      expect((await ask(dialHttp2(mesh, proxy.outbound), {})).code).to.equal(7);
      expect(refused).to.equal(4);
      expect(await askHttp1('GET / HTTP/1.1\r\nHost: web\r\n\r\n')).to.match(/^HTTP\/1\.1 502/);
    });

    it('GOAWAY with streams in flight loses no request, also where there is one endpoint only', async () => {
      const connections = new Set<RawHttp2>();
      const { port } = await serveFrames(mesh, (one, each) => {
        if (!isRequest(each)) return;
        const isFirst = connections.size === 0;
        connections.add(one);
        // The first connection serves stream 1 and leaves; whatever comes above is not looked at.
        if (isFirst) setTimeout(() => one.send(goaway(1), OK(1)), 100);
        else if (one !== [...connections][0]) one.send(OK(each.id));
      });
      endpoints(port);
      const session = dialHttp2(mesh, proxy.outbound);
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, i) => ask(session, i % 2 === 0 ? {} : GRPC, i % 2 === 0 ? null : 'body')),
      );
      expect(answers.map(({ status }) => status)).to.deep.equal(answers.map(() => 200));
      expect(connections.size).to.equal(2);
    });

    it('a connection that is lost under a POST is not tried again', async () => {
      let count = 0;
      const { port } = await serveFrames(mesh, (one, each) => {
        if (!isRequest(each)) return;
        count++;
        one.socket.resetAndDestroy();
      });
      endpoints(port);
      expect((await ask(dialHttp2(mesh, proxy.outbound), { ':method': 'POST' }, 'x')).status).to.equal(502);
      expect(count).to.equal(1);
    });

    it('a reset with NO_ERROR in the middle of a response does not look like its end', async () => {
      const { port } = await serveFrames(mesh, (one, each) => {
        if (isRequest(each)) one.send(response(each.id), data(each.id, 'some'), rst(each.id, 0));
      });
      endpoints(port);
      expect(await ask(dialHttp2(mesh, proxy.outbound), {})).to.include({ body: 'some', code: 2 });
    });
  });

  describe('A16: what HTTP/1 would read otherwise is a stream error', () => {
    const BASE: Record<string, string> = { ':method': 'POST', ':scheme': 'http', ':path': '/', ':authority': 'web' };
    const section = (fields: Record<string, string>, flags = END_STREAM): Buffer =>
      frame('HEADERS', END_HEADERS | flags, 1, block(fields));
    for (const [what, frames] of [
      ['CR LF in a value', [section({ ...BASE, 'x-a': 'b\r\ncontent-length: 5' })]],
      ['a NUL in a value', [section({ ...BASE, 'x-a': 'b\0c' })]],
      ['a colon in a name', [section({ ...BASE, 'a:b': 'c' })]],
      ['an upper-case name', [section({ ...BASE, 'Content-Length': '5' })]],
      ['transfer-encoding', [section({ ...BASE, 'transfer-encoding': 'chunked' })]],
      ['connection', [section({ ...BASE, connection: 'close' })]],
      ['a blank in the path', [section({ ...BASE, ':path': '/ HTTP/1.1\r\nx: y' })]],
      ['another host', [section({ ...BASE, host: 'other' })]],
      ['more than the length', [section({ ...BASE, 'content-length': '1' }, 0), data(1, 'GET / HTTP/1.1', END_STREAM)]],
      ['less than the length', [section({ ...BASE, 'content-length': '9' }, 0), data(1, 'abc', END_STREAM)]],
      ['a length and no body', [section({ ...BASE, 'content-length': '9' })]],
      ['a pseudo-header in trailers', [section(BASE, 0), data(1, 'a'), headers(1, { ':path': '/x' }, END_STREAM)]],
    ] as const) {
      it(what, async () => {
        const whole: string[] = [];
        const { port } = await serveRaw(mesh, (one) => {
          whole.push(one.text);
          if (one.text.startsWith('GET /next ')) one.socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
        });
        proxy.setEndpoints('web', [{ ...mesh.plain(port), protocol: 'http1' }]);
        const client = dialFrames(mesh, proxy.outbound);
        client.send(...frames);
        await until(() => client.heard.includes('RST_STREAM 1 1'), `the reset, heard ${client.heard.join()}`);
        client.send(get(3, { ':path': '/next' }));
        await until(() => client.heard.includes('HEADERS 3 END'), 'the next request');
        for (const text of whole) expect(text).not.to.match(/\r\n0\r\n|x: y|[^/]GET \//);
      });
    }

    it('and a response that says less or more than its length reaches nobody as a whole one', async () => {
      const { port } = await serveFrames(mesh, (one, each) => {
        if (each.type !== 'HEADERS') return;
        one.send(response(each.id, 0, { 'content-length': '9' }), data(each.id, 'abc', END_STREAM));
      });
      endpoints(port);
      const client = dialFrames(mesh, proxy.outbound);
      client.send(post(1), data(1, 'x', END_STREAM));
      await until(() => client.heard.includes('RST_STREAM 1 2'), 'the reset');
      expect(client.heard.some((line) => line.includes('END'))).to.equal(false);
    });
  });
}
