import { expect } from 'chai';
import { connectionLimit, RESERVED_DESCRIPTORS } from '../../../proxy-image/io/descriptors.ts';

describe('B14: connections that the file descriptors allow', () => {
  it('as many as wanted where the limit is high or unknown', () => {
    expect(connectionLimit(1_048_576, 20_000)).to.equal(20_000);
    expect(connectionLimit(0, 20_000)).to.equal(20_000);
  });

  it('else so many that those of both sides may have three, and the reserve stays', () => {
    expect(connectionLimit(1024, 20_000)).to.equal(149);
    for (const maxFds of [256, 1024, 4096]) {
      expect(2 * 3 * connectionLimit(maxFds, 20_000) + RESERVED_DESCRIPTORS).to.be.at.most(maxFds);
    }
  });

  it('never none', () => {
    expect(connectionLimit(64, 20_000)).to.equal(16);
  });
});
