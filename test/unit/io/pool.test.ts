import { expect } from 'chai';
import type { ExchangeUpstream } from '../../../proxy-image/io/http/exchange.ts';
import { ClientConnection } from '../../../proxy-image/io/http1/client-connection.ts';
import { FlushQueue } from '../../../proxy-image/io/http2/flush.ts';
import { HTTP2_LIMITS } from '../../../proxy-image/io/http2/limits.ts';
import type { DialContext, DialError, DialTarget } from '../../../proxy-image/io/pool/dial.ts';
import type { Host, Waiter } from '../../../proxy-image/io/pool/host.ts';
import { HostPool } from '../../../proxy-image/io/pool/host-pool.ts';
import { ConnectionPool } from '../../../proxy-image/io/pool/pool.ts';
import type {
  ConnectionHandler,
  Timer,
  TimerOwner,
  Timers,
  Transport,
} from '../../../proxy-image/io/transport/types.ts';
import { FakeConnection } from '../http1/rig.ts';

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
  leased(connection: ExchangeUpstream): void {
    this.connection = connection;
  }
  leaseFailed(error: DialError): void {
    this.error = error;
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

  beforeEach(() => {
    timers = new ManualTimers();
    dialled = [];
    open = 0;
    const connect = (_: unknown, handler: ConnectionHandler) => {
      const connection = new FakeConnection();
      connection.handler = handler;
      dialled.push(connection);
      return connection;
    };
    const transport = { timers, connect } as unknown as Transport;
    const context: DialContext = {
      transport,
      tlsContext: () => null,
      dialAddress: (address) => address,
      connectTimeoutMs: 1000,
      handshakeTimeoutMs: 10_000,
    };
    const observer = { opened: () => open++, closed: () => open-- };
    const http2 = { timers, flush: new FlushQueue(), limits: HTTP2_LIMITS };
    pool = new ConnectionPool(context, { plain: http2, meshed: http2 }, observer, LIMITS);
  });

  const target = (more: Partial<DialTarget> = {}): DialTarget => ({
    address: { ip: '10.0.0.1', port: 80 },
    identity: null,
    port: 80,
    session: 'http1',
    ...more,
  });

  function ask(host: Host): Asker {
    const asker = new Asker();
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
    // The one that was dialled for it is for whoever comes next.
    dialled[1]!.handler.onConnect(dialled[1]!);
    expect(ask(host).connection).not.to.equal(null);
    expect(dialled).to.have.length(2);
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
    const asker = ask(pool.host(target()));
    timers.pass(1001);
    timers.pass(1);
    expect(dialled[0]!.wasReset).to.equal(true);
    dialled[0]!.handler.onClose(dialled[0]!, null);
    expect(asker.error).to.include({ failure: 'timeout' });
  });

  it('a connect whose time is over gets one more turn: it may have been made while nobody looked', () => {
    const asker = ask(pool.host(target()));
    timers.pass(1001);
    expect(dialled[0]!.wasReset).to.equal(false);
    connectAll();
    timers.pass(5000);
    expect(asker.error).to.equal(null);
    expect(asker.connection).not.to.equal(null);
  });

  it('without a certificate a meshed peer is not reached', () => {
    const asker = ask(pool.host(target({ identity: 'web.shop' })));
    dialled[0]!.handler.onConnect(dialled[0]!);
    expect(dialled[0]!.text).to.equal('');
    dialled[0]!.handler.onClose(dialled[0]!, null);
    expect(asker.error).to.include({ failure: 'no certificate' });
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
