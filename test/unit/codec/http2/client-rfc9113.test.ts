import { expect } from 'chai';
import { CASES } from './client-cases.ts';
import { block, describeFrame, END_STREAM, readFrames, response, settings, windowUpdate } from './frames.ts';
import { ClientRig, TRAILERS } from './rig.ts';

describe('HTTP/2 client role, by section of RFC 9113', () => {
  for (const { title, server, heard, sent, open, toHead, prepare } of CASES) {
    for (const [how, send] of [
      ['in one chunk', (rig: ClientRig) => rig.send(...server)],
      ['in single octets', (rig: ClientRig) => sendOctets(rig, server)],
    ] as const) {
      it(`${title} (${how})`, async () => {
        const rig = new ClientRig();
        const stream = rig.client.open(rig);
        if (toHead === true) stream.toHead = true;
        stream.sendHeaders(
          block({ ':method': 'GET', ':scheme': 'http', ':path': '/', ':authority': 'web' }),
          open !== true,
        );
        rig.takeBytes();
        prepare?.(stream, rig);
        send(rig);
        await Promise.resolve();
        if (heard !== undefined) expect(joined(rig.heard())).to.deep.equal(heard);
        expect(rig.sent()).to.deep.equal(sent ?? []);
      });
    }
  }

  it('3.4: begins with the preface and SETTINGS, in one write with the first request', async () => {
    const rig = new ClientRig({}, null);
    rig.request();
    const bytes = rig.takeBytes();
    expect(bytes.toString('latin1', 0, 24)).to.equal('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    expect(readFrames(bytes.subarray(24)).map(describeFrame)).to.deep.equal([
      'SETTINGS',
      'WINDOW_UPDATE 0 983041',
      'HEADERS 1 END',
    ]);
    await Promise.resolve();
    expect(rig.sent()).to.deep.equal([]);
  });

  it('3.4: takes no frame before SETTINGS', () => {
    const rig = new ClientRig({}, null);
    rig.request();
    rig.takeBytes();
    rig.send(response(1, END_STREAM));
    expect(rig.heard()).to.deep.equal(['unusable', 'reset 1 1', 'ended 0']);
    expect(rig.sent()).to.deep.equal(['GOAWAY 0 1']);
  });

  it('8.1: sends trailers behind a body that waits', () => {
    const rig = new ClientRig({}, settings([4, 3]));
    const stream = rig.request(false);
    expect(stream.sendData(Buffer.from('abcde'), 0, 5)).to.equal(false);
    stream.sendTrailers(TRAILERS);
    expect(rig.sent()).to.deep.equal(['HEADERS 1', 'DATA 1 3']);
    rig.send(windowUpdate(1, 1));
    expect(rig.sent()).to.deep.equal(['DATA 1 1']);
    rig.send(windowUpdate(1, 100));
    expect(rig.sent()).to.deep.equal(['DATA 1 1', 'HEADERS 1 END']);
    expect(rig.heard()).to.deep.equal([]);
  });
});

function sendOctets(rig: ClientRig, frames: Buffer[]): void {
  for (const octet of Buffer.concat(frames)) rig.send(Buffer.of(octet));
}

/** Neighbouring pieces of one body as one. */
function joined(events: string[]): string[] {
  const result: string[] = [];
  for (const event of events) {
    const [kind, id, size] = event.split(' ');
    const [lastKind, lastId, lastSize] = (result.at(-1) ?? '').split(' ');
    const together = Number(lastSize) + Number(size);
    if (
      kind === 'data' &&
      lastKind === 'data' &&
      id === lastId &&
      (Number(size) === 1 || Number(lastSize) < 4) &&
      together <= 16_384
    ) {
      result[result.length - 1] = `data ${id} ${together}`;
    } else result.push(event);
  }
  return result;
}
