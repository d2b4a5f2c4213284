import { Gauge, type Registry } from 'prom-client';

/** Namespaces with a series of their own; what is in others counts together, labelled `other`. */
const MAX_NAMESPACES = 100;

type Counts = Iterable<[namespace: string, count: { missed: number; perhapsOlder: number }]>;

/** Without series where no pod lacks a proxy, and on replicas that do not lead. */
export function lackMetrics(registry: Registry, counts: () => Counts): void {
  new Gauge({
    name: 'weft_pods_without_proxy',
    help: 'Pods that should have a proxy and have none, as the leader sees them.',
    labelNames: ['namespace', 'cause'],
    registers: [registry],
    collect() {
      this.reset();
      let namespaces = 0;
      for (const [name, { missed, perhapsOlder }] of counts()) {
        namespaces += 1;
        const namespace = namespaces > MAX_NAMESPACES ? 'other' : name;
        this.inc({ namespace, cause: 'missed' }, missed);
        this.inc({ namespace, cause: 'perhaps_older' }, perhapsOlder);
      }
    },
  });
}
