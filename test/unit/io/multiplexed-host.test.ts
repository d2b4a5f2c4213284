import { expect } from 'chai';
import { Http1Scratch } from '../../../proxy-image/codec/http1/scratch.ts';
import { FlushQueue } from '../../../proxy-image/codec/http2/flush.ts';
import { HTTP2_LIMITS } from '../../../proxy-image/codec/http2/limits.ts';
import type { ExchangeUpstream } from '../../../proxy-image/http/exchange.ts';
import type { DialContext, DialError } from '../../../proxy-image/io/pool/dial.ts';
import type { Host, Waiter } from '../../../proxy-image/io/pool/host.ts';
import { Http2Engine } from '../../../proxy-image/io/pool/http2-engine.ts';
import { ConnectionPool } from '../../../proxy-image/io/pool/pool.ts';
import type { ConnectionHandler, Transport } from '../../../proxy-image/io/transport/types.ts';
import { FakeClock } from '../../fakes/clock.ts';
import { FakeTimers } from '../../fakes/timers.ts';
import { FakeConnection } from '../codec/http1/rig.ts';
import { END_STREAM, goaway, PREFACE, readFrames, response, SETTINGS_ACK, settings } from '../codec/http2/frames.ts';
import { ExchangeRig } from '../http/rig.ts';

const LIMITS = { idleMs: 3000, http2IdleMs: 60_000, connectionsPerHost: 3, waitersPerHost: 250 };

/** A request that wants a stream, and opens it as soon as it has one. */
class Asker implements Waiter {
  readonly tunnels: boolean;
  readonly rig = new ExchangeRig();
  upstream: ExchangeUpstream | null = null;
  error: DialError | null = null;
  delayed = 0;
  patient = false;
  constructor(tunnels = false) {
    this.tunnels = tunnels;
  }
  leased(upstream: ExchangeUpstream): void {
    this.upstream = upstream;
    this.rig.begin();
    this.rig.exchange.tunnels = this.tunnels;
    this.rig.exchange.send(upstream);
  }
  leaseFailed(error: DialError): void {
    this.error = error;
  }
  leaseDelayed(): void {
    this.delayed++;
  }
}

describe('HTTP/2 connections to one target', () => {
  let clock: FakeClock;
  let dialled: FakeConnection[];
  let pool: ConnectionPool;
  let host: Host;
  let open: number;

  beforeEach(() => {
    clock = new FakeClock();
    dialled = [];
    open = 0;
    const timers = new FakeTimers(clock);
    const connect = (_: unknown, handler: ConnectionHandler) => {
      const connection = new FakeConnection();
      connection.handler = handler;
      dialled.push(connection);
      return connection;
    };
    const context: DialContext = {
      transport: { timers, connect } as unknown as Transport,
      tlsContext: () => null,
      dialAddress: (address) => address,
      connectTimeoutMs: 1000,
      handshakeTimeoutMs: 10_000,
    };
    const observer = { opened: () => open++, closed: () => open-- };
    const http2 = { timers, flush: new FlushQueue(), limits: HTTP2_LIMITS };
    pool = new ConnectionPool(
      context,
      { scratch: new Http1Scratch(65_536), engine: new Http2Engine(), plain: http2, meshed: http2 },
      observer,
      LIMITS,
    );
    host = pool.host({ address: { ip: '10.0.0.1', port: 80 }, identity: null, port: 80, session: 'http2' });
  });

  function ask(tunnels = false): Asker {
    const asker = new Asker(tunnels);
    const upstream = host.lease(asker);
    if (upstream !== null) asker.leased(upstream);
    return asker;
  }

  function askMany(count: number): Asker[] {
    return Array.from({ length: count }, () => ask());
  }

  function connect(index: number, ...frames: Buffer[]): void {
    const connection = dialled[index]!;
    connection.handler.onConnect(connection);
    if (frames.length > 0) say(index, ...frames);
  }

  function say(index: number, ...frames: Buffer[]): void {
    dialled[index]!.receive(Buffer.concat(frames).toString('latin1'));
  }

  function lose(index: number): void {
    const connection = dialled[index]!;
    connection.isOpen = false;
    connection.handler.onClose(connection, { kind: 'reset', detail: 'x' });
  }

  /** Streams that were opened on a connection. */
  function opened(index: number): number[] {
    const bytes = Buffer.from(dialled[index]!.text, 'latin1').subarray(PREFACE.length);
    return readFrames(bytes)
      .filter(({ type }) => type === 'HEADERS')
      .map(({ id }) => id);
  }

  const served = (askers: Asker[]): number => askers.filter(({ upstream }) => upstream !== null).length;

  it('all requests share one connection, also those that have waited for it', () => {
    const askers = askMany(3);
    expect([dialled.length, served(askers)]).to.deep.equal([1, 0]);
    connect(0);
    ask();
    expect(served(askers)).to.equal(3);
    expect(dialled).to.have.length(1);
    expect(open).to.equal(1);
  });

  it('does not wait for SETTINGS, but opens no more streams than a server takes that says nothing', () => {
    const askers = askMany(100);
    connect(0);
    expect(opened(0)).to.have.length(100);
    expect(served(askers)).to.equal(100);
  });

  it('dials one more connection when the streams have run out, not one with each that comes up', () => {
    askMany(2);
    connect(0, settings([3, 2]));
    const late = ask();
    expect(dialled).to.have.length(2);
    connect(1);
    ask();
    // It is up, but has not said how many streams it takes.
    expect([dialled.length, served([late])]).to.deep.equal([2, 0]);
    say(1, settings([3, 2]));
    expect(served([late])).to.equal(1);
    expect(opened(1)).to.have.length(2);
  });

  it('dials for as many as wait, and again when a server has said that it takes fewer', () => {
    const askers = askMany(101);
    expect(dialled).to.have.length(2);
    connect(0);
    expect(served(askers)).to.equal(100);
    connect(1, settings([3, 1]));
    expect(served(askers)).to.equal(101);
    const late = ask();
    expect(dialled).to.have.length(2);
    say(0, settings([3, 100]));
    expect(dialled).to.have.length(3);
    connect(2, settings());
    expect(late.upstream).not.to.equal(null);
  });

  it('a connection that is full when its first SETTINGS come makes room for a second one', () => {
    const askers = askMany(100);
    connect(0);
    const late = ask();
    expect(dialled).to.have.length(1);
    say(0, settings([3, 100]));
    expect(dialled).to.have.length(2);
    connect(1, settings());
    expect(served([...askers, late])).to.equal(101);
  });

  it('a stream that ends makes room for a request that waits', () => {
    askMany(1);
    connect(0, settings([3, 1]));
    const late = ask();
    expect(late.upstream).to.equal(null);
    say(0, response(1, END_STREAM));
    expect(late.upstream).not.to.equal(null);
  });

  it('a server that takes no streams for now is waited for, not dialled again and again', () => {
    ask();
    connect(0, settings([3, 1]));
    say(0, settings([3, 0]), response(1, END_STREAM));
    const askers = askMany(5);
    expect([dialled.length, served(askers)]).to.deep.equal([1, 0]);
    say(0, settings([3, 10]));
    expect(served(askers)).to.equal(5);
  });

  it('never opens more connections than its limit', () => {
    for (let i = 0; i < LIMITS.connectionsPerHost; i++) {
      ask();
      connect(i, settings([3, 1]));
    }
    const late = ask();
    expect(dialled).to.have.length(LIMITS.connectionsPerHost);
    say(1, response(1, END_STREAM));
    expect(late.upstream).not.to.equal(null);
  });

  it('says when too many wait', () => {
    askMany(LIMITS.waitersPerHost);
    expect(host.overloaded).to.equal(true);
  });

  it('a request that does not want any more gets nothing, and takes no stream from others', () => {
    const [gone, other] = askMany(2) as [Asker, Asker];
    host.cancel(gone);
    connect(0, settings([3, 1]));
    expect(gone.upstream).to.equal(null);
    expect(other.upstream).not.to.equal(null);
  });

  it('a failure to connect is told to all that wait, and a host without any is forgotten', () => {
    const askers = askMany(3);
    lose(0);
    expect(askers.map(({ error }) => error?.failure)).to.deep.equal(['other', 'other', 'other']);
    expect(host.retired).to.equal(true);
    expect(pool.hostCount).to.equal(0);
  });

  it('who waits for long goes elsewhere while the attempt goes on, and who wants to know is told of its end', () => {
    const asker = ask();
    const heard: string[] = [];
    const prospect = { reached: () => heard.push('reached'), notReached: () => heard.push('not reached') };
    host.warm(prospect);
    clock.advanceSync(250);
    expect([asker.delayed, dialled.length, heard]).to.deep.equal([1, 1, []]);
    connect(0, settings());
    expect([asker.upstream, heard]).to.deep.equal([null, ['reached']]);
    expect(ask().upstream).not.to.equal(null);
    host.warm(prospect);
    expect([heard, dialled.length]).to.deep.equal([['reached', 'reached'], 1]);
  });

  it('GOAWAY: what was not processed is said to be unsent, the rest goes on, and others get a new connection', () => {
    const [first, second] = askMany(2) as [Asker, Asker];
    connect(0, settings());
    say(0, goaway(1));
    expect(second.rig.failures).to.deep.equal(['unsent']);
    expect(first.rig.failures).to.deep.equal([]);
    const late = ask();
    expect(dialled).to.have.length(2);
    connect(1, settings());
    expect(late.upstream).not.to.equal(null);
    say(0, response(1, END_STREAM));
    expect(first.rig.said).to.include('head');
    expect(dialled[0]!.ended).to.equal(true);
  });

  it('a lost connection fails what was sent on it, once', () => {
    const [first] = askMany(1) as [Asker];
    connect(0, settings());
    lose(0);
    expect(first.rig.failures).to.deep.equal(['lost']);
    expect(open).to.equal(0);
    expect(pool.hostCount).to.equal(0);
  });

  it('a connection without streams is given up after its time', () => {
    const [first] = askMany(1) as [Asker];
    connect(0, settings(), SETTINGS_ACK);
    clock.advanceSync(LIMITS.http2IdleMs);
    expect(dialled[0]!.ended).to.equal(false);
    say(0, response(1, END_STREAM));
    expect(first.rig.said).to.include('head');
    for (let i = 0; i < 3; i++) clock.advanceSync(LIMITS.http2IdleMs);
    expect(dialled[0]!.ended).to.equal(true);
  });

  it('a tunnel waits for the word of the server that it takes such', () => {
    const tunnel = ask(true);
    connect(0);
    expect(tunnel.upstream).to.equal(null);
    expect(dialled).to.have.length(1);
    say(0, settings([8, 1]));
    expect(tunnel.upstream).not.to.equal(null);
    expect(opened(0)).to.deep.equal([1]);
  });

  it('a tunnel to a server that takes none fails without a word to it', async () => {
    const tunnel = ask(true);
    connect(0, settings());
    await Promise.resolve();
    expect(tunnel.rig.failures).to.deep.equal(['unsupported']);
    expect(opened(0)).to.deep.equal([]);
    // The stream that was promised to it is free.
    say(0, settings([3, 1]));
    expect(ask().upstream).not.to.equal(null);
  });

  it('a tunnel whose client leaves while it is refused is nobody’s', async () => {
    const tunnel = ask(true);
    connect(0, settings());
    tunnel.rig.exchange.cancel();
    await Promise.resolve();
    expect(tunnel.rig.failures).to.deep.equal([]);
    expect(tunnel.rig.ends).to.deep.equal(['cancelled']);
  });
});
