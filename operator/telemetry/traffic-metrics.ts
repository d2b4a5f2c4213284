import { Counter, Gauge, type Registry } from 'prom-client';

/** As `operator/viz` says it; read when metrics are. */
export interface LiveFigures {
  proxies: number;
  series: number;
  bytes: number;
  overflowed: number;
  watched: boolean;
}

/** What role `viz` counts. Series by outcome exist from the start, with value zero. */
export function trafficMetrics(registry: Registry, outcomes: readonly string[], figures: () => LiveFigures) {
  const registers = [registry];
  const reports = new Counter({
    name: 'weft_traffic_reports_total',
    help: 'Reports of proxies about their traffic, by what became of them.',
    labelNames: ['outcome'],
    registers,
  });
  const leftOut = new Counter({
    name: 'weft_traffic_report_parts_left_out_total',
    help: 'Parts of reports that were not understood; the rest of the report counts.',
    registers,
  });
  const gauge = (name: string, help: string, of: (now: LiveFigures) => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(of(figures()));
      },
    });
  gauge(
    'weft_traffic_proxies',
    'Proxies in the window: connected, or gone for less than it reaches back.',
    (now) => now.proxies,
  );
  gauge('weft_traffic_series', 'Series in the window.', (now) => now.series);
  gauge('weft_traffic_window_bytes', 'Octets of counts and labels in the window.', (now) => now.bytes);
  gauge('weft_traffic_watched', '1 while somebody looks, and proxies report every second.', (now) =>
    Number(now.watched),
  );
  new Counter({
    name: 'weft_traffic_overflows_total',
    help: 'Times that something was counted together with others, for want of room in the window.',
    registers,
    collect() {
      this.reset();
      this.inc(figures().overflowed);
    },
  });
  for (const outcome of outcomes) reports.inc({ outcome }, 0);
  return {
    reported(outcome: string, partsLeftOut: number) {
      reports.inc({ outcome });
      if (partsLeftOut > 0) leftOut.inc(partsLeftOut);
    },
  };
}
