import { expect } from 'chai';
import {
  data,
  END_STREAM,
  frame,
  get,
  goaway,
  headers,
  PREFACE,
  ping,
  post,
  readFrames,
  rst,
  SETTINGS_ACK,
  settings,
  windowUpdate,
} from './frames.ts';
import { OK, ServerRig, TRAILERS } from './rig.ts';

const bytes = (length: number): Buffer => Buffer.alloc(length, 0x61);

describe('HTTP/2 server role', () => {
  it('begins with SETTINGS and opens the window of the connection', () => {
    const rig = new ServerRig({}, null);
    rig.send(PREFACE, settings());
    const frames = readFrames(rig.takeBytes());
    expect(frames.map(({ type, flags }) => `${type} ${flags}`)).to.deep.equal([
      'SETTINGS 0',
      'WINDOW_UPDATE 0',
      'SETTINGS 1',
    ]);
    expect(frames[1]!.payload.readUInt32BE(0) + 65_535).to.equal(1024 * 1024);
  });

  it('ends a connection that does not begin with the preface', () => {
    const rig = new ServerRig({}, null);
    rig.send(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
    expect(rig.sent().at(-1)).to.equal('GOAWAY 0 1');
    expect(rig.connection.ended).to.equal(true);
  });

  it('answers with head, body and trailers', () => {
    const rig = new ServerRig();
    rig.send(get(1));
    expect(rig.heard()).to.deep.equal(['opened 1 GET end']);
    rig.last.sendHeaders(OK, false);
    expect(rig.last.sendData(bytes(5), 0, 5)).to.equal(true);
    rig.last.sendTrailers(TRAILERS);
    expect(rig.sent()).to.deep.equal(['HEADERS 1', 'DATA 1 5', 'HEADERS 1 END']);
    expect(rig.server.idle).to.equal(true);
  });

  it('puts END_STREAM on the last frame of the event, and writes once', () => {
    const rig = new ServerRig();
    let writes = 0;
    const write = rig.connection.write.bind(rig.connection);
    rig.connection.write = (chunk, offset, length) => {
      writes++;
      return write(chunk, offset, length);
    };
    rig.on = (_, stream) => {
      stream.sendHeaders(OK, false);
      stream.sendData(bytes(3), 0, 3);
      stream.sendData(bytes(4), 0, 4);
      stream.sendEnd();
    };
    rig.send(get(1), get(3));
    expect(rig.sent()).to.deep.equal(['HEADERS 1', 'DATA 1 7 END', 'HEADERS 3', 'DATA 3 7 END']);
    expect(writes).to.equal(1);
  });

  it('puts END_STREAM on the head of a response that turns out to be empty', () => {
    const rig = new ServerRig();
    rig.on = (_, stream) => {
      stream.sendHeaders(OK, false);
      stream.sendEnd();
    };
    rig.send(get(1));
    expect(rig.sent()).to.deep.equal(['HEADERS 1 END']);
  });

  it('splits a long header block into CONTINUATION frames', () => {
    const rig = new ServerRig();
    rig.send(get(1));
    rig.last.sendHeaders(bytes(40_000), true);
    const frames = readFrames(rig.takeBytes());
    expect(frames.map(({ type, flags, payload }) => `${type} ${flags} ${payload.length}`)).to.deep.equal([
      'HEADERS 1 16384',
      'CONTINUATION 0 16384',
      // One octet more: the first block of a connection says that no table is used.
      'CONTINUATION 4 7233',
    ]);
  });

  it('8.1: refuses the rest of a request that is answered already, at the end of the event', () => {
    const rig = new ServerRig();
    rig.on = (event, stream) => {
      if (event.startsWith('opened')) stream.sendHeaders(OK, true);
    };
    rig.send(post(1), data(1, 'abc'));
    expect(rig.sent()).to.deep.equal(['HEADERS 1 END', 'RST_STREAM 1 0']);
    rig.send(post(3), data(3, 'abc', END_STREAM));
    expect(rig.sent()).to.deep.equal(['HEADERS 3 END']);
    expect(rig.heard()).to.deep.equal(['opened 1 POST', 'opened 3 POST']);
    expect(rig.server.idle).to.equal(true);
  });

  it('8.1.1: a body that differs from content-length ends the stream', () => {
    const rig = new ServerRig();
    rig.send(post(1, { 'content-length': '2' }), data(1, 'abc'));
    rig.send(post(3, { 'content-length': '4' }), data(3, 'abc', END_STREAM));
    rig.send(get(5, { 'content-length': '4' }));
    expect(rig.sent()).to.deep.equal(['RST_STREAM 1 1', 'RST_STREAM 3 1', 'RST_STREAM 5 1']);
    expect(rig.heard()).to.deep.equal(['opened 1 POST', 'reset 1 1', 'opened 3 POST', 'data 3 3', 'reset 3 1']);
  });

  it('B4: answers a header section above the limits with 431', () => {
    const rig = new ServerRig({ headers: { listBytes: 300, fieldCount: 20 } });
    rig.send(get(1, { a: 'x'.repeat(190) }), post(3, { a: 'x'.repeat(190) }));
    expect(rig.sent()).to.deep.equal(['HEADERS 1 END', 'HEADERS 3 END', 'RST_STREAM 3 0']);
    expect(rig.heard()).to.deep.equal([]);
    rig.send(get(5));
    expect(rig.heard()).to.deep.equal(['opened 5 GET end']);
  });

  it('answers CONNECT with 501', () => {
    const rig = new ServerRig();
    rig.send(headers(1, { ':method': 'CONNECT', ':authority': 'web:80' }));
    expect(rig.sent()).to.deep.equal(['HEADERS 1 END', 'RST_STREAM 1 0']);
  });

  it('B12: refuses streams above the limit at once, whether or not the client has acknowledged it', () => {
    const rig = new ServerRig({ serverStreams: 2 }, null);
    rig.send(PREFACE, settings(), post(1), post(3), post(5));
    expect(rig.sent().slice(-1)).to.deep.equal(['RST_STREAM 5 7']);
    rig.send(data(1, '', END_STREAM));
    rig.streams[0]!.sendHeaders(OK, true);
    rig.send(get(7));
    expect(rig.heard()).to.deep.equal(['opened 1 POST', 'opened 3 POST', 'end 1', 'opened 7 GET end']);
  });

  it('6.9: tells the peer of half a window that was taken', () => {
    const rig = new ServerRig();
    rig.send(post(1), data(1, bytes(16_384)), data(1, bytes(16_000)));
    expect(rig.sent()).to.deep.equal([]);
    rig.send(data(1, bytes(1000)));
    expect(rig.sent()).to.deep.equal([`WINDOW_UPDATE 1 ${16_384 + 16_000 + 1000}`]);
  });

  it('B2: does not open the window for bytes that the handler keeps, until they are consumed', () => {
    const rig = new ServerRig();
    rig.takes = false;
    rig.send(post(1), ...Array.from({ length: 3 }, () => data(1, bytes(16_384))), data(1, bytes(16_383)));
    expect(rig.sent()).to.deep.equal([]);
    rig.last.consumed();
    expect(rig.sent()).to.deep.equal(['WINDOW_UPDATE 1 65535']);
    rig.last.consumed();
    expect(rig.sent()).to.deep.equal([]);
  });

  it('gives back the window of the connection for streams that are reset', () => {
    const rig = new ServerRig({ connectionWindowBytes: 65_536 });
    rig.takes = false;
    rig.send(post(1), data(1, bytes(16_384)), data(1, bytes(16_000)));
    rig.last.reset(8);
    expect(rig.sent()).to.deep.equal(['RST_STREAM 1 8']);
    rig.send(data(1, bytes(400)));
    expect(rig.sent()).to.deep.equal([`WINDOW_UPDATE 0 ${16_384 + 16_000 + 400}`]);
  });

  it('B13: more than the window of the connection ends it', () => {
    const rig = new ServerRig({ connectionWindowBytes: 65_536 });
    rig.takes = false;
    const body = (id: number): Buffer[] => [post(id), data(id, bytes(16_384)), data(id, bytes(16_384))];
    rig.send(...body(1), ...body(3), data(3, 'x'));
    expect(rig.sent()).to.deep.equal(['GOAWAY 3 3']);
  });

  it('sends within the windows of stream and connection, a frame of each stream in turn', () => {
    const rig = new ServerRig({}, settings([4, 1_000_000]));
    rig.send(get(1), get(3), get(5));
    for (const stream of rig.streams) {
      stream.sendHeaders(OK, false);
      expect(stream.sendData(bytes(50_000), 0, 50_000)).to.equal(stream.id === 1);
    }
    expect(rig.streams.map((stream) => stream.pendingBytes)).to.deep.equal([0, 50_000 - 15_535, 50_000]);
    rig.sent();
    rig.heard();
    rig.send(windowUpdate(0, 100_000));
    expect(rig.sent()).to.deep.equal([
      'DATA 3 16384',
      'DATA 5 16384',
      'DATA 3 16384',
      'DATA 5 16384',
      'DATA 3 1697',
      'DATA 5 16384',
      'DATA 5 848',
    ]);
    expect(rig.heard()).to.deep.equal(['writable 3', 'writable 5']);
  });

  it('B17: joins small pieces that wait', () => {
    const rig = new ServerRig({}, settings([4, 0]));
    rig.send(get(1));
    rig.last.sendHeaders(OK, false);
    for (let i = 0; i < 10_000; i++) rig.last.sendData(bytes(1), 0, 1);
    rig.last.sendEnd();
    rig.sent();
    rig.send(windowUpdate(1, 10_000));
    expect(rig.sent()).to.deep.equal(['DATA 1 10000 END']);
  });

  it('6.9.2: a window that becomes negative must open first', () => {
    const rig = new ServerRig({}, settings([4, 10]));
    rig.send(get(1));
    rig.last.sendHeaders(OK, false);
    rig.last.sendData(bytes(30), 0, 30);
    rig.send(settings([4, 0]), windowUpdate(1, 5));
    rig.send(windowUpdate(1, 6));
    expect(rig.sent()).to.deep.equal(['HEADERS 1', 'DATA 1 10', 'SETTINGS ACK', 'DATA 1 1']);
  });

  it('stops feeders while the kernel is full, and goes on when it drains', () => {
    const rig = new ServerRig();
    rig.send(get(1));
    rig.last.sendHeaders(OK, false);
    rig.connection.room = 100;
    rig.last.sendData(bytes(1000), 0, 1000);
    expect(rig.last.sendData(bytes(50), 0, 50)).to.equal(false);
    rig.connection.room = Number.POSITIVE_INFINITY;
    rig.connection.handler.onDrain(rig.connection);
    expect(rig.heard()).to.deep.equal(['opened 1 GET end', 'writable 1']);
    expect(rig.sent()).to.deep.equal(['HEADERS 1', 'DATA 1 1000', 'DATA 1 50']);
  });

  it('B2: does not read from a client that asks but takes no answers', () => {
    const rig = new ServerRig({ pendingOutputBytes: 1000 });
    rig.on = (_, stream) => stream.sendHeaders(OK, true);
    rig.connection.room = 0;
    for (let id = 1; id < 400 && !rig.connection.paused; id += 2) rig.send(get(id));
    expect(rig.connection.paused).to.equal(true);
    rig.connection.room = Number.POSITIVE_INFINITY;
    rig.connection.handler.onDrain(rig.connection);
    expect(rig.connection.paused).to.equal(false);
  });

  it('drains: GOAWAY, a round trip, GOAWAY with the last stream, and the end after it', () => {
    const rig = new ServerRig();
    rig.send(post(1));
    rig.server.drain();
    const first = readFrames(rig.takeBytes());
    expect(first.map(({ type }) => type)).to.deep.equal(['GOAWAY', 'PING']);
    expect(first[0]!.payload.readUInt32BE(0)).to.equal(0x7fff_ffff);
    rig.send(get(3), frame('PING', 1, 0, first[1]!.payload), get(5));
    expect(rig.sent()).to.deep.equal(['GOAWAY 3 0']);
    expect(rig.heard()).to.deep.equal(['opened 1 POST', 'opened 3 GET end']);
    rig.streams[1]!.sendHeaders(OK, true);
    rig.send(data(5, 'abc'), data(1, 'abc', END_STREAM));
    rig.streams[0]!.sendHeaders(OK, true);
    expect(rig.sent()).to.deep.equal(['HEADERS 3 END', 'HEADERS 1 END']);
    expect(rig.connection.ended).to.equal(true);
  });

  it('drains without an answer to its PING too', () => {
    const rig = new ServerRig();
    rig.server.drain();
    rig.clock.advanceSync(1001);
    expect(rig.sent()).to.deep.equal(['GOAWAY 2147483647 0', 'PING', 'GOAWAY 0 0']);
    expect(rig.connection.ended).to.equal(true);
    rig.clock.advanceSync(1001);
    expect(rig.connection.isOpen).to.equal(false);
  });

  it('closes when idle, and only then', () => {
    const rig = new ServerRig();
    rig.send(post(1));
    rig.server.closeIdle();
    expect(rig.connection.ended).to.equal(false);
    rig.last.reset(8);
    rig.server.closeIdle();
    expect(rig.connection.ended).to.equal(true);
  });

  it('leaves a client that has sent GOAWAY its streams', () => {
    const rig = new ServerRig();
    rig.send(get(1), goaway(0), ping());
    rig.last.sendHeaders(OK, true);
    expect(rig.sent()).to.deep.equal(['PING ACK', 'HEADERS 1 END']);
  });

  it('tells all streams when the connection is lost, once', () => {
    const rig = new ServerRig();
    rig.send(post(1), get(3));
    rig.heard();
    rig.connection.handler.onEnd(rig.connection);
    rig.connection.handler.onClose(rig.connection, null);
    rig.connection.handler.onClose(rig.connection, null);
    expect(rig.heard()).to.deep.equal(['reset 1 2', 'reset 3 2', 'closed']);
  });

  it('calls nothing back within calls of a stream that has ended, whatever is asked of it', () => {
    const rig = new ServerRig();
    rig.send(post(1), rst(1, 8));
    rig.heard();
    rig.last.sendHeaders(OK, false);
    rig.last.sendData(bytes(3), 0, 3);
    rig.last.sendTrailers(TRAILERS);
    rig.last.reset(8);
    rig.last.consumed();
    expect(rig.sent()).to.deep.equal([]);
    expect(rig.heard()).to.deep.equal([]);
  });

  it('keeps both directions of an extended CONNECT apart', () => {
    const rig = new ServerRig();
    rig.send(
      headers(1, {
        ':method': 'CONNECT',
        ':protocol': 'websocket',
        ':scheme': 'http',
        ':path': '/',
        ':authority': 'a',
      }),
    );
    expect(rig.heard()).to.deep.equal(['opened 1 CONNECT']);
    rig.last.sendHeaders(OK, false);
    rig.last.sendEnd();
    rig.send(data(1, 'abc'), data(1, '', END_STREAM));
    expect(rig.heard()).to.deep.equal(['data 1 3', 'end 1']);
    expect(rig.sent()).to.deep.equal(['HEADERS 1', 'DATA 1 0 END']);
    expect(rig.server.idle).to.equal(true);
  });

  it('acknowledges SETTINGS in order with what they change', () => {
    const rig = new ServerRig({}, settings([4, 0]));
    rig.send(get(1));
    rig.last.sendHeaders(OK, false);
    rig.last.sendData(bytes(3), 0, 3);
    rig.sent();
    rig.send(settings([4, 3]), SETTINGS_ACK);
    expect(rig.sent()).to.deep.equal(['SETTINGS ACK', 'DATA 1 3']);
  });
});
