import { expect } from 'chai';
import { DeadPeers } from '../../../proxy-image/io/transport/dead-peers.ts';

/** What a socket was told, and how often in a row it has sent again what it had sent. */
class FakeSockets {
  readonly told: number[][] = [];
  retransmits = 0;

  get(_fd: number, level: number, option: number, value: Uint8Array): boolean {
    if (level !== 6 || option !== 11) return false;
    value[2] = this.retransmits;
    return true;
  }

  set(...option: [fd: number, level: number, option: number, value: number]): boolean {
    this.told.push(option);
    return true;
  }
}

describe('machines that are gone without a word', () => {
  it('the kernel asks an idle peer after 2 s, every second, and gives up after 4 questions', () => {
    const sockets = new FakeSockets();
    new DeadPeers(sockets).watch(5);
    expect(sockets.told).to.deep.equal([
      [5, 1, 9, 1],
      [5, 6, 4, 2],
      [5, 6, 5, 1],
      [5, 6, 6, 4],
    ]);
  });

  it('a peer is silent when what was sent has gone out four times more in vain: not before, not when it is asked about a closed socket', () => {
    const sockets = new FakeSockets();
    const peers = new DeadPeers(sockets);
    sockets.retransmits = 3;
    expect(peers.isSilent(5)).to.equal(false);
    sockets.retransmits = 4;
    expect(peers.isSilent(5)).to.equal(true);
    expect(peers.isSilent(-1)).to.equal(false);
  });

  it('the control plane is given up by the kernel', () => {
    const sockets = new FakeSockets();
    new DeadPeers(sockets).giveUpEarly(5);
    expect(sockets.told).to.deep.equal([[5, 6, 18, 3000]]);
  });
});
