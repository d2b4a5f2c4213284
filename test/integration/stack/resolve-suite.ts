import { expect } from 'chai';
import { formatKey } from '../../../proxy-image/contract/keys.ts';
import type { NameResolver } from '../../../proxy-image/core/resolve/resolver.ts';
import type { Address, Transport } from '../../../proxy-image/io/transport/types.ts';
import type { StackLimits } from '../../../proxy-image/stack/shared/options.ts';
import { backend, service } from '../../unit/core/fixtures.ts';
import { until } from '../transport/recorder.ts';
import { ask, dialHttp2, echo, serveHttp2 } from './http2-peers.ts';
import { Diary } from './made-up-observer.ts';
import { Hosts } from './made-up-resolver.ts';
import { refusals, TestMesh, type TestProxy } from './mesh.ts';
import { askOn, dialRaw, ok, type RawClient, type Served, serveHttp, serveRaw } from './peers.ts';

const RED: Address = { ip: '10.96.0.7', port: 80 };
const BLUE: Address = { ip: '10.96.0.8', port: 80 };
const LONG_MS = 60_000;
/** Long enough to answer in, also on a busy machine. */
const LATE_MS = 1500;
const SHORT_MS = 50;
const GET_RED = 'GET / HTTP/1.1\r\nHost: red\r\n\r\n';

/** Requests that are resolved by what they name, on a listener that is addressed itself. Runs on Node and on Bun. */
export function resolveSuite(create: (onFault: (error: unknown) => void) => Transport): void {
  let mesh: TestMesh;
  let client: TestProxy;
  let hosts: Hosts;
  let diary: Diary;
  beforeEach(() => {
    mesh = new TestMesh(create);
  });
  afterEach(() => mesh.stop());

  async function start(limits: Partial<StackLimits> = {}, more: Record<string, Address> = {}): Promise<void> {
    hosts = new Hosts({ 'red:80': RED, 'blue:80': BLUE, ...more });
    diary = new Diary();
    client = await mesh.proxy({
      named: { protocol: 'detect', resolver: hosts },
      limits: { lookupTimeoutMs: LONG_MS, ...limits },
      observers: { outbound: [diary] },
    });
  }

  const keyOf = ({ ip, port }: Address) => formatKey({ kind: 'service', ip, port });
  const dial = (): RawClient => dialRaw(mesh, client.named);
  const requestFor = (host: string) => `POST / HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 4\r\n\r\nbody`;

  /** The control plane's answer. */
  function answers(address: Address, name: string, at: number, protocol: 'http1' | 'http2' = 'http1'): void {
    client.set(keyOf(address), service({ service: name, protocol, authority: name, backends: [backend(name, 1)] }));
    client.setEndpoints(name, [{ ...mesh.plain(at), protocol }]);
  }

  /** An application whose answers say its name, and what it has been asked. */
  async function serveAs(name: string, address: Address): Promise<string[]> {
    const asked: string[] = [];
    const { port } = await serveHttp(mesh, (head) => {
      asked.push(head);
      return ok(`I am ${name}`);
    });
    answers(address, name, port);
    return asked;
  }

  /** Whoever is not known may not be reached in plaintext. */
  function requireIdentity(): void {
    client.setPolicy(80, {}, { settings: { ...client.state.settings, requireIdentity: true } });
  }

  describe('requests of one connection', () => {
    it('HTTP/1: go to the names that they say, one after the other', async () => {
      await start();
      await serveAs('red', RED);
      await serveAs('blue', BLUE);
      const caller = dial();
      expect(await askOn(caller, requestFor('red'))).to.contain('I am red');
      expect(await askOn(caller, requestFor('blue'))).to.contain('I am blue');
      expect(await askOn(caller, requestFor('red'))).to.contain('I am red');
    });

    it('HTTP/2: streams go to the names that they say, also at once, and what is added for the next hop is each one’s own', async () => {
      await start();
      const red = await serveHttp2(mesh, echo);
      const blue = await serveHttp2(mesh, echo);
      answers(RED, 'red', red.port, 'http2');
      answers(BLUE, 'blue', blue.port, 'http2');
      const session = dialHttp2(mesh, client.named);
      const names = ['red', 'blue', 'red', 'blue'];
      const all = await Promise.all(names.map((name) => ask(session, { ':authority': name })));
      const asked = all.map(({ headers }) => JSON.parse(String(headers['x-asked'])));
      expect(asked.map((head) => head[':authority'])).to.deep.equal(names);
      expect(asked.map((head) => head['l5d-dst-canonical'])).to.deep.equal(names);
      expect([red.sessions.size, blue.sessions.size]).to.deep.equal([1, 1]);
    });

    it('one that nothing is known of yet waits with its head and body, while others overwrite the memory that heads are read in', async () => {
      await start();
      const heads: string[] = [];
      const red = await serveHttp(mesh, (head) => {
        heads.push(head);
        return ok('I am red');
      });
      await serveAs('blue', BLUE);
      const waiting = dial();
      waiting.send(requestFor('red').replace('POST /', 'POST /late'));
      await until(() => hosts.asked.length === 1, 'the look-up');
      expect(await askOn(dial(), requestFor('blue'))).to.contain('I am blue');
      expect(waiting.text).to.equal('');
      answers(RED, 'red', red.port);
      expect(await waiting.hears('I am red')).to.match(/^HTTP\/1\.1 200 /);
      expect(heads).to.have.length(1);
      expect(heads[0])
        .to.match(/^POST \/late HTTP\/1\.1\r\n/)
        .and.to.match(/\r\nhost: red\r\n/i);
      await until(() => red.served[0]!.text === 'body', 'the body');
    });

    it('HTTP/1: what is sent behind one that waits is answered after it', async () => {
      await start();
      await serveAs('blue', BLUE);
      const caller = dial();
      caller.send(requestFor('red') + requestFor('blue'));
      await until(() => hosts.asked.length === 1, 'the look-up');
      await serveAs('red', RED);
      const text = await caller.hears('I am blue');
      expect(text.indexOf('I am red')).to.be.within(1, text.indexOf('I am blue'));
      expect(hosts.asked).to.deep.equal(['red:80', 'blue:80']);
    });

    it('HTTP/2: a stream waits for its answer, and the others do not', async () => {
      await start();
      const red = await serveHttp2(mesh, echo);
      const blue = await serveHttp2(mesh, echo);
      answers(BLUE, 'blue', blue.port, 'http2');
      const session = dialHttp2(mesh, client.named);
      let isAnswered = false;
      const late = ask(session, { ':authority': 'red', ':method': 'POST' }, 'kept').finally(() => {
        isAnswered = true;
      });
      await until(() => hosts.asked.length === 1, 'the look-up');
      expect((await ask(session, { ':authority': 'blue' })).status).to.equal(200);
      expect(isAnswered).to.equal(false);
      answers(RED, 'red', red.port, 'http2');
      expect(await late).to.include({ status: 200, body: 'kept' });
    });

    it('one that has waited is sent once, however long its application takes', async () => {
      await start({ lookupTimeoutMs: LATE_MS });
      const asked: string[] = [];
      const { port } = await serveRaw(mesh, ({ socket }, chunk) => {
        asked.push(chunk);
        setTimeout(() => socket.write(ok('at last')), 2 * LATE_MS);
      });
      const caller = dial();
      caller.send(GET_RED);
      await until(() => hosts.asked.length === 1, 'the look-up');
      answers(RED, 'red', port);
      await caller.hears('at last');
      expect(asked).to.have.length(1);
      expect(client.recorder.unseenPassed).to.equal(0);
    });

    it('are each for what is known at its time: another answer counts for the next one', async () => {
      await start();
      const asked = await serveAs('red', RED);
      const caller = dial();
      await askOn(caller, GET_RED);
      const crimson = await serveAs('crimson', RED);
      await askOn(caller, GET_RED);
      expect(asked[0]).to.contain('\r\nl5d-dst-canonical: red\r\n');
      expect(crimson[0]).to.contain('\r\nl5d-dst-canonical: crimson\r\n');
    });

    it('a client that leaves is waited for no more', async () => {
      await start();
      const session = dialHttp2(mesh, client.named);
      const left = session.request({ ':authority': 'red', ':path': '/' });
      await until(() => client.state.status.destinations === 1, 'the look-up');
      left.close();
      client.state.connectionChanged(true);
      // What nobody watches is released.
      await until(() => client.state.releaseIdle(0).length === 1, 'nobody to watch');
    });
  });

  describe('what a request names', () => {
    for (const host of ['red', 'RED', 'Red.', 'red:80', 'red.:80', 'red:'])
      it(`is the same thing however it is spelt: ${host}`, async () => {
        await start();
        const asked = await serveAs('red', RED);
        expect(await askOn(dial(), requestFor(host))).to.contain('I am red');
        expect(hosts.asked).to.deep.equal(['red:80']);
        // What the application has to know is what its client said.
        expect(asked[0]).to.contain(`\r\nHost: ${host}\r\n`);
      });

    it('is the authority of an absolute form, whatever Host says; it goes on in that form', async () => {
      await start();
      const asked = await serveAs('red', RED);
      await serveAs('blue', BLUE);
      const caller = dial();
      expect(await askOn(caller, 'GET http://Red/a?b HTTP/1.1\r\nHost: blue\r\n\r\n')).to.contain('I am red');
      expect(asked).to.have.length(1);
      expect(asked[0]).to.match(/^GET http:\/\/Red\/a\?b HTTP\/1\.1\r\nHost: Red\r\n/);
      expect(asked[0]).not.to.contain('blue');
      expect(await askOn(caller, requestFor('blue'))).to.contain('I am blue');
    });

    it('an absolute form waits as any other', async () => {
      await start();
      const caller = dial();
      caller.send('GET http://red HTTP/1.1\r\nHost: blue\r\n\r\n');
      await until(() => hosts.asked.length === 1, 'the look-up');
      const asked = await serveAs('red', RED);
      await caller.hears('I am red');
      expect(asked[0]).to.match(/^GET http:\/\/red HTTP\/1\.1\r\nHost: red\r\n/);
    });

    it('is at the port of its scheme where it says none', async () => {
      await start({}, { 'red:443': BLUE });
      await serveAs('red', RED);
      await serveAs('blue', BLUE);
      const caller = dial();
      expect(await askOn(caller, 'GET http://red/ HTTP/1.1\r\nHost: red\r\n\r\n')).to.contain('I am red');
      expect(await askOn(caller, 'GET HTTPS://red/ HTTP/1.1\r\nHost: red\r\n\r\n')).to.contain('I am blue');
      const session = dialHttp2(mesh, client.named);
      expect((await ask(session, { ':authority': 'red', ':scheme': 'https' })).body).to.equal('I am blue');
      expect((await ask(session, { ':authority': 'red', ':scheme': 'http' })).body).to.equal('I am red');
    });

    /** Answers CONNECT, and then sends back in upper case what comes. */
    const tunnelling = (one: Served, chunk: string) => {
      if (chunk.startsWith('CONNECT ')) one.socket.write('HTTP/1.1 200 OK\r\n\r\n');
      else one.socket.write(chunk.toUpperCase());
    };

    it('is the target of a CONNECT, which goes on to whoever has that name and becomes a tunnel by its answer', async () => {
      await start({}, { 'gateway:3128': RED });
      const { port, served } = await serveRaw(mesh, tunnelling);
      answers(RED, 'gateway', port);
      await serveAs('blue', BLUE);
      const caller = dial();
      caller.send('CONNECT Gateway:3128 HTTP/1.1\r\nHost: blue\r\n\r\n');
      await caller.hears('200 OK');
      expect(served[0]!.text).to.match(/^CONNECT Gateway:3128 HTTP\/1\.1\r\n/);
      caller.send('hello');
      await caller.hears('HELLO');
      expect(hosts.asked).to.deep.equal(['gateway:3128']);
    });

    it('a CONNECT waits too, and what is sent behind it meanwhile belongs to the tunnel', async () => {
      await start({}, { 'gateway:3128': RED });
      const { port } = await serveRaw(mesh, tunnelling);
      const caller = dial();
      caller.send('CONNECT gateway:3128 HTTP/1.1\r\nHost: gateway:3128\r\n\r\nearly');
      await until(() => hosts.asked.length === 1, 'the look-up');
      answers(RED, 'gateway', port);
      await caller.hears('EARLY');
    });

    it('a CONNECT to nobody ends with its connection: what is behind it is no request', async () => {
      await start();
      const asked = await serveAs('red', RED);
      const caller = dial();
      caller.send(`CONNECT nobody:443 HTTP/1.1\r\nHost: red\r\n\r\n${requestFor('red')}`);
      expect(await caller.gone()).to.match(/^HTTP\/1\.1 404 /);
      expect(asked).to.deep.equal([]);
    });
  });

  describe('names of nothing', () => {
    it('are answered with 404, and the connection goes on', async () => {
      await start();
      await serveAs('red', RED);
      const caller = dial();
      const text = await askOn(caller, requestFor('green'));
      expect(text)
        .to.match(/^HTTP\/1\.1 404 /)
        .and.to.contain('l5d-proxy-error: no route matches the request\r\n');
      expect(await askOn(caller, requestFor('red:81'))).to.match(/^HTTP\/1\.1 404 /);
      expect(await askOn(caller, requestFor('red'))).to.contain('I am red');
      expect(client.log.join('')).to.contain('nothing has the name that the request says');
      expect(diary.lines.filter((line) => line.startsWith('end'))).to.have.length(3);
    });

    it('HTTP/2: the stream alone is answered, gRPC with its own status', async () => {
      await start();
      await serveAs('red', RED);
      const session = dialHttp2(mesh, client.named);
      expect((await ask(session, { ':authority': 'green' })).status).to.equal(404);
      const grpc = { ':authority': 'green', ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' };
      const { status, headers } = await ask(session, grpc);
      expect([status, headers['grpc-status']]).to.deep.equal([200, '5']);
      expect((await ask(session, { ':authority': 'red' })).body).to.equal('I am red');
    });

    const UNKNOWN = [
      're%64',
      'red..',
      '.red',
      're..d',
      'red,blue',
      'red;blue',
      "red'",
      'red:0',
      'red:65536',
      '-red',
      '*',
    ];
    for (const host of [...UNKNOWN, '1.2.3', '0x7f.1', '[::1]', '[::ffff:10.96.0.7]', `${'a'.repeat(64)}.red`])
      it(`names nothing, and nobody is asked for: ${host}`, async () => {
        await start();
        const asked = await serveAs('red', RED);
        const destinations = client.state.status.destinations;
        expect(await askOn(dial(), requestFor(host))).to.match(/^HTTP\/1\.1 404 /);
        expect(asked).to.deep.equal([]);
        expect(client.state.status.destinations).to.equal(destinations);
      });

    for (const host of [
      'user@red',
      'red/blue',
      'red blue',
      'red\x00',
      'r\xe9d',
      'red:http',
      '[red',
      'red\r\nHost: red',
    ])
      it(`is no host at all, and no request: ${JSON.stringify(host)}`, async () => {
        await start();
        const asked = await serveAs('red', RED);
        const caller = dial();
        caller.send(requestFor(host));
        expect(await caller.gone()).to.match(/^HTTP\/1\.1 400 /);
        expect([...asked, ...hosts.asked]).to.deep.equal([]);
      });

    for (const [title, head] of [
      ['HTTP/1.0 without Host', 'GET / HTTP/1.0\r\n\r\n'],
      ['an empty Host', 'GET / HTTP/1.1\r\nHost:\r\n\r\n'],
    ] as const)
      it(`no name is no name: ${title}`, async () => {
        await start();
        expect(await askOn(dial(), head)).to.match(/^HTTP\/1\.1 404 /);
        expect(hosts.asked).to.deep.equal([]);
      });

    it('the listener itself is nothing that a name can lead to', async () => {
      const toItself: NameResolver = { resolve: (_, state) => state.destination(client.named.ip, client.named.port) };
      client = await mesh.proxy({ named: { protocol: 'detect', resolver: toItself } });
      expect(await askOn(dial(), requestFor('self'))).to.match(/^HTTP\/1\.1 404 /);
    });

    it('bytes that are no request name nothing: their connection is refused', async () => {
      await start();
      const caller = dial();
      caller.send('\x00\x01\x02\x03 neither this nor that\r\n\r\n');
      expect(await caller.gone()).to.equal('');
      expect(refusals(client, 'outbound', 'forbidden')).to.equal(1);
    });
  });

  describe('destinations that are forbidden', () => {
    const FORBIDDEN = { sources: '1', type: 'forbidden', reason: 'the Service has no such port' } as const;

    it('HTTP/1: the request is answered, not the connection ended', async () => {
      await start();
      await serveAs('red', RED);
      client.set(keyOf(BLUE), FORBIDDEN);
      const caller = dial();
      const text = await askOn(caller, requestFor('blue'));
      expect(text)
        .to.match(/^HTTP\/1\.1 503 /)
        .and.to.contain('l5d-proxy-error: the backend does not exist\r\n');
      expect(await askOn(caller, requestFor('red'))).to.contain('I am red');
      expect(client.log.join('')).to.contain('the Service has no such port');
      expect(client.metrics()).to.match(/outbound_http_errors_total\{[^}]*error="failfast"[^}]*\} 1\n/);
    });

    it('HTTP/2: other streams of the connection go on, also where the answer comes late', async () => {
      await start();
      await serveAs('red', RED);
      const session = dialHttp2(mesh, client.named);
      const late = ask(session, { ':authority': 'blue' });
      await until(() => hosts.asked.length === 1, 'the look-up');
      client.set(keyOf(BLUE), FORBIDDEN);
      expect((await late).status).to.equal(503);
      expect((await ask(session, { ':authority': 'red' })).body).to.equal('I am red');
    });
  });

  describe('destinations that nobody could say in time', () => {
    /** A name for the application itself, of which the control plane says nothing. */
    async function startUnseen(lookupTimeoutMs = SHORT_MS): Promise<{ asked: string[]; address: Address }> {
      const asked: string[] = [];
      const { port } = await serveHttp(mesh, (head) => {
        asked.push(head);
        return ok('from the address');
      });
      const address = { ip: '127.0.0.1', port };
      await start({ lookupTimeoutMs }, { 'there:80': address });
      return { asked, address };
    }

    it('are reached by their address, as a connection would be', async () => {
      const { asked } = await startUnseen();
      const caller = dial();
      expect(await askOn(caller, requestFor('there'))).to.contain('from the address');
      expect(asked).to.have.length(1);
      expect([client.recorder.unseenPassed, client.recorder.unseenDenied]).to.deep.equal([1, 0]);
      expect(client.log.join('')).to.contain('destination not known in time: passed through without TLS');
    });

    it('are not reached where the mesh requires identity: the request is answered with 504, and the connection goes on', async () => {
      const { asked } = await startUnseen();
      requireIdentity();
      await serveAs('red', RED);
      const caller = dial();
      const text = await askOn(caller, requestFor('there'));
      expect(text)
        .to.match(/^HTTP\/1\.1 504 /)
        .and.to.contain('l5d-proxy-error: fail-fast: the destination is not known\r\n');
      expect(asked).to.deep.equal([]);
      expect([client.recorder.unseenPassed, client.recorder.unseenDenied]).to.deep.equal([0, 1]);
      expect(await askOn(caller, requestFor('red'))).to.contain('I am red');
    });

    it('what the mesh requires counts when time is up, not when the request came', async () => {
      const { asked } = await startUnseen(LATE_MS);
      const caller = dial();
      caller.send(requestFor('there'));
      await until(() => hosts.asked.length === 1, 'the look-up');
      requireIdentity();
      expect(await caller.hears('\r\n\r\n')).to.match(/^HTTP\/1\.1 504 /);
      expect(asked).to.deep.equal([]);
    });

    it('an answer that is taken back says no more than none: the next request of the connection waits, and goes nowhere in plaintext where identity is required', async () => {
      const { asked, address } = await startUnseen();
      requireIdentity();
      const endpoint = mesh.plain(address.port);
      const pod = {
        sources: '1',
        type: 'pod',
        namespace: 'shop',
        pod: 'there-1',
        protocol: 'http1',
        endpoint,
      } as const;
      client.set(keyOf(address), pod);
      const caller = dial();
      expect(await askOn(caller, requestFor('there'))).to.contain('from the address');
      expect(client.state.apply([{ op: 'delete', key: keyOf(address) }])).to.deep.equal([]);
      expect(await askOn(caller, requestFor('there'))).to.match(/^HTTP\/1\.1 504 /);
      expect(asked).to.have.length(1);
      expect(client.recorder.unseenDenied).to.equal(1);
      // … and another answer is good for the same connection.
      client.set(keyOf(address), pod);
      expect(await askOn(caller, requestFor('there'))).to.contain('from the address');
    });

    it('a withdrawn answer under HTTP/2: the stream alone', async () => {
      const { asked, address } = await startUnseen();
      requireIdentity();
      await serveAs('red', RED);
      client.set(keyOf(address), {
        sources: '1',
        type: 'pod',
        namespace: 'shop',
        pod: 'there-1',
        protocol: 'http1',
        endpoint: mesh.plain(address.port),
      });
      const session = dialHttp2(mesh, client.named);
      expect((await ask(session, { ':authority': 'there' })).status).to.equal(200);
      client.state.apply([{ op: 'delete', key: keyOf(address) }]);
      expect((await ask(session, { ':authority': 'there' })).status).to.equal(504);
      expect((await ask(session, { ':authority': 'red' })).body).to.equal('I am red');
      expect(asked).to.have.length(1);
    });
  });
}
