import { expect } from 'chai';
import type { Route } from '../../../proxy-image/contract/resources.ts';
import type { Transport } from '../../../proxy-image/io/transport/types.ts';
import { backend, endpointsKey, route } from '../../unit/core/fixtures.ts';
import { TestMesh, type TestProxy } from './mesh.ts';
import { askOn, dialRaw, GET, ok, type RawClient, serveHttp, serveRaw } from './peers.ts';

/** A port on which nothing listens. */
const CLOSED_PORT = 1;

/** Routing, balancing, retries, timeouts of the outbound stack. */
export function routingSuite(create: (onFault: (error: unknown) => void) => Transport): void {
  let mesh: TestMesh;
  let proxy: TestProxy;

  beforeEach(async () => {
    mesh = new TestMesh(create);
    proxy = await mesh.proxy({ limits: { lookupTimeoutMs: 60, outboundConnectTimeoutMs: 300 } });
  });
  afterEach(() => mesh.stop());

  const dial = (): RawClient => dialRaw(mesh, proxy.outbound);

  const retryable: Route = route('all', '/.*', { isRetryable: true });

  describe('shares and endpoints', () => {
    it('a split is followed exactly, and 0 means never', async () => {
      const counts = { blue: 0, green: 0, red: 0 };
      for (const name of ['blue', 'green', 'red'] as const) {
        const { port } = await serveHttp(mesh, () => {
          counts[name]++;
          return ok(name);
        });
        proxy.setEndpoints(name, [mesh.plain(port)]);
      }
      proxy.setService({ backends: [backend('blue', 900), backend('green', 100), backend('red', 0)] });
      const clients = Array.from({ length: 12 }, dial);
      await Promise.all(
        clients.map(async (client) => {
          for (let i = 0; i < 50; i++) await askOn(client);
        }),
      );
      expect(counts.red).to.equal(0);
      // Four standard deviations of a binomial of 600 at one tenth.
      expect(counts.green).to.be.within(30, 90);
      expect(counts.blue + counts.green).to.equal(600);
      proxy.setService({ backends: [backend('blue', 0), backend('green', 0), backend('red', 1000)] });
      const before = counts.red;
      for (let i = 0; i < 50; i++) await askOn(clients[i % 12]!);
      expect(counts.red - before).to.equal(50);
    });

    it('a share whose Service does not exist fails with 503', async () => {
      proxy.setService({ backends: [backend('gone', 1000, { unavailable: true })] });
      const text = await askOn(dial());
      expect(text).to.match(/^HTTP\/1\.1 503 /);
      expect(text).to.contain('l5d-proxy-error: the backend does not exist\r\n');
    });

    it('a service without endpoints: requests wait for the fail-fast time, then fail', async () => {
      proxy.setService({ queue: { capacity: 10, failfastMs: 300 } });
      proxy.setEndpoints('web', []);
      const text = await askOn(dial());
      expect(text).to.match(/^HTTP\/1\.1 504 .*\r\nl5d-proxy-error: fail-fast: no endpoints\r\n/s);
    });

    it('requests are spread over all endpoints', async () => {
      const seen = new Set<number>();
      const endpoints = [];
      for (let i = 0; i < 3; i++) {
        const { port } = await serveHttp(mesh, () => {
          seen.add(i);
          return ok('fine');
        });
        endpoints.push(mesh.plain(port));
      }
      proxy.setService({ balancer: { type: 'roundRobin' } });
      proxy.setEndpoints('web', endpoints);
      const client = dial();
      for (let i = 0; i < 3; i++) await askOn(client);
      expect([...seen].sort()).to.deep.equal([0, 1, 2]);
    });

    it('an endpoint that refuses connections is passed over, whatever the request is and without any budget', async () => {
      const { port } = await serveHttp(mesh, () => ok('fine'));
      proxy.setService({ retryBudget: { ratio: 0, minRetriesPerSecond: 0, ttlMs: 10_000 } });
      proxy.setEndpoints('web', [mesh.plain(CLOSED_PORT), mesh.plain(port)]);
      const post = 'POST / HTTP/1.1\r\nHost: web\r\nConnection: close\r\nContent-Length: 0\r\n\r\n';
      for (let i = 0; i < 20; i++) expect(await askOn(dial(), post)).to.match(/^HTTP\/1\.1 200 /);
    });

    it('when every endpoint refuses, requests wait for the fail-fast time, then fail', async () => {
      proxy.setService({ queue: { capacity: 10, failfastMs: 300 } });
      proxy.setEndpoints('web', [mesh.plain(CLOSED_PORT)]);
      const text = await askOn(dial());
      expect(text).to.match(/^HTTP\/1\.1 504 .*\r\nl5d-proxy-error: fail-fast: all unreachable\r\n/s);
    });

    it('a kept connection that the server has closed is replaced without the client noticing', async () => {
      const { port, served } = await serveHttp(mesh, () => ok('fine'));
      proxy.setService({});
      proxy.setEndpoints('web', [mesh.plain(port)]);
      const client = dial();
      await askOn(client);
      served[0]!.socket.end();
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(await askOn(client)).to.match(/^HTTP\/1\.1 200 /);
      expect(served).to.have.length(2);
    });

    it('a GET that meets a connection closing under it is sent again; a POST is not', async () => {
      let close = false;
      const { port } = await serveRaw(mesh, (one) => {
        if (close && one.text.indexOf('HTTP/1.1') !== one.text.lastIndexOf('HTTP/1.1')) one.socket.resetAndDestroy();
        else one.socket.write(ok('fine'));
      });
      proxy.setService({});
      proxy.setEndpoints('web', [mesh.plain(port)]);
      const client = dial();
      await askOn(client);
      close = true;
      expect(await askOn(client)).to.match(/^HTTP\/1\.1 200 /);
      const text = await askOn(client, 'POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 0\r\n\r\n');
      expect(text).to.match(/^HTTP\/1\.1 502 /);
    });
  });

  describe('retries', () => {
    it('a failing response is retried where the route says so', async () => {
      let count = 0;
      const { port } = await serveHttp(mesh, () => {
        count++;
        return count % 3 === 0 ? ok('fine') : 'HTTP/1.1 500 Internal Server Error\r\ncontent-length: 3\r\n\r\nbad';
      });
      proxy.setService({ routes: [retryable] });
      proxy.setEndpoints('web', [mesh.plain(port)]);
      const client = dial();
      expect(await askOn(client)).to.match(/^HTTP\/1\.1 200 .*fine$/s);
      expect(count).to.equal(3);
    });

    it('a failing response is passed on where the route does not', async () => {
      let count = 0;
      const { port } = await serveHttp(mesh, () => {
        count++;
        return 'HTTP/1.1 500 Internal Server Error\r\ncontent-length: 3\r\n\r\nbad';
      });
      proxy.setService({ routes: [route('all', '/.*')] });
      proxy.setEndpoints('web', [mesh.plain(port)]);
      expect(await askOn(dial())).to.match(/^HTTP\/1\.1 500 .*bad$/s);
      expect(count).to.equal(1);
    });

    it('retries stop when the budget is spent, and the last response is passed on', async () => {
      let count = 0;
      const { port } = await serveHttp(mesh, () => {
        count++;
        return 'HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n';
      });
      // Two in reserve: one a second for two seconds.
      const retryBudget = { ratio: 0, minRetriesPerSecond: 1, ttlMs: 2000 };
      proxy.setService({ routes: [retryable], retryBudget });
      proxy.setEndpoints('web', [mesh.plain(port)]);
      const client = dial();
      expect(await askOn(client)).to.match(/^HTTP\/1\.1 503 /);
      expect(count).to.equal(3);
      await askOn(client);
      expect(count).to.equal(4);
      const metrics = proxy.metrics();
      expect(metrics).to.match(/^route_retryable_total\{[^}]*rt_route="all"[^}]*skipped="no_budget"[^}]*\} 2$/m);
      expect(metrics).to.match(/^route_actual_request_total\{[^}]*rt_route="all"[^}]*\} 4$/m);
      expect(metrics).to.match(/^route_request_total\{[^}]*rt_route="all"[^}]*\} 2$/m);
      expect(metrics).to.match(/^route_response_total\{[^}]*classification="failure"[^}]*\} 2$/m);
    });

    it('A18: a request body is replayed if it is complete and at most 64 KiB', async () => {
      const bodies: string[] = [];
      const { port } = await serveRaw(mesh, (one) => {
        const end = one.text.indexOf('\r\n\r\n') + 4;
        if (end === 3 || one.text.length < end + 60_000) return;
        bodies.push(one.text.slice(end));
        one.text = '';
        one.socket.write(bodies.length === 1 ? 'HTTP/1.1 500 Bad\r\ncontent-length: 0\r\n\r\n' : ok('fine'));
      });
      proxy.setService({ routes: [retryable] });
      proxy.setEndpoints('web', [mesh.plain(port)]);
      const body = 'abcdefghij'.repeat(6000);
      const client = dial();
      client.send(`POST / HTTP/1.1\r\nHost: web\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      await client.hears('fine');
      expect(bodies).to.deep.equal([body, body]);
    });

    it('A18: a longer body is passed on once and never again', async () => {
      let bytes = 0;
      let requests = 0;
      const length = 200_000;
      const { port } = await serveRaw(mesh, (one, chunk) => {
        if (chunk.startsWith('POST')) requests++;
        bytes += chunk.length;
        one.text = '';
        if (bytes >= length) one.socket.write('HTTP/1.1 500 Bad\r\ncontent-length: 0\r\n\r\n');
      });
      proxy.setService({ routes: [retryable] });
      proxy.setEndpoints('web', [mesh.plain(port)]);
      const client = dial();
      client.send(`POST / HTTP/1.1\r\nHost: web\r\nContent-Length: ${length}\r\n\r\n${'x'.repeat(length)}`);
      await client.hears('HTTP/1.1 500');
      await new Promise((resolve) => setTimeout(resolve, 30));
      expect(requests).to.equal(1);
    });

    it('A18: a request that is answered before its body has ended is not retried', async () => {
      let requests = 0;
      const { port } = await serveRaw(mesh, (one) => {
        requests++;
        one.socket.write('HTTP/1.1 500 Bad\r\ncontent-length: 0\r\n\r\n');
      });
      proxy.setService({ routes: [retryable] });
      proxy.setEndpoints('web', [mesh.plain(port)]);
      const client = dial();
      client.send('POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 10\r\n\r\nabc');
      await client.hears('HTTP/1.1 500');
      await new Promise((resolve) => setTimeout(resolve, 30));
      expect(requests).to.equal(1);
    });

    it('an endpoint that dies with the request: retried where the route allows it, else 502', async () => {
      let count = 0;
      const { port } = await serveRaw(mesh, (one) => {
        if (++count % 2 === 1) one.socket.resetAndDestroy();
        else one.socket.write(ok('fine'));
      });
      proxy.setService({ routes: [retryable] });
      proxy.setEndpoints('web', [mesh.plain(port)]);
      const request = 'POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 3\r\n\r\nabc';
      expect(await askOn(dial(), request)).to.match(/^HTTP\/1\.1 200 /);
      count = 0;
      proxy.setService({ routes: [] });
      expect(await askOn(dial(), request)).to.match(/^HTTP\/1\.1 502 /);
    });
  });

  describe('timeouts', () => {
    it('a route timeout answers 504 in time, over all attempts', async () => {
      const { port } = await serveRaw(mesh, () => {});
      proxy.setService({ routes: [route('slow', '/slow', { timeoutMs: 100 })] });
      proxy.setEndpoints('web', [mesh.plain(port)]);
      const client = dial();
      const startMs = Date.now();
      const text = await askOn(client, 'GET /slow HTTP/1.1\r\nHost: web\r\n\r\n');
      expect(Date.now() - startMs).to.be.within(95, 1000);
      expect(text).to.match(/^HTTP\/1\.1 504 /);
      expect(text).to.contain('l5d-proxy-error: response timed out\r\n');
    });

    it('the connection stays usable after a timeout, and the late answer reaches nobody', async () => {
      const { port, served } = await serveRaw(mesh, (one) => {
        if (one.text.includes('/fast')) one.socket.write(ok('fast'));
      });
      proxy.setService({ routes: [route('slow', '/slow', { timeoutMs: 300 })] });
      proxy.setEndpoints('web', [mesh.plain(port)]);
      const client = dial();
      await askOn(client, 'GET /slow HTTP/1.1\r\nHost: web\r\n\r\n');
      served[0]!.socket.write(ok('late'));
      expect(await askOn(client, 'GET /fast HTTP/1.1\r\nHost: web\r\n\r\n')).to.match(/fast$/);
      expect(served).to.have.length(2);
    });

    it('a timeout does not cut a response that has begun', async () => {
      const { port } = await serveRaw(mesh, (one) => {
        one.socket.write('HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nabc');
        setTimeout(() => one.socket.write('def'), 700);
      });
      proxy.setService({ routes: [route('all', '/.*', { timeoutMs: 500 })] });
      proxy.setEndpoints('web', [mesh.plain(port)]);
      const client = dial();
      client.send(GET);
      await client.hears('abcdef');
    });
  });

  it('an update of the endpoints key alone is followed by the next request', async () => {
    const first = await serveHttp(mesh, () => ok('first'));
    const second = await serveHttp(mesh, () => ok('second'));
    proxy.setService({});
    proxy.set(endpointsKey('web'), { sources: '8', endpoints: [mesh.plain(first.port)] });
    const client = dial();
    expect(await askOn(client)).to.match(/first$/);
    proxy.set(endpointsKey('web'), { sources: '9', endpoints: [mesh.plain(second.port)] });
    expect(await askOn(client)).to.match(/second$/);
  });
}
