import { isIP } from 'node:net';
import { expect } from 'chai';
import fc from 'fast-check';
import { formatIp, isLoopback, parseIp, parsePeerIp } from '../../../lib/ip.ts';

const bytes = (text: string): number[] | null => {
  const ip = parsePeerIp(text);
  return ip === null ? null : [...ip];
};

function v6(...groups: number[]): number[] {
  return groups.flatMap((group) => [group >> 8, group & 0xff]);
}

describe('addresses of peers', () => {
  const valid: [text: string, expected: number[]][] = [
    ['0.0.0.0', [0, 0, 0, 0]],
    ['255.1.20.9', [255, 1, 20, 9]],
    ['::', v6(0, 0, 0, 0, 0, 0, 0, 0)],
    ['::1', v6(0, 0, 0, 0, 0, 0, 0, 1)],
    ['fd00::', v6(0xfd00, 0, 0, 0, 0, 0, 0, 0)],
    ['FD00:a::B', v6(0xfd00, 0xa, 0, 0, 0, 0, 0, 0xb)],
    ['1:2:3:4:5:6:7:8', v6(1, 2, 3, 4, 5, 6, 7, 8)],
    ['1:2:3:4:5:6:7::', v6(1, 2, 3, 4, 5, 6, 7, 0)],
    ['64:ff9b::1.2.3.4', v6(0x64, 0xff9b, 0, 0, 0, 0, 0x102, 0x304)],
    ['fe80::1%eth0', v6(0xfe80, 0, 0, 0, 0, 0, 0, 1)],
    ['::ffff:10.1.2.3', [10, 1, 2, 3]],
    ['::ffff:a01:203', [10, 1, 2, 3]],
  ];
  for (const [text, expected] of valid) it(`reads ${text}`, () => expect(bytes(text)).to.deep.equal(expected));

  const invalid = [
    '',
    '1.2.3',
    '1.2.3.4.5',
    '256.1.1.1',
    '01.2.3.4',
    '1.2.3.4 ',
    '0x1.2.3.4',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '12345::',
    'g::',
    '::1.2.3',
    '1.2.3.4::',
    '::1.2.3.4:5',
  ];
  for (const text of invalid) it(`refuses ${JSON.stringify(text)}`, () => expect(bytes(text)).to.equal(null));

  it('knows loopback', () => {
    const loopback = (text: string) => isLoopback(parsePeerIp(text)!);
    expect(['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'].map(loopback)).to.deep.equal([true, true, true, true]);
    expect(['128.0.0.1', '::', '::2', '1::1'].map(loopback)).to.deep.equal([false, false, false, false]);
  });
});

describe('addresses', () => {
  it('are what the system takes for addresses', () => {
    const text = fc.stringMatching(/^[0-9a-f:.]{0,24}$/);
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), text), (address) => {
        expect(parseIp(address) !== null, address).to.equal(isIP(address) !== 0);
      }),
      { numRuns: 2_000 },
    );
  });

  it('print in the canonical form of RFC 5952', () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        const bytes = parseIp(address)!;
        expect(formatIp(bytes)).to.equal(new URL(`http://[${address}]/`).hostname.slice(1, -1));
        expect(parseIp(formatIp(bytes))).to.deep.equal(bytes);
      }),
    );
  });
});
