import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { CodedError } from '../../../proxy-image/contract/errors.ts';
import { mergeRanges } from '../../../proxy-image/contract/port-ranges.ts';
import { applyRedirect, type Host } from '../../../proxy-image/io/init/apply.ts';
import type { RedirectOptions } from '../../../proxy-image/io/init/options.ts';
import { mergeNetworks } from '../../../proxy-image/io/init/ranges.ts';
import { redirectTable } from '../../../proxy-image/io/init/table.ts';

const GOLDEN = join(import.meta.dirname, '..', '..', 'golden', 'redirect');

const PORTS = { outbound: 4140, inboundMesh: 4143, inboundPlain: 4144, tap: 4190, admin: 4191 };
const PLAIN: RedirectOptions = {
  ports: PORTS,
  uid: 2102,
  skipInboundPorts: [],
  skipOutboundPorts: [],
  skipSubnets: [],
};
const FULL: RedirectOptions = {
  ports: { ...PORTS, admin: 9991 },
  uid: 3000,
  skipInboundPorts: [
    [4567, 4568],
    [22, 22],
    [4000, 4600],
  ],
  skipOutboundPorts: [[443, 443]],
  skipSubnets: ['10.1.0.0/16', '10.0.0.0/8', 'fd00::1:0/112', 'fd00::/8', '192.168.1.1/32'],
};

describe('redirection rules', () => {
  const cases: [string, string][] = [
    ['plain-inet.nft', redirectTable('inet', PLAIN)],
    ['full-inet.nft', redirectTable('inet', FULL)],
    ['full-ip.nft', redirectTable('ip', FULL)],
    ['full-ip6.nft', redirectTable('ip6', FULL)],
  ];
  for (const [file, table] of cases)
    it(`are those of golden/redirect/${file}`, () => expect(table).to.equal(readFileSync(join(GOLDEN, file), 'utf8')));

  it('D6: touch TCP and nothing else, as the documentation says', () => {
    for (const [, table] of cases) {
      const rules = table.split('\n').filter((line) => /redirect|dport/.test(line));
      expect(rules.filter((line) => !/^\s+(?:meta l4proto tcp redirect|tcp dport) /.test(line))).to.deep.equal([]);
      expect(rules.filter((line) => line.includes('redirect'))).to.have.length(2);
      expect(table).not.to.match(/udp|sctp|icmp|\bdrop\b|\breject\b/);
    }
    const page = readFileSync(join(GOLDEN, '..', '..', '..', 'docs', 'injection.md'), 'utf8');
    expect(page.slice(page.indexOf('## What the mesh does not hold back'))).to.match(/UDP.*QUIC/s);
  });

  it('merge ports that overlap or touch', () => {
    expect(
      mergeRanges([
        [10, 20],
        [15, 30],
        [31, 31],
        [40, 40],
        [1, 2],
      ]),
    ).to.deep.equal([
      [1, 2],
      [10, 31],
      [40, 40],
    ]);
  });

  it('drop networks inside others, and only those', () => {
    expect(mergeNetworks(['10.1.2.3/8', '10.0.0.0/8', '11.0.0.0/8', '10.9.0.0/16', '1.2.3.4'], 'ipv4')).to.deep.equal([
      '10.1.2.3/8',
      '11.0.0.0/8',
      '1.2.3.4/32',
    ]);
    expect(mergeNetworks(['fd00::1', '::/0', 'fd00::/8', '1.2.3.4/32'], 'ipv6')).to.deep.equal(['::/0']);
  });

  it('take an IPv4-mapped network as IPv4: the kernel sees IPv4 packets', () => {
    expect(mergeNetworks(['::ffff:10.0.0.0/104'], 'ipv4')).to.deep.equal(['10.0.0.0/8']);
    expect(mergeNetworks(['::ffff:10.0.0.0/104'], 'ipv6')).to.deep.equal([]);
  });
});

describe('loading the redirection', () => {
  function host(hasIpv6: boolean, answer: (rules: string) => string): Host & { loaded: string[] } {
    const loaded: string[] = [];
    return {
      hasIpv6,
      loaded,
      runNft(rules) {
        const problem = answer(rules);
        if (problem === '') loaded.push(rules);
        return { ok: problem === '', problem };
      },
    };
  }

  function codeOf(machine: Host): string {
    try {
      applyRedirect(PLAIN, machine);
    } catch (error) {
      if (error instanceof CodedError) return error.code;
      throw error;
    }
    return 'nothing thrown';
  }

  it('uses one table for both families where the kernel can', () => {
    const machine = host(true, () => '');
    expect(applyRedirect(PLAIN, machine)).to.deep.equal(['inet']);
    expect(machine.loaded).to.deep.equal([redirectTable('inet', PLAIN)]);
  });

  it('uses a table per family, in one transaction, on kernels before 5.2', () => {
    const machine = host(true, (rules) => (rules.includes('table inet') ? 'Error: Operation not supported' : ''));
    expect(applyRedirect(PLAIN, machine)).to.deep.equal(['ip', 'ip6']);
    expect(machine.loaded).to.deep.equal([redirectTable('ip', PLAIN) + redirectTable('ip6', PLAIN)]);
  });

  it('never settles for IPv4 alone where the kernel has IPv6 (D5)', () => {
    const machine = host(true, (rules) => (/table (inet|ip6)/.test(rules) ? 'Error: Operation not supported' : ''));
    expect(codeOf(machine)).to.equal('WEFT_INIT_KERNEL');
    expect(machine.loaded).to.deep.equal([]);
  });

  it('takes IPv4 alone where the kernel has no IPv6', () => {
    const machine = host(false, (rules) => (rules.includes('table inet') ? 'Error: Operation not supported' : ''));
    expect(applyRedirect(PLAIN, machine)).to.deep.equal(['ip']);
  });

  it('names what to check: no nft, no NET_ADMIN, anything else', () => {
    expect(codeOf(host(true, () => 'spawnSync nft ENOENT'))).to.equal('WEFT_INIT_NFT_MISSING');
    expect(codeOf(host(true, () => 'Error: Could not process rule: Operation not permitted'))).to.equal(
      'WEFT_INIT_NOT_PERMITTED',
    );
    expect(codeOf(host(true, () => 'Error: syntax error, unexpected newline'))).to.equal('WEFT_INIT_FAILED');
  });
});
