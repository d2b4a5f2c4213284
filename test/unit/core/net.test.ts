import { expect } from 'chai';
import { parsePeerIp } from '../../../lib/ip.ts';
import { compileNetwork, contains, parseCidr } from '../../../proxy-image/core/net/cidr.ts';

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
