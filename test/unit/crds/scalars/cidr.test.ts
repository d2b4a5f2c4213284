import { expect } from 'chai';
import { type Cidr, cidrContains, formatCidr, parseCidr } from '../../../../crds/scalars/cidr.ts';

function cidr(text: string): Cidr {
  const parsed = parseCidr(text);
  if (!parsed.ok) throw new Error(`${text}: ${parsed.problem}`);
  return parsed.value;
}

describe('networks', () => {
  const canonical: [string, string][] = [
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['10.1.2.3/8', '10.0.0.0/8'],
    ['10.1.2.3', '10.1.2.3/32'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['255.255.255.255/31', '255.255.255.254/31'],
    ['::/0', '::/0'],
    ['fd00::1', 'fd00::1/128'],
    ['FD00:0:0:0:0:0:0:1/8', 'fd00::/8'],
    ['2001:db8:0:0:1:0:0:1/128', '2001:db8::1:0:0:1/128'],
    ['::ffff:10.0.0.0/104', '10.0.0.0/8'],
    ['::ffff:10.1.2.3', '10.1.2.3/32'],
  ];
  for (const [text, expected] of canonical) {
    it(`${text} is ${expected}`, () => {
      expect(formatCidr(cidr(text))).to.equal(expected);
      expect(formatCidr(cidr(expected))).to.equal(expected);
    });
  }

  const wrong = [
    '',
    '/',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/08',
    '10.0.0/8',
    '10.0.0.0/8/8',
    '010.0.0.0/8',
    '256.0.0.0/8',
    'fd00::/129',
    'fd00::zz',
    'fe80::1%eth0',
    '1:2:3:4:5:6:7:8:9',
    ':::',
    'web',
    ' 10.0.0.0/8',
    ':'.repeat(100_000),
  ];
  for (const text of wrong) {
    it(`refuses ${JSON.stringify(text.slice(0, 24))}`, () => {
      expect(parseCidr(text).ok).to.equal(false);
    });
  }

  it('contain others of their family by their prefix', () => {
    const contains = (outer: string, inner: string) => cidrContains(cidr(outer), cidr(inner));
    expect(contains('10.0.0.0/8', '10.255.0.0/16')).to.equal(true);
    expect(contains('10.0.0.0/8', '10.0.0.0/8')).to.equal(true);
    expect(contains('10.0.0.0/16', '10.0.0.0/8')).to.equal(false);
    expect(contains('10.0.0.0/9', '10.128.0.0/9')).to.equal(false);
    expect(contains('0.0.0.0/0', 'fd00::/8')).to.equal(false);
    expect(contains('::/0', 'fd00::/8')).to.equal(true);
    expect(contains('fd00::/8', 'fd00:1::/32')).to.equal(true);
  });
});
