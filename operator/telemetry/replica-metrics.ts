import { Counter, Gauge, type Registry } from 'prom-client';

type States = Record<'reporting' | 'idle' | 'missing', number>;

/** What replicas tell the leader of their proxies. `states`: of the replicas that this one follows, which is none unless it leads. */
export function replicaMetrics(registry: Registry, states: () => States) {
  const registers = [registry];
  new Gauge({
    name: 'weft_replicas_followed',
    help: 'Other replicas that the leader follows, by what is known of them.',
    labelNames: ['state'],
    registers,
    collect() {
      for (const [state, count] of Object.entries(states())) this.set({ state }, count);
    },
  });
  const failures = new Counter({
    name: 'weft_replica_report_failures_total',
    help: 'Ends of connections over which replicas were followed, and attempts that failed, by code.',
    labelNames: ['code'],
    registers,
  });
  const counter = (name: string, help: string) => new Counter({ name, help, registers });
  const reports = counter(
    'weft_replica_reports_sent_total',
    'Messages about its own proxies that this replica has sent to the leader.',
  );
  const bytes = counter('weft_replica_report_sent_bytes_total', 'Bytes of these.');
  const twice = counter('weft_replica_proxies_twice_total', 'Proxies that two replicas took for connected to them.');
  const moved = counter(
    'weft_replica_proxies_moved_total',
    'Proxies that this replica has asked to connect anew because it had more than its share.',
  );
  return {
    moved: (count: number) => moved.inc(count),
    failed: (code: string) => failures.inc({ code }),
    foundTwice: () => twice.inc(),
    sent(sizeBytes: number) {
      reports.inc();
      bytes.inc(sizeBytes);
    },
  };
}
