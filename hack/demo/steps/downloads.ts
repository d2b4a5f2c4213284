import { applyFaults, BULK_URL, CALLER, noFailure, restarts } from '../faults.ts';
import { until } from '../shell.ts';
import { check, type Step } from '../step.ts';
import { control, LoadControl } from '../traffic.ts';

const COUNT = 400;
const SIZE_BYTES = 50_000_000;
/** 100 s for each at the least; together as much as two busy proxies can carry. */
const BYTES_PER_SECOND = 500_000;
const LIMIT_MS = 900_000;
const RPS = 100;

interface Tally {
  complete: number;
  failed: number;
  bytes: number;
  examples: string[];
}

/** Each HTTP/1 request needs a connection of its own between the proxies: 400 handshakes beside 400 streams. */
export const downloads: Step = {
  id: 'downloads',
  title:
    '400 downloads of 50 MB begun at once and read slowly, through a pair of proxies, beside 100 requests a second',
  commands: ['kubectl apply -f samples/faults/faults.yaml', '…/downloads count=400 (samples/faults/README.md)'],
  async run() {
    await applyFaults();
    const before = await restarts();
    const load = new LoadControl('beside', CALLER);
    await load.start({ url: `${BULK_URL}/`, rps: RPS, phase: 'beside' });
    const url = `${BULK_URL}/bytes?size=${SIZE_BYTES}`;
    const startedMs = performance.now();
    await control('/downloads', { name: 'slow', url, count: COUNT, bytesPerSecond: BYTES_PER_SECOND }, CALLER);
    const { value: tally } = await until(
      'every download ended',
      LIMIT_MS,
      async () => {
        const report = await control<Tally>('/held', { name: 'slow' }, CALLER);
        return report.complete + report.failed === COUNT ? report : null;
      },
      2_000,
    );
    const seconds = (performance.now() - startedMs) / 1000;
    const report = await load.stop();
    const restarted = (await restarts()) - before;
    const rate = `${tally.complete} complete in ${seconds.toFixed(0)} s, ${(tally.bytes / seconds / 1e6).toFixed(0)} MB/s`;
    return [
      check(
        'downloads that failed',
        `0 of ${COUNT}`,
        `${tally.failed}; ${rate} ${tally.examples.join('; ')}`.trim(),
        tally.failed === 0 && tally.complete === COUNT,
      ),
      noFailure('requests beside them', report, 0.9 * RPS * 60),
      check('containers restarted', '0', restarted, restarted === 0),
    ];
  },
};
