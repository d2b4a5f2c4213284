import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { freePort } from '../../../hack/apiserver/process.ts';
import type { CountsReport } from '../../../samples/poll/counts.ts';
import { eventually } from '../../support/eventually.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const HOST = '127.0.0.1';

interface Workload {
  child: ChildProcess;
  port: number;
  admin: string;
}

describe('the program of the poll, as its image has it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-poll-'));
  const program = join(folder, 'poll.mjs');
  const started: ChildProcess[] = [];

  before(function () {
    this.timeout(60_000);
    const argv = ['hack/images/bundle.ts', 'samples/poll/main.ts', program, 'node'];
    execFileSync(process.execPath, argv, { cwd: ROOT });
  });

  after(() => {
    for (const child of started) child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  /** Outside the tree, where no package is to be found. */
  async function start(name: string, environment: Record<string, string>): Promise<Workload> {
    const [port, adminPort] = [await freePort(), await freePort()];
    const env = { HOST, PORT: String(port), ADMIN_PORT: String(adminPort), ...environment };
    const child = spawn(process.execPath, [program, name], {
      cwd: folder,
      env,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    started.push(child);
    const admin = `http://${HOST}:${adminPort}`;
    await eventually(`${name} is ready`, async () => (await fetch(`${admin}/healthz`).catch(() => null))?.ok === true);
    return { child, port, admin };
  }

  const countsOf = async ({ admin }: Workload) => (await (await fetch(`${admin}/counts`)).json()) as CountsReport;

  it('runs each workload by its verb, counts, takes a rate, and ends when it is told to', async () => {
    const patterns = await start('patterns', {});
    const ballots = await start('ballots', { FAILING_PATTERN: 'leno' });
    const web = await start('web', {
      PATTERNS_ADDRESS: `${HOST}:${patterns.port}`,
      BALLOTS_ADDRESS: `${HOST}:${ballots.port}`,
    });
    const voters = await start('voters', {
      WEB_URL: `http://${HOST}:${web.port}`,
      VOTES_PER_SECOND: '100',
      FAVOURITE: 'leno',
      FAVOURITE_SHARE: '0.5',
    });
    await eventually(
      'a vote that fails',
      async () => '500' in ((await countsOf(voters)).sent['POST /votes/leno'] ?? {}),
    );
    expect((await fetch(`${web.admin}/rate?perSecond=0`, { method: 'POST' })).status).to.equal(404);
    expect((await fetch(`${voters.admin}/rate?perSecond=-1`, { method: 'POST' })).status).to.equal(400);
    expect((await fetch(`${voters.admin}/rate?perSecond=0`, { method: 'POST' })).status).to.equal(200);
    const { sent } = await countsOf(voters);
    expect((await countsOf(web)).received).to.deep.equal(sent);
    expect((await countsOf(ballots)).received['/weft.poll.v1.Ballots/VoteLeno']).to.deep.equal({
      '13': sent['POST /votes/leno']!['500'],
    });
    const endings = [patterns, ballots, web, voters].map(async ({ child }) => {
      child.kill('SIGTERM');
      return (await once(child, 'exit')) as unknown[];
    });
    expect(await Promise.all(endings)).to.deep.equal(Array(4).fill([0, null]));
  });

  it('says which workloads there are', () => {
    expect(() => execFileSync(process.execPath, [program, 'toString'], { stdio: 'pipe' })).to.throw(
      /unknown workload "toString": expected patterns, ballots, web, voters/,
    );
  });
});
