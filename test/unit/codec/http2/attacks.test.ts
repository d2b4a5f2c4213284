import { expect } from 'chai';
import {
  data,
  END_HEADERS,
  END_STREAM,
  frame,
  get,
  headers,
  PREFACE,
  ping,
  post,
  rst,
  SETTINGS_ACK,
  settings,
  windowUpdate,
} from './frames.ts';
import { ClientRig, type EngineRig, OK, ServerRig } from './rig.ts';

const calmed = (rig: EngineRig): void => {
  expect(rig.sent().at(-1)).to.match(/^GOAWAY \d+ 11$/);
  expect(rig.connection.isOpen, 'open').to.equal(false);
};

/** Sends it until the connection is closed; how often that was. */
function flood(rig: EngineRig, limit: number, next: (i: number) => Buffer): number {
  let count = 0;
  while (count < limit && rig.connection.isOpen) rig.send(next(count++));
  return count;
}

describe('HTTP/2 attacks', () => {
  it('B5: requests that are reset at once end the connection, and it is closed', () => {
    const rig = new ServerRig();
    const count = flood(rig, 3000, (i) => Buffer.concat([get(2 * i + 1), rst(2 * i + 1, 8)]));
    expect(count).to.be.within(1990, 2010);
    calmed(rig);
  });

  it('B5: a client that cancels half of its requests is no attacker', () => {
    const rig = new ServerRig();
    rig.on = (event, stream) => {
      if (event.startsWith('opened') && stream.id % 4 === 1) stream.sendHeaders(OK, true);
    };
    flood(rig, 3000, (i) => Buffer.concat([get(2 * i + 1), i % 2 === 0 ? Buffer.alloc(0) : rst(2 * i + 1, 8)]));
    expect(rig.connection.isOpen).to.equal(true);
  });

  it('B5: the budget comes back with time', () => {
    const rig = new ServerRig();
    for (let second = 0; second < 20; second++) {
      for (let i = 0; i < 300; i++) {
        const id = (second * 300 + i) * 2 + 1;
        rig.send(get(id), rst(id, 8));
      }
      rig.clock.advanceSync(1000);
    }
    expect(rig.connection.isOpen).to.equal(true);
  });

  for (const [how, provoke] of [
    ['increments of 0', (id: number) => windowUpdate(id, 0)],
    ['windows above their size', (id: number) => windowUpdate(id, 0x7fff_ffff)],
    ['bodies that are too long', (id: number) => data(id, 'abc')],
    ['a body after its end', (id: number) => Buffer.concat([data(id, 'a', END_STREAM), data(id, 'b')])],
  ] as const) {
    it(`B6: resets that the client provokes count too: ${how}`, () => {
      const rig = new ServerRig();
      const count = flood(rig, 3000, (i) =>
        Buffer.concat([post(2 * i + 1, { 'content-length': '1' }), provoke(2 * i + 1)]),
      );
      expect(count).to.be.within(1990, 2010);
      calmed(rig);
    });
  }

  it('B6: malformed requests count too', () => {
    const rig = new ServerRig();
    flood(rig, 2000, (i) => headers(2 * i + 1, { ':method': 'GET' }, END_STREAM));
    calmed(rig);
  });

  it('B7: more CONTINUATION frames than any honest block needs', () => {
    const rig = new ServerRig();
    rig.send(frame('HEADERS', 0, 1, 'a'));
    const count = flood(rig, 100, () => frame('CONTINUATION', 0, 1, 'a'));
    expect(count).to.be.at.most(10);
    calmed(rig);
    expect(rig.heard()).to.deep.equal([]);
  });

  it('B7: a block above 64 KiB is not kept', () => {
    const rig = new ServerRig();
    const part = Buffer.alloc(16_384, 0x61);
    rig.send(frame('HEADERS', 0, 1, part));
    for (let i = 0; i < 4; i++) rig.send(frame('CONTINUATION', 0, 1, part));
    expect(rig.sent()).to.deep.equal(['GOAWAY 0 11']);
  });

  for (const [what, bytes] of [
    ['PING', ping()],
    ['answers to PING', ping('12345678', 1)],
    ['SETTINGS', settings([4, 65_535])],
    ['acknowledgements', SETTINGS_ACK],
    ['PRIORITY', frame('PRIORITY', 0, 1, Buffer.alloc(5))],
    ['WINDOW_UPDATE of single octets', windowUpdate(0, 1)],
    ['WINDOW_UPDATE of a stream that waits', windowUpdate(1, 1)],
    ['empty DATA', data(1, '')],
    ['DATA of nothing but padding', data(1, Buffer.of(0), 8)],
    ['unknown frames', frame(0xee, 0, 0, 'abc')],
    ['RST_STREAM of a stream that has ended', rst(3, 8)],
    ['GOAWAY', frame('GOAWAY', 0, 0, Buffer.alloc(8))],
  ] as const) {
    it(`B8: a flood of ${what}`, () => {
      const rig = new ServerRig({}, settings([4, 0]));
      rig.send(post(1), get(3), rst(3, 8));
      rig.last.sendHeaders(OK, false);
      rig.streams[0]!.sendHeaders(OK, false);
      rig.streams[0]!.sendData(Buffer.alloc(100_000), 0, 100_000);
      const burst = Buffer.concat(Array.from({ length: 100 }, () => bytes));
      const count = flood(rig, 100, () => burst);
      expect(count).to.be.at.most(60);
      calmed(rig);
    });
  }

  it('B8: a client that measures bandwidth and opens windows with each frame is no attacker', () => {
    const rig = new ServerRig();
    rig.send(get(1));
    rig.last.sendHeaders(OK, false);
    for (let i = 0; i < 20_000; i++) {
      rig.last.sendData(Buffer.alloc(20), 0, 20);
      rig.send(ping(), windowUpdate(0, 20), windowUpdate(1, 20));
    }
    expect(rig.connection.isOpen).to.equal(true);
  });

  it('B8: a server that floods its client is left too', () => {
    const rig = new ClientRig();
    rig.request();
    const burst = Buffer.concat(Array.from({ length: 100 }, () => ping()));
    flood(rig, 100, () => burst);
    calmed(rig);
    expect(rig.heard()).to.deep.equal(['unusable', 'reset 1 11', 'ended 0']);
  });

  for (const [what, begin] of [
    ['a frame', frame('HEADERS', END_HEADERS, 1, 'a').subarray(0, 9)],
    ['the header of a frame', Buffer.of(0)],
    ['a header block', frame('HEADERS', 0, 1, 'a')],
  ] as const) {
    it(`B9: ${what} that is never finished`, () => {
      const rig = new ServerRig();
      rig.send(begin);
      rig.clock.advanceSync(9000);
      expect(rig.connection.ended).to.equal(false);
      rig.clock.advanceSync(1500);
      expect(rig.sent()).to.deep.equal(['GOAWAY 0 11']);
      expect(rig.connection.ended).to.equal(true);
    });
  }

  it('B9: CONTINUATION frames do not put the deadline off', () => {
    const rig = new ServerRig();
    rig.send(frame('HEADERS', 0, 1, 'a'));
    for (let i = 0; i < 4; i++) {
      rig.clock.advanceSync(3000);
      rig.send(frame('CONTINUATION', 0, 1, 'a'));
    }
    expect(rig.connection.ended).to.equal(true);
  });

  it('B9: frames that happen to be cut, one after the other, are no attack', () => {
    const rig = new ServerRig();
    let rest: Buffer = Buffer.alloc(0);
    for (let i = 0; i < 300; i++) {
      const bytes = ping();
      rig.send(Buffer.concat([rest, bytes.subarray(0, 12)]));
      rest = bytes.subarray(12);
      rig.clock.advanceSync(1000);
    }
    expect(rig.connection.ended).to.equal(false);
  });

  for (const [what, first] of [
    ['SETTINGS are never acknowledged', [PREFACE, settings()]],
    ['SETTINGS never come', [PREFACE]],
    ['the preface never ends', [PREFACE.subarray(0, 5)]],
    ['nothing is ever said', []],
  ] as const) {
    it(`B10: ${what}`, () => {
      const rig = new ServerRig({}, null);
      rig.send(...first);
      rig.clock.advanceSync(10_001);
      expect(rig.sent().at(-1)).to.equal('GOAWAY 0 4');
      expect(rig.connection.ended).to.equal(true);
    });
  }

  it('B10: SETTINGS that a busy client acknowledges late are no reason, those that it never does are after a minute', () => {
    for (const acknowledges of [true, false]) {
      const rig = new ServerRig({}, null);
      rig.send(PREFACE, settings());
      for (let second = 0; second < 25; second++) {
        rig.clock.advanceSync(1000);
        rig.send(ping());
      }
      if (acknowledges) rig.send(SETTINGS_ACK);
      expect(rig.connection.ended).to.equal(false);
      for (let second = 0; second < 36; second++) {
        rig.clock.advanceSync(1000);
        rig.send(ping());
      }
      expect(rig.connection.ended).to.equal(!acknowledges);
    }
  });

  it('B2: a window that stays shut ends the stream after five minutes, not the connection', () => {
    const rig = new ServerRig({}, settings([4, 5]));
    rig.send(get(1), get(3));
    rig.heard();
    for (const stream of rig.streams) {
      stream.sendHeaders(OK, false);
      stream.sendData(Buffer.alloc(30), 0, 30);
    }
    for (let minute = 0; minute < 7; minute++) {
      rig.clock.advanceSync(60_000);
      if (minute < 6) rig.send(windowUpdate(3, 1));
    }
    expect(rig.heard()).to.deep.equal(['reset 1 8']);
    expect(rig.sent().filter((line) => line.startsWith('RST'))).to.deep.equal(['RST_STREAM 1 8']);
    expect(rig.connection.isOpen).to.equal(true);
  });

  it('B2: a kernel that takes nothing ends the connection', () => {
    const rig = new ServerRig();
    rig.connection.room = 0;
    rig.send(get(1));
    rig.last.sendHeaders(OK, true);
    rig.clock.advanceSync(400_000);
    expect(rig.connection.wasReset).to.equal(true);
  });

  it('B2: a peer that breaks the protocol and takes nothing is not kept', () => {
    const rig = new ServerRig();
    rig.connection.room = 0;
    rig.send(get(1), ping('1234567'));
    expect(rig.connection.isOpen).to.equal(true);
    rig.clock.advanceSync(1001);
    expect(rig.connection.isOpen).to.equal(false);
  });

  it('B13: windows are exact at their largest size', () => {
    const rig = new ServerRig();
    rig.send(get(1), windowUpdate(1, 0x7fff_ffff - 65_535), windowUpdate(0, 0x7fff_ffff - 65_535));
    expect(rig.sent()).to.deep.equal([]);
    rig.send(windowUpdate(0, 1));
    expect(rig.sent()).to.deep.equal(['GOAWAY 1 3']);
  });

  it('B17: bodies in single octets are handed on without being gathered, and go out joined', () => {
    const rig = new ServerRig();
    rig.on = (event, stream) => {
      if (event.startsWith('opened')) stream.sendHeaders(OK, false);
      if (event.startsWith('data')) stream.sendData(Buffer.of(1), 0, 1);
      if (event.startsWith('end')) stream.sendEnd();
    };
    rig.send(post(1));
    rig.sent();
    rig.send(...Array.from({ length: 1000 }, () => data(1, 'x')), data(1, '', END_STREAM));
    expect(rig.sent()).to.deep.equal(['DATA 1 1000 END']);
  });
});
