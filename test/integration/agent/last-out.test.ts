import { execFile, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import type { VariableName } from '../../../proxy-image/contract/environment.ts';
import { QUIET_MS } from '../../../proxy-image/run/departure.ts';

const POD = join(import.meta.dirname, 'fixtures', 'ordinary-pod.ts');
const ORDINARY = { outliveApplication: 'enabled' } as const;
/** On a machine that does much else. */
const SLACK_MS = 3_000;

interface Seen {
  before: string[];
  after: string[];
  applicationEndedMs: number;
  proxyEndedMs: number;
  reason: string;
}

interface Pod {
  environment: Partial<Record<VariableName, string>>;
  /** How long the application works after SIGTERM. */
  lingerMs: number;
  /** When the proxy is told that the application has ended; 0 = never. */
  shutdownAfterMs?: number;
}

/** They wait for most of their time, each in a network of its own: all live at once, and each test looks at one of them. */
const PODS = {
  ordinary: { environment: ORDINARY, lingerMs: 4_000 },
  sidecar: { environment: {}, lingerMs: 6_000 },
  waiting: { environment: { ...ORDINARY, shutdownWaitMs: '5000' }, lingerMs: 0 },
  dismissed: {
    environment: { ...ORDINARY, adminShutdown: 'enabled', shutdownWaitMs: '30000' },
    lingerMs: 300,
    shutdownAfterMs: 1_000,
  },
  outOfGrace: { environment: { ...ORDINARY, shutdownGraceMs: '1500' }, lingerMs: 4_000 },
} satisfies Record<string, Pod>;

describe('a proxy that gets SIGTERM in the same moment as its application', function () {
  this.timeout(90_000);

  const pods = new Map<keyof typeof PODS, Promise<Seen>>();

  before(function () {
    const missing = ['unshare', 'ip', 'setpriv'].filter((name) => spawnSync(name, ['--version']).error);
    if (process.getuid?.() !== 0 || missing.length > 0) {
      console.warn(`    skipped: needs root and ${missing.join(', ') || 'nothing else'}`);
      this.skip();
    }
    for (const name of Object.keys(PODS) as (keyof typeof PODS)[]) {
      const seen = pod(PODS[name]);
      // Whoever asks for it hears of a failure.
      seen.catch(() => {});
      pods.set(name, seen);
    }
  });

  async function pod({ environment, lingerMs, shutdownAfterMs = 0 }: Pod): Promise<Seen> {
    const script = 'ip link set lo up && exec "$@"';
    const program = [process.execPath, POD, JSON.stringify(environment), String(lingerMs), String(shutdownAfterMs)];
    const run = promisify(execFile);
    const { stdout } = await run('unshare', ['--net', 'sh', '-c', script, 'sh', ...program], { timeout: 80_000 });
    return JSON.parse(stdout);
  }

  const seenOf = (name: keyof typeof PODS): Promise<Seen> => pods.get(name)!;

  it('as an ordinary container carries all of its calls, and ends after it', async () => {
    const { before, after, applicationEndedMs, proxyEndedMs, reason } = await seenOf('ordinary');
    expect(new Set(before)).to.deep.equal(new Set(['200']));
    expect(after.length).to.be.greaterThan(10);
    expect(new Set(after)).to.deep.equal(new Set(['200']));
    expect(applicationEndedMs).to.be.at.least(4_000);
    expect(proxyEndedMs).to.be.greaterThan(applicationEndedMs);
    expect(proxyEndedMs - applicationEndedMs).to.be.lessThan(QUIET_MS + SLACK_MS);
    expect(reason).to.equal('the application has ended');
  });

  it('as a native sidecar ends when nothing is in flight: the kubelet tells it last', async () => {
    const { applicationEndedMs, proxyEndedMs, reason } = await seenOf('sidecar');
    expect(proxyEndedMs).to.be.lessThan(applicationEndedMs);
    expect(reason).to.equal('nothing is in flight');
  });

  it('waits before it exits where it is told to, for applications that work on without a socket', async () => {
    const { proxyEndedMs } = await seenOf('waiting');
    expect(proxyEndedMs).to.be.at.least(5_000 + QUIET_MS);
  });

  it('ends at once when it is told that the application has ended, also while it waits', async () => {
    const { proxyEndedMs, reason } = await seenOf('dismissed');
    expect(proxyEndedMs)
      .to.be.at.least(1_000)
      .and.lessThan(1_000 + SLACK_MS);
    expect(reason).to.equal('nothing is in flight');
  });

  it('ends at the end of its grace period, whatever the application does', async () => {
    const { proxyEndedMs, reason } = await seenOf('outOfGrace');
    expect(proxyEndedMs).to.be.at.least(1_450).and.lessThan(4_000);
    expect(reason).to.equal('the grace period is over');
  });
});
