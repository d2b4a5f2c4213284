import { expect } from 'chai';
import { ClientConnection } from '../../../proxy-image/codec/http1/client-connection.ts';
import { Http1Scratch } from '../../../proxy-image/codec/http1/scratch.ts';
import { FlushQueue } from '../../../proxy-image/codec/http2/flush.ts';
import { HTTP2_LIMITS } from '../../../proxy-image/codec/http2/limits.ts';
import type { ExchangeUpstream } from '../../../proxy-image/http/exchange.ts';
import type { DialContext, DialError, DialTarget } from '../../../proxy-image/io/pool/dial.ts';
import type { Host, Prospect, Waiter } from '../../../proxy-image/io/pool/host.ts';
import { HostPool } from '../../../proxy-image/io/pool/host-pool.ts';
import { Http2Engine } from '../../../proxy-image/io/pool/http2-engine.ts';
import { ConnectionPool, type PoolCodecs } from '../../../proxy-image/io/pool/pool.ts';
import type {
  ConnectionHandler,
  Timer,
  TimerOwner,
  Timers,
  Transport,
} from '../../../proxy-image/io/transport/types.ts';
import { FakeConnection } from '../codec/http1/rig.ts';

interface ManualTimer extends Timer {
  atMs: number;
}

/** Time that passes when a test says so. */
class ManualTimers implements Timers {
  readonly resolutionMs = 1;
  ms = 0;
  readonly #timers: ManualTimer[] = [];

  nowMs(): number {
    return this.ms;
  }
  awakeMs(): number {
    return this.ms;
  }
  create(owner: TimerOwner): Timer {
    const timer = { owner, atMs: Number.POSITIVE_INFINITY };
    this.#timers.push(timer);
    return timer;
  }
  set(timer: Timer, delayMs: number): void {
    (timer as ManualTimer).atMs = this.ms + delayMs;
  }
  clear(timer: Timer): void {
    (timer as ManualTimer).atMs = Number.POSITIVE_INFINITY;
  }
  pass(ms: number): void {
    this.ms += ms;
    for (const timer of this.#timers) {
      if (timer.atMs > this.ms) continue;
      timer.atMs = Number.POSITIVE_INFINITY;
      timer.owner.onTimer(timer);
    }
  }
}

class Asker implements Waiter {
  readonly tunnels = false;
  connection: ExchangeUpstream | null = null;
  error: DialError | null = null;
  delayed = 0;
  patient = false;
  leased(connection: ExchangeUpstream): void {
    this.connection = connection;
  }
  leaseFailed(error: DialError): void {
    this.error = error;
  }
  leaseDelayed(): void {
    this.delayed++;
  }
}

const LIMITS = { idleMs: 3000, http2IdleMs: 60_000, connectionsPerHost: 3, waitersPerHost: 5 };

/** The exchange that a connection was leased for has ended. */
function giveBack(host: Host, connection: ExchangeUpstream | null): void {
  if (host instanceof HostPool && connection instanceof ClientConnection) host.becameIdle(connection);
  else throw new Error('no connection of HTTP/1');
}

describe('connection pool', () => {
  let timers: ManualTimers;
  let dialled: FakeConnection[];
  let pool: ConnectionPool;
  let open: number;
  let turns: (() => void)[];
  let context: DialContext;
  let codecs: PoolCodecs;
  const observer = { opened: () => open++, closed: () => open-- };

  beforeEach(() => {
    turns = [];
    timers = new ManualTimers();
    dialled = [];
    open = 0;
    const connect = (_: unknown, handler: ConnectionHandler) => {
      const connection = new FakeConnection();
      connection.handler = handler;
      dialled.push(connection);
      return connection;
    };
    const atEndOfTurn = (run: () => void) => turns.push(run);
    const transport = { timers, connect, atEndOfTurn } as unknown as Transport;
    context = {
      transport,
      tlsContext: () => null,
      dialAddress: (address) => address,
      connectTimeoutMs: 1000,
      handshakeTimeoutMs: 10_000,
    };
    const parts = { timers, flush: new FlushQueue(), limits: HTTP2_LIMITS };
    codecs = { scratch: new Http1Scratch(65_536), engine: new Http2Engine(), plain: parts, meshed: parts };
    pool = new ConnectionPool(context, codecs, observer, LIMITS);
  });

  const target = (more: Partial<DialTarget> = {}): DialTarget => ({
    address: { ip: '10.0.0.1', port: 80 },
    identity: null,
    port: 80,
    session: 'http1',
    ...more,
  });

  function ask(host: Host, patient = false): Asker {
    const asker = new Asker();
    asker.patient = patient;
    asker.connection = host.lease(asker);
    return asker;
  }

  function connectAll(): void {
    for (const connection of dialled) {
      if (connection.isOpen && connection.bytesWritten === 0) connection.handler.onConnect(connection);
    }
  }

  it('dials for a request that finds nothing, and keeps the connection for the next', () => {
    const host = pool.host(target());
    const first = ask(host);
    expect(first.connection).to.equal(null);
    connectAll();
    expect(first.connection).not.to.equal(null);
    giveBack(host, first.connection);
    expect(ask(host).connection).to.equal(first.connection);
    expect(dialled).to.have.length(1);
    expect(open).to.equal(1);
  });

  it('a request that waits takes a connection that is given back, if that comes first', () => {
    const host = pool.host(target());
    const first = ask(host);
    connectAll();
    const second = ask(host);
    giveBack(host, first.connection);
    expect(second.connection).to.equal(first.connection);
    // The one that was dialled for it is for whoever comes next, and so is a spare one: requests came faster than connections were given back.
    connectAll();
    expect([ask(host).connection, ask(host).connection]).not.to.include(null);
    expect(dialled).to.have.length(3);
  });

  it('hands out the most recently used, so that the surplus of a burst ages and goes', () => {
    const host = pool.host(target());
    const askers = [ask(host), ask(host)];
    connectAll();
    const [old, recent] = askers.map((asker) => asker.connection!) as [ClientConnection, ClientConnection];
    giveBack(host, old);
    timers.pass(2000);
    giveBack(host, recent);
    expect(ask(host).connection).to.equal(recent);
    giveBack(host, recent);
    timers.pass(1500);
    expect([dialled[0]!.isOpen, dialled[1]!.isOpen]).to.deep.equal([false, true]);
    timers.pass(3000);
    expect(dialled[1]!.isOpen).to.equal(false);
    expect(open).to.equal(0);
  });

  it('never opens more than its limit, and goes on when a place becomes free', () => {
    const host = pool.host(target());
    const askers = [1, 2, 3, 4].map(() => ask(host));
    expect(dialled).to.have.length(3);
    connectAll();
    expect(askers.map((asker) => asker.connection !== null)).to.deep.equal([true, true, true, false]);
    (askers[0]!.connection as ClientConnection).retire();
    expect(dialled).to.have.length(4);
    connectAll();
    expect(askers[3]!.connection).not.to.equal(null);
  });

  it('says when too many wait', () => {
    const host = pool.host(target());
    for (let i = 0; i < LIMITS.waitersPerHost; i++) {
      expect(host.overloaded).to.equal(false);
      ask(host);
    }
    expect(host.overloaded).to.equal(true);
  });

  it('a request that does not want any more gets nothing', () => {
    const host = pool.host(target());
    const gone = ask(host);
    host.cancel(gone);
    connectAll();
    expect(gone.connection).to.equal(null);
    expect(ask(host).connection).not.to.equal(null);
  });

  it('tells a failure to the request that waits, and forgets a host without any', () => {
    const host = pool.host(target());
    const asker = ask(host);
    dialled[0]!.handler.onClose(dialled[0]!, { kind: 'refused', detail: 'x' });
    expect(asker.error).to.include({ failure: 'refused' });
    expect(host.retired).to.equal(true);
    expect(pool.hostCount).to.equal(0);
    expect(pool.host(target())).not.to.equal(host);
  });

  it('a connect that takes too long is a failure', () => {
    const asker = ask(pool.host(target()), true);
    timers.pass(1001);
    expect(dialled[0]!.wasReset).to.equal(true);
    dialled[0]!.handler.onClose(dialled[0]!, null);
    expect(asker.error).to.include({ failure: 'timeout' });
  });

  it('who waits for long goes elsewhere while the attempt goes on; who has nowhere to go stays', () => {
    const host = pool.host(target());
    const [going, staying] = [ask(host), ask(host, true)];
    timers.pass(249);
    expect(going.delayed).to.equal(0);
    timers.pass(1);
    expect([going.delayed, staying.delayed]).to.deep.equal([1, 0]);
    connectAll();
    expect([going.connection, staying.connection === null]).to.deep.equal([null, false]);
    // The other connection was for the one that has gone: it is there for whoever comes.
    expect(ask(host).connection).not.to.equal(null);
  });

  it('where a connection is open, requests wait for it as long as it takes', () => {
    const host = pool.host(target());
    const first = ask(host);
    connectAll();
    const second = ask(host);
    timers.pass(600);
    expect(second.delayed).to.equal(0);
    giveBack(host, first.connection);
    expect(second.connection).to.equal(first.connection);
  });

  it('a thousand that go elsewhere do so in many turns of the loop, and one that ends meanwhile is not told', () => {
    const host = new ConnectionPool(context, codecs, observer, { ...LIMITS, waitersPerHost: 5000 }).host(target());
    const askers = Array.from({ length: 1000 }, () => ask(host));
    timers.pass(250);
    const told = () => askers.filter(({ delayed }) => delayed > 0).length;
    expect(told()).to.equal(64);
    host.cancel(askers[999]!);
    for (let turn = 0; turn < 20; turn++) for (const run of turns.splice(0)) run();
    expect([told(), askers[0]!.delayed, askers[999]!.delayed]).to.deep.equal([999, 1, 0]);
  });

  it('begins so many attempts at once with one target, and the next when one has ended', () => {
    const host = new ConnectionPool(context, codecs, observer, { ...LIMITS, connectionsPerHost: 100 }).host(target());
    const askers = Array.from({ length: 40 }, () => ask(host));
    expect(dialled).to.have.length(16);
    dialled[0]!.handler.onConnect(dialled[0]!);
    expect(askers[0]!.connection).not.to.equal(null);
    expect(dialled).to.have.length(17);
    for (let i = 0; i < 4; i++) connectAll();
    expect(askers.every(({ connection }) => connection !== null)).to.equal(true);
  });

  it('begins more when those under way take long: it is not a processor that they wait for', () => {
    const host = new ConnectionPool(context, codecs, observer, { ...LIMITS, connectionsPerHost: 100 }).host(target());
    const askers = Array.from({ length: 40 }, () => ask(host, true));
    timers.pass(50);
    expect(dialled).to.have.length(32);
    timers.pass(50);
    expect(dialled).to.have.length(40);
    connectAll();
    expect(askers.every(({ connection }) => connection !== null)).to.equal(true);
    for (const { connection } of askers) giveBack(host, connection);
    const next = Array.from({ length: 80 }, () => ask(host));
    // One of them has the spare connection.
    expect(next.filter(({ connection }) => connection === null)).to.have.length(39);
    expect(dialled).to.have.length(41 + 16);
  });

  describe('a connection made for whoever comes', () => {
    class Expecting implements Prospect {
      heard: string[] = [];
      reached(): void {
        this.heard.push('reached');
      }
      notReached(error: DialError): void {
        this.heard.push(error.failure);
      }
    }
    const prospect = (host: Host): Expecting => {
      const expecting = new Expecting();
      host.warm(expecting);
      return expecting;
    };

    it('is dialled once, and is there when it has been told', () => {
      const host = pool.host(target());
      const [one, other] = [prospect(host), prospect(host)];
      expect([dialled.length, one.heard]).to.deep.equal([1, []]);
      connectAll();
      expect([one.heard, other.heard, prospect(host).heard]).to.deep.equal([['reached'], ['reached'], ['reached']]);
      expect(ask(host).connection).not.to.equal(null);
      expect(dialled).to.have.length(1);
    });

    it('is told also when a request that came meanwhile has taken it', () => {
      const host = pool.host(target());
      const expecting = prospect(host);
      const asker = ask(host);
      expect(dialled).to.have.length(1);
      connectAll();
      expect([expecting.heard, asker.connection === null]).to.deep.equal([['reached'], false]);
    });

    it('is also one that is given back', () => {
      const host = pool.host(target());
      const asker = ask(host);
      connectAll();
      const expecting = prospect(host);
      giveBack(host, asker.connection);
      expect(expecting.heard).to.deep.equal(['reached']);
    });

    it('says once when there can be none, and the host is forgotten', () => {
      const host = pool.host(target());
      const expecting = prospect(host);
      dialled[0]!.handler.onClose(dialled[0]!, { kind: 'refused', detail: 'x' });
      expect(expecting.heard).to.deep.equal(['refused']);
      expect([host.retired, pool.hostCount]).to.deep.equal([true, 0]);
    });
  });

  it('without a certificate a meshed peer is not reached', () => {
    const asker = ask(pool.host(target({ identity: 'web.shop' })));
    dialled[0]!.handler.onConnect(dialled[0]!);
    expect(dialled[0]!.text).to.equal('');
    dialled[0]!.handler.onClose(dialled[0]!, null);
    expect(asker.error).to.include({ failure: 'no certificate' });
  });

  it('an idle connection is given up a second before its server would, each in its own time', () => {
    const host = pool.host(target());
    const [short, usual, long] = [ask(host), ask(host), ask(host)];
    connectAll();
    const connections = [short, usual, long].map((asker) => asker.connection as ClientConnection);
    for (const [i, keepAliveMs] of [1000, Number.POSITIVE_INFINITY, 9000].entries()) {
      connections[i]!.keepAliveMs = keepAliveMs;
    }
    const openNow = (): boolean[] => connections.map((connection) => connection.connection.isOpen);
    giveBack(host, usual.connection);
    timers.pass(500);
    giveBack(host, short.connection);
    giveBack(host, long.connection);
    timers.pass(999);
    expect(openNow()).to.deep.equal([true, true, true]);
    timers.pass(1);
    expect(openNow()).to.deep.equal([false, true, true]);
    timers.pass(1500);
    expect(openNow()).to.deep.equal([false, false, true]);
    timers.pass(499);
    expect(openNow()).to.deep.equal([false, false, true]);
    timers.pass(1);
    expect(openNow()).to.deep.equal([false, false, false]);
    expect(host.retired).to.equal(true);
  });

  it('an idle connection on which the server speaks or ends is not handed out', () => {
    const host = pool.host(target());
    for (const spoil of [
      (connection: FakeConnection) => connection.receive('HTTP/1.1 200 OK\r\n\r\n'),
      (connection: FakeConnection) => connection.handler.onEnd(connection),
    ]) {
      const asker = ask(host);
      connectAll();
      const connection = dialled.at(-1)!;
      giveBack(host, asker.connection);
      spoil(connection);
      expect(connection.isOpen).to.equal(false);
    }
    expect(ask(host).connection).to.equal(null);
  });

  it('address, target port, protocol and identity each make another host', () => {
    const hosts = [
      target(),
      target({ port: 81 }),
      target({ session: 'opaque' }),
      target({ identity: 'a' }),
      target({ identity: 'b' }),
      target({ address: { ip: '10.0.0.2', port: 80 } }),
    ].map((one) => pool.host(one));
    expect(new Set(hosts).size).to.equal(hosts.length);
    expect(pool.host(target())).to.equal(hosts[0]);
  });
});
