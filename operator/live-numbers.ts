import type { Registry } from 'prom-client';
import { TokenBucket } from '../lib/rate.ts';
import type { Clock } from './runtime/clock.ts';
import type { Log } from './runtime/log.ts';
import { trafficMetrics } from './telemetry/traffic-metrics.ts';
import { LiveTraffic } from './viz/live-traffic.ts';
import { type ConnectedProxy, REPORT_OUTCOMES, type ReportOutcome } from './viz/reported-proxy.ts';

/** Of reports that cannot be used: one proxy that sends nothing else must not fill the log. */
const LINES = { burst: 10, intervalMs: 10_000 };
const UNUSABLE: ReadonlySet<ReportOutcome> = new Set(['refused', 'too_many']);

/** Role `viz`, with its metrics and what it logs. */
export function createLiveTraffic({
  registry,
  clock,
  log,
}: {
  registry: Registry;
  clock: Clock;
  log: Log;
}): LiveTraffic {
  const lines = new TokenBucket(LINES, clock.nowMs());
  const metrics = trafficMetrics(registry, REPORT_OUTCOMES, () => ({ ...live.figures(), watched: live.watched }));
  const live = new LiveTraffic({
    clock,
    observer: {
      reported(proxy: ConnectedProxy, outcome: ReportOutcome, leftOut: readonly string[]) {
        metrics.reported(outcome, leftOut.length);
        const isWhole = leftOut.length === 0 && !UNUSABLE.has(outcome);
        if (isWhole || !lines.take(clock.nowMs())) return;
        const fields = { code: 'WEFT_SERVE_TRAFFIC', proxy: proxy.name, outcome, problems: leftOut.join('; ') };
        log.warn('a report of traffic does not count, or not all of it', fields);
      },
    },
  });
  return live;
}
