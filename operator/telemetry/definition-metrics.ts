import { Gauge, type Registry } from 'prom-client';

/** `problems`: how many CustomResourceDefinitions are not as this operator needs them, as its leader last saw them. */
export function definitionMetrics(registry: Registry, problems: () => number): void {
  new Gauge({
    name: 'weft_definitions_incomplete',
    help: 'CustomResourceDefinitions that are absent or have no status subresource, as the leader sees them.',
    registers: [registry],
    collect() {
      this.set(problems());
    },
  });
}
