import { expect } from 'chai';
import { LineSplitter } from '../../../lib/lines.ts';

describe('lines', () => {
  it('come out whole, however the bytes are cut, and although the buffers are used again', () => {
    const text = 'one\n\n{"ü":"€"}\nlast\nrest';
    const bytes = Buffer.from(text);
    for (let size = 1; size <= bytes.length; size++) {
      const splitter = new LineSplitter();
      const lines: string[] = [];
      for (let at = 0; at < bytes.length; at += size) {
        const chunk = Buffer.from(bytes.subarray(at, at + size));
        splitter.push(chunk, (line) => lines.push(line));
        chunk.fill(0x21);
      }
      expect(lines).to.deep.equal(['one', '{"ü":"€"}', 'last']);
    }
  });

  it('are not kept without end', () => {
    const splitter = new LineSplitter();
    const chunk = Buffer.alloc(4 * 1024 * 1024, 0x61);
    expect(() => {
      for (let i = 0; i < 5; i++) splitter.push(chunk, () => {});
    }).to.throw(RangeError);
  });
});
