import type { ProxyState } from '../../../proxy-image/core/state/state.ts';
import { renderMetrics } from '../../../proxy-image/io/telemetry/exposition.ts';
import { ProxyRecorder } from '../../../proxy-image/io/telemetry/proxy-recorder.ts';
import { LoopLag } from '../../../proxy-image/io/transport/awake-clock.ts';
import { type Family, parsePrometheusText } from '../../support/prometheus-text.ts';
import { ManualClock, newState } from '../core/fixtures.ts';

const MINUTE_MS = 60_000;
export const NO_GRPC = -1;

/** A recorder on a clock of the test's, and what a scrape says of it. */
export class Bench {
  readonly clock: ManualClock = new ManualClock();
  readonly state: ProxyState = newState(this.clock);
  readonly recorder: ProxyRecorder;

  constructor(more: { maxSeries?: number; zone?: string } = {}) {
    const { zone = '', ...rest } = more;
    this.recorder = new ProxyRecorder({ clock: this.clock, podIp: '10.1.0.1', zone: () => zone, ...rest });
  }

  scrape(): Map<string, Family> {
    const process = () => ({ cpuSeconds: 0, residentBytes: 0, openFds: 0, maxFds: 0 });
    const { clock, recorder, state } = this;
    return parsePrometheusText(renderMetrics({ clock, recorder, state, process, loopLag: new LoopLag(), build: {} }));
  }

  idle(minutes: number): void {
    this.clock.ms += minutes * MINUTE_MS;
    this.recorder.evictIdle(10 * MINUTE_MS);
  }
}
