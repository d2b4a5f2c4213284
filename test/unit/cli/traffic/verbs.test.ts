import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { expectTranscript, transcript } from '../../../golden/transcript.ts';
import { runCli } from '../../../support/cli.ts';
import { LiveCluster } from '../../../support/live-cluster.ts';
import { ATTEMPTS, fillShop, INBOUND, OUTBOUND, proxyOf } from './shop.ts';

/** What a route of a profile may be named: a terminal would obey it. */
const HOSTILE = 'x\u001b]0;owned\u0007\u009b2J\u202e';

describe('weft routes, edges, stat-inbound, stat-outbound', () => {
  const cluster = new LiveCluster();

  before(() => cluster.start());
  after(() => cluster.stop());
  beforeEach(() => {
    cluster.clear();
    fillShop(cluster);
  });

  for (const name of ['routes', 'edges', 'sides']) {
    it(`print what they have printed before: ${name}`, async () => {
      await expectTranscript(`live-numbers/${name}.txt`, (argv) => cluster.run(...argv));
    });
  }

  it('ask once each (stat-outbound for routes and for backends), of the namespace alone, and say why there is nothing', async () => {
    for (const line of ['routes svc/api', 'stat-inbound deploy/api', 'stat-outbound deploy/web', 'edges deploy -A']) {
      cluster.asked.length = 0;
      await cluster.run(...line.split(' '));
      const asked = cluster.asked.filter((path) => path.includes('/traffic?'));
      expect(asked, line).to.have.length(line.startsWith('stat-outbound') ? 2 : 1);
      expect(asked[0]!.includes('/namespaces/shop/'), line).to.equal(!line.endsWith('-A'));
    }
    cluster.refusal = { status: 503, message: 'no endpoints' };
    for (const line of ['routes svc/api', 'edges deploy', 'stat-inbound deploy', 'stat-outbound deploy']) {
      const { status, stderr } = await cluster.run(...line.split(' '));
      expect(status, line).to.equal(1);
      expect(stderr, line).to.match(/^WEFT_CLI_LIVE_NUMBERS: .*no endpoints/);
    }
  });

  it('routes takes profiles for what they are worth: without the right to see them there are the routes that were called', async () => {
    cluster.objects = cluster.objects.filter(({ kind }) => kind !== 'ServiceProfile');
    const { stdout } = await cluster.run('routes', 'svc/api', '-o', 'jsonpath={.svc/api[*].route}');
    expect(stdout).to.equal('POST /votes');
  });

  it('stat-outbound sums what was sent to nobody that is known by its authority', async () => {
    cluster.clear();
    const outside = { direction: 'outbound', counted: 'requests', authority: 'example.com' } as const;
    cluster.counted(proxyOf('shop', 'web'), [[outside, { success: 60 }]]);
    const { stdout } = await cluster.run('stat-outbound', 'deploy/web');
    expect(stdout.split('\n')[1]!.split(/ {2,}/).slice(0, 3)).to.deep.equal(['web', 'example.com', '[default]']);
  });

  it('leave nothing out where two kinds of default have one name', async () => {
    cluster.clear();
    const called = (routeName: string) => ({ ...OUTBOUND, routeKind: 'default', routeName });
    cluster.counted(proxyOf('shop', 'web'), [
      [called('http'), { success: 60 }],
      [called('not-found'), { failure: 30 }],
    ]);
    const rps = async (line: string) => {
      const { stdout } = await cluster.run(...line.split(' '), '-o', 'jsonpath={..rps}');
      return stdout.split(' ').toSorted();
    };
    expect(await rps('routes svc/api')).to.deep.equal(['0.5', '1']);
    // Each with its backend.
    expect(await rps('stat-outbound deploy/web')).to.deep.equal(['0.5', '0.5', '1', '1']);
  });

  it('edges paints what is secured on a terminal, and nothing elsewhere', async () => {
    const env = { KUBECONFIG: cluster.kubeconfig };
    const { stdout } = await runCli(['edges', 'deploy'], { env, terminal: { columns: 100, rows: 20 } });
    expect(stdout).to.include('\u001b[32m√').and.to.include('\u001b[31mnot_provided');
    expect((await cluster.run('edges', 'deploy')).stdout).not.to.include('\u001b');
  });

  it('show nothing that a terminal obeys, though an answer has it', async () => {
    cluster.rewrite = (text) => text.replaceAll('HOSTILE', JSON.stringify(HOSTILE).slice(1, -1));
    const keys = ['routeName', 'routeKind', 'serverName', 'backendName', 'peerName', 'authority'];
    const plain = Object.fromEntries(keys.map((key) => [key, 'HOSTILE']));
    cluster.counted({ ...proxyOf('shop', 'web'), name: 'HOSTILE' }, [
      [{ ...INBOUND, ...plain }, { success: 1 }],
      [{ ...OUTBOUND, ...plain }, { success: 1 }],
      [{ ...ATTEMPTS, ...plain }, { success: 1 }],
      [{ ...ATTEMPTS, ...plain, counted: 'connections', tls: 'no', noTlsReason: 'HOSTILE' }, { opened: 1 }],
    ]);
    for (const verb of ['routes svc/api', 'stat-inbound deploy', 'stat-outbound deploy', 'edges deploy']) {
      for (const format of ['table', 'wide', 'json', 'yaml', 'name']) {
        const { stdout, stderr } = await cluster.run(...verb.split(' '), '-o', format);
        if (format !== 'name') expect(stdout, `${verb} ${format}`).to.include('owned');
        expect((stdout + stderr).replaceAll('\n', ''), `${verb} ${format}`).not.to.match(/[\p{Cc}\p{Cf}]/u);
      }
    }
  });
});

describe('docs/cli.md', () => {
  it('shows of live numbers what the command prints', () => {
    const documented = readFileSync(join(import.meta.dirname, '..', '..', '..', '..', 'docs', 'cli.md'), 'utf8');
    const printed = ['stat', 'sides', 'routes', 'edges'].flatMap((name) => transcript(`live-numbers/${name}.txt`));
    let compared = 0;
    for (const { line, output } of printed) {
      const [, block] = documented.split(`$ weft ${line}\n`);
      if (block === undefined) continue;
      compared++;
      expect(block.startsWith(output), line).to.equal(true);
    }
    expect(compared).to.be.greaterThan(6);
  });
});
