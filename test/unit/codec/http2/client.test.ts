import { expect } from 'chai';
import { Http2ClientConnection } from '../../../../proxy-image/codec/http2/client.ts';
import { END_STREAM, frame, goaway, ping, readFrames, response, rst, settings, windowUpdate } from './frames.ts';
import { ClientRig, GET } from './rig.ts';

describe('HTTP/2 client role', () => {
  it('assumes room for a hundred streams until the server speaks', () => {
    const rig = new ClientRig({}, null);
    expect(rig.client.capacity).to.equal(100);
    rig.send(settings([3, 250]));
    expect(rig.client.capacity).to.equal(250);
    expect(rig.heard()).to.deep.equal(['capacity 250']);
  });

  it('never opens more than its own limit', () => {
    const rig = new ClientRig({ clientStreams: 3 });
    rig.request();
    expect(rig.client.capacity).to.equal(2);
    expect(rig.client.openStreams).to.equal(1);
  });

  it('B12: waits while the server takes no streams at all', () => {
    const rig = new ClientRig({}, settings([3, 0]));
    expect(rig.client.capacity).to.equal(0);
    rig.send(settings([3, 1]));
    expect(rig.heard()).to.deep.equal(['capacity 1']);
  });

  it('B12: survives GOAWAY together with a limit of 0', () => {
    const rig = new ClientRig();
    rig.request();
    rig.send(settings([3, 0]), goaway(0));
    expect(rig.heard()).to.deep.equal(['unusable', 'reset 1 7 unprocessed by peer', 'ended 0']);
    expect(rig.connection.ended).to.equal(true);
    expect(rig.client.capacity).to.equal(0);
  });

  it('has room again before its owner hears that a stream has ended', () => {
    const rig = new ClientRig({}, settings([3, 1]));
    rig.request();
    expect(rig.client.capacity).to.equal(0);
    const capacities: number[] = [];
    rig.streamEnded = () => capacities.push(rig.client.capacity);
    rig.send(response(1, END_STREAM));
    expect(capacities).to.deep.equal([1]);
  });

  it('numbers streams in the order of their heads', () => {
    const rig = new ClientRig();
    const first = rig.client.open(rig);
    const second = rig.client.open(rig);
    second.sendHeaders(GET, true);
    first.sendHeaders(GET, true);
    expect([second.id, first.id]).to.deep.equal([1, 3]);
    expect(rig.client.openStreams).to.equal(2);
  });

  it('forgets a stream that is reset before its head was sent', async () => {
    const rig = new ClientRig();
    rig.client.open(rig).reset(8);
    expect(rig.client.openStreams).to.equal(0);
    expect(rig.sent()).to.deep.equal([]);
    await Promise.resolve();
    expect(rig.heard()).to.deep.equal(['ended 0']);
  });

  it('tells its owner of streams that end in calls after those calls', async () => {
    const rig = new ClientRig();
    const stream = rig.request(false);
    rig.send(response(1, END_STREAM));
    expect(rig.heard()).to.deep.equal(['response 1 200 end']);
    stream.sendEnd();
    expect(rig.heard()).to.deep.equal([]);
    await Promise.resolve();
    expect(rig.heard()).to.deep.equal(['ended 0']);
  });

  it('tells its owner at the end of the event that the call was made in', () => {
    const rig = new ClientRig();
    rig.request(false);
    rig.on = (event, stream) => {
      if (event.startsWith('response')) stream.sendEnd();
      expect(rig.events).to.not.include('ended 0');
    };
    rig.send(response(1, END_STREAM));
    expect(rig.heard()).to.deep.equal(['response 1 200 end', 'ended 0']);
  });

  it('retires: the streams that are open end, then the connection', () => {
    const rig = new ClientRig();
    rig.request();
    rig.client.retire();
    rig.client.retire();
    expect(rig.client.capacity).to.equal(0);
    expect(rig.connection.ended).to.equal(false);
    rig.send(response(1, END_STREAM));
    expect(rig.heard()).to.deep.equal(['unusable', 'response 1 200 end', 'ended 0']);
    expect(rig.connection.ended).to.equal(true);
  });

  it('knows which requests were never sent when the connection is lost', () => {
    const rig = new ClientRig();
    rig.request();
    rig.connection.room = 0;
    rig.request();
    rig.client.open(rig);
    rig.connection.handler.onClose(rig.connection, { kind: 'reset', detail: '' });
    expect(rig.heard()).to.deep.equal([
      'unusable',
      'reset 1 2',
      'ended 2',
      'reset 3 2 unprocessed',
      'ended 1',
      'reset 0 2 unprocessed',
      'ended 0',
      'closed',
    ]);
  });

  it('does not call a request unprocessed that is gathered when the server breaks the protocol', () => {
    const rig = new ClientRig();
    rig.request();
    rig.on = (event) => {
      if (event.startsWith('response')) rig.request();
    };
    rig.send(response(1, END_STREAM), ping('1234567'));
    expect(rig.heard()).to.deep.equal(['response 1 200 end', 'ended 1', 'unusable', 'reset 3 6', 'ended 0']);
    expect(rig.sent()).to.deep.equal(['HEADERS 1 END', 'HEADERS 3 END', 'GOAWAY 0 6']);
  });

  it('writes the transport header before the preface', () => {
    const rig = new ClientRig({}, null);
    rig.takeBytes();
    const client = new Http2ClientConnection(rig.connection, Buffer.from('prelude'), rig, rig.context);
    client.open(rig).sendHeaders(GET, true);
    expect(rig.takeBytes().toString('latin1', 0, 12)).to.equal('preludePRI *');
  });

  it('begins by itself when no request follows', async () => {
    const rig = new ClientRig({}, null);
    expect(rig.takeBytes().length).to.equal(0);
    await Promise.resolve();
    expect(rig.takeBytes().length).to.be.greaterThan(24);
  });

  it('a table of the server that shrinks is honoured by a size update in the first block', () => {
    const rig = new ClientRig({}, settings([1, 0]));
    rig.request();
    rig.request();
    const blocks = readFrames(rig.takeBytes()).map(({ payload }) => payload[0]);
    expect(blocks).to.deep.equal([0x20, GET[0]]);
  });

  it('asks a silent server for a sign of life, and leaves it without one', () => {
    const rig = new ClientRig({ keepAliveMs: 10_000 });
    rig.request();
    rig.takeBytes();
    rig.clock.advanceSync(10_001);
    // SETTINGS had come before.
    expect(rig.sent()).to.deep.equal([]);
    rig.clock.advanceSync(10_001);
    expect(rig.sent()).to.deep.equal(['PING']);
    rig.clock.advanceSync(2000);
    expect(rig.connection.isOpen).to.equal(true);
    rig.clock.advanceSync(1001);
    expect(rig.connection.wasReset).to.equal(true);
  });

  it('keeps a server that answers', () => {
    const rig = new ClientRig({ keepAliveMs: 10_000 });
    let pings = 0;
    for (let second = 0; second < 60; second++) {
      rig.clock.advanceSync(1000);
      if (!rig.sent().includes('PING')) continue;
      pings++;
      rig.send(frame('PING', 1, 0, '12345678'));
    }
    expect(pings).to.be.greaterThan(2);
    expect(rig.connection.isOpen).to.equal(true);
  });

  it('hears of windows that open after the body has waited', () => {
    const rig = new ClientRig({}, settings([4, 10]));
    const stream = rig.request(false);
    expect(stream.sendData(Buffer.alloc(25), 0, 25)).to.equal(false);
    expect(stream.pendingBytes).to.equal(15);
    rig.send(windowUpdate(1, 15));
    expect(rig.heard()).to.deep.equal(['writable 1']);
    expect(stream.pendingBytes).to.equal(0);
    stream.reset(8);
    rig.send(rst(1, 8));
    expect(rig.sent()).to.deep.equal(['HEADERS 1', 'DATA 1 10', 'DATA 1 15', 'RST_STREAM 1 8']);
  });
});
