import type { Fields } from '../../parse/fields.ts';
import { LIMITS } from '../../parse/limits.ts';
import { parseResource, type Source } from '../../parse/resource.ts';
import { parseWeight } from '../../parse/weight.ts';
import { quote } from '../../scalars/scalar.ts';
import { parseServiceReference } from '../../scalars/service-reference.ts';
import type { Parsed } from '../../types/problem.ts';
import { TRAFFIC_SPLIT, type TrafficSplitModel } from './model.ts';

export function parseTrafficSplit(raw: unknown): Parsed<TrafficSplitModel> {
  return parseResource(raw, TRAFFIC_SPLIT, buildSplit);
}

function buildSplit({ meta, spec }: Source): TrafficSplitModel {
  spec.closed(['service', 'backends', 'matches']);
  const backends = spec.objects('backends', LIMITS.backends).map((backend) => parseBackend(backend, meta.namespace));
  checkBackends(spec, backends);
  checkMatches(spec);
  return { meta, service: parseOwnService(spec, meta.namespace), backends };
}

function parseBackend(backend: Fields, namespace: string): TrafficSplitModel['backends'][number] {
  backend.closed(['service', 'weight']);
  if (!backend.has('weight')) backend.problems.error(backend.at('weight'), 'is required');
  return { service: parseOwnService(backend, namespace), weight: parseWeight(backend) };
}

/** The field `service`: a Service of the split's own namespace (SMI: "same namespace only"), reduced to its short name. */
function parseOwnService(fields: Fields, namespace: string): string {
  const text = fields.text('service');
  const path = fields.at('service');
  const reference = parseServiceReference(text);
  if (text === '') fields.problems.error(path, 'is required');
  else if (reference === null) fields.problems.error(path, `must be the name of a Service, not ${quote(text)}`);
  else if (reference.namespace !== '' && reference.namespace !== namespace) {
    fields.problems.error(path, `must be a Service of the split's own namespace, not ${quote(text)}`);
  }
  return reference?.service ?? '';
}

function checkBackends(spec: Fields, backends: TrafficSplitModel['backends']): void {
  const path = spec.at('backends');
  if (!spec.has('backends')) spec.problems.error(path, 'is required');
  if (spec.problems.failed) return;
  if (!backends.some(({ weight }) => weight > 0)) {
    spec.problems.warning(path, "has a total weight of 0: traffic goes to the root Service's own endpoints");
  }
  const seen = new Set<string>();
  for (const [index, { service }] of backends.entries()) {
    if (seen.has(service)) {
      spec.problems.warning(`${path}[${index}].service`, `repeats ${quote(service)}: its weights add up`);
    }
    seen.add(service);
  }
}

function checkMatches(spec: Fields): void {
  if (spec.list('matches', LIMITS.trafficMatches).length === 0) return;
  spec.problems.warning(
    spec.at('matches'),
    'is not supported: the weights apply to every request, not only to matching ones',
  );
}
