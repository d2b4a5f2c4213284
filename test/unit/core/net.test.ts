import { expect } from 'chai';
import { isLoopback, parsePeerIp } from '../../../lib/ip.ts';
import { compileNetwork, contains, parseCidr } from '../../../proxy-image/core/net/cidr.ts';

const bytes = (text: string): number[] | null => {
  const ip = parsePeerIp(text);
  return ip === null ? null : [...ip];
};

function v6(...groups: number[]): number[] {
  return groups.flatMap((group) => [group >> 8, group & 0xff]);
}

describe('IP addresses', () => {
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

describe('networks', () => {
  const inside = (cidr: string, except: string[], address: string) => {
    const network = compileNetwork({ cidr, except });
    return network === null ? null : contains(network, parsePeerIp(address)!);
  };

  const rows: [cidr: string, except: string[], address: string, expected: boolean | null][] = [
    ['10.0.0.0/8', [], '10.255.0.1', true],
    ['10.0.0.0/8', [], '11.0.0.0', false],
    ['10.1.2.3', [], '10.1.2.3', true],
    ['10.1.2.3', [], '10.1.2.2', false],
    ['10.1.2.3/32', [], '10.1.2.3', true],
    ['10.1.2.128/25', [], '10.1.2.127', false],
    ['10.1.2.128/25', [], '10.1.2.128', true],
    ['172.16.0.0/12', [], '172.31.255.255', true],
    ['172.16.0.0/12', [], '172.32.0.0', false],
    ['0.0.0.0/0', [], '1.2.3.4', true],
    ['0.0.0.0/0', [], 'fd00::1', false],
    ['::/0', [], 'fd00::1', true],
    ['::/0', [], '1.2.3.4', false],
    ['fd00::/8', [], 'fdff::1', true],
    ['fd00::/8', [], 'fe00::1', false],
    ['::ffff:10.0.0.0/104', [], '10.9.9.9', true],
    ['10.1.0.0/16', [], '::ffff:10.1.2.3', true],
    ['10.0.0.0/8', ['10.1.0.0/16'], '10.1.2.3', false],
    ['10.0.0.0/8', ['10.1.0.0/16'], '10.2.2.3', true],
    ['10.9.9.9/8', [], '10.1.1.1', true],
    ['10.0.0.0/33', [], '10.1.1.1', null],
    ['10.0.0.0/', [], '10.1.1.1', null],
    ['10.0.0.0/08', [], '10.1.1.1', null],
    ['10.0.0.0/-1', [], '10.1.1.1', null],
    ['::ffff:10.0.0.0/90', [], '10.1.1.1', null],
    ['10.0.0.0/8', ['10.1.0.0/99'], '10.1.1.1', null],
  ];
  for (const [cidr, except, address, expected] of rows) {
    it(`${cidr}${except.length > 0 ? ` but ${except}` : ''} and ${address}: ${expected}`, () => {
      expect(inside(cidr, except, address)).to.equal(expected);
    });
  }

  it('reads a prefix of every length of its family', () => {
    expect(parseCidr('1.2.3.4/32')?.bits).to.equal(32);
    expect(parseCidr('::1/128')?.bits).to.equal(128);
    expect(parseCidr('::1/129')).to.equal(null);
  });
});
