import { EventEmitter } from 'node:events';
import { expect } from 'chai';
import { ConnectionPlaces, handshakeRefusal } from '../../../operator/runtime/connection-places.ts';

let ports = 0;

class FakeSocket extends EventEmitter {
  readonly remoteAddress: string;
  readonly remotePort: number = ++ports;
  destroyed = false;

  constructor(address: string) {
    super();
    this.remoteAddress = address;
  }

  destroy(): void {
    this.destroyed = true;
    this.emit('close');
  }
}

describe('connections of a server of the operator', () => {
  let refused: string[];
  let places: ConnectionPlaces;

  function allow(limit: number, waiting = limit): void {
    refused = [];
    places = new ConnectionPlaces({ limit, waiting, refused: (reason) => refused.push(reason) });
  }

  function come(address: string): FakeSocket {
    const socket = new FakeSocket(address);
    places.add(socket);
    return socket;
  }

  it('for one in excess the one that has waited longest is ended, of the address that has most', () => {
    allow(4);
    const quiet = come('quiet');
    const flood = [come('loud'), come('loud'), come('loud')];
    const newcomer = come('new');
    expect([quiet, ...flood, newcomer].map(({ destroyed }) => destroyed)).to.deep.equal([
      false,
      true,
      false,
      false,
      false,
    ]);
    expect(refused).to.deep.equal(['made_room']);
  });

  it('whoever is at work is left alone; where all are, the newcomer is refused', () => {
    allow(2);
    const working = [come('a'), come('a')];
    for (const one of working) places.works(one);
    expect(come('b').destroyed).to.equal(true);
    expect(working.some(({ destroyed }) => destroyed)).to.equal(false);
    expect(refused).to.deep.equal(['no_room']);
    places.waits(working[0]!);
    expect(come('b').destroyed).to.equal(false);
    expect(working.map(({ destroyed }) => destroyed)).to.deep.equal([true, false]);
  });

  it('those that have gone do not count', () => {
    allow(1);
    for (let i = 0; i < 10; i++) come('a').destroy();
    const working = come('a');
    places.works(working);
    working.destroy();
    expect(come('a').destroyed).to.equal(false);
    expect(refused).to.deep.equal([]);
  });

  it('those that wait have a bound of their own', () => {
    allow(100, 2);
    const all = [come('a'), come('a'), come('a')];
    expect(all.map(({ destroyed }) => destroyed)).to.deep.equal([true, false, false]);
  });

  it('a handshake that fails because its client left is nobody’s refusal', () => {
    const failure = (code: string) => handshakeRefusal(Object.assign(new Error(), { code }));
    expect(failure('ECONNRESET')).to.equal(null);
    expect(handshakeRefusal(Object.assign(new Error(), { code: 'ECONNRESET' }), 'SELF_SIGNED')).to.equal('handshake');
    expect(failure('ERR_TLS_HANDSHAKE_TIMEOUT')).to.equal('timeout');
    expect(failure('ERR_SSL_UNSUPPORTED_PROTOCOL')).to.equal('handshake');
  });
});
