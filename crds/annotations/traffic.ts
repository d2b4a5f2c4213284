import type { Balance } from '../../proxy-image/contract/policy/backend.ts';
import type { StatusRetry } from '../../proxy-image/contract/policy/retry.ts';
import type { MeshModel } from '../kinds/mesh/model.ts';
import { ProblemList } from '../parse/problems.ts';
import type { Problem } from '../types/problem.ts';
import type { Place } from './annotation.ts';
import { BALANCER, readBalancer } from './balancer.ts';
import { readBreaker, readPenalty } from './breaker.ts';
import { problemOf } from './problem.ts';
import { AnnotationReader, type Annotations } from './reader.ts';
import { readRetry, readTimeouts, type Timeouts } from './retry.ts';
import { isKnown, unknownNames } from './rows.ts';

export interface ServiceTraffic extends Pick<Balance, 'balancer' | 'slowStartMs' | 'breaker' | 'penalty'> {
  retry: StatusRetry | null;
  timeouts: Timeouts;
}

/** What a Service's annotations say about the traffic to it. Never throws; what is wrong is in `problems`, the rest takes effect. */
export function parseTraffic(
  annotations: Annotations,
  mesh: MeshModel,
): { traffic: ServiceTraffic; problems: Problem[] } {
  const { reader, problems } = readerOf('service', annotations, mesh);
  const traffic: ServiceTraffic = {
    balancer: readBalancer(reader, mesh.proxy.balancer),
    slowStartMs: reader.value(BALANCER.slowStart),
    breaker: readBreaker(reader),
    penalty: readPenalty(reader),
    retry: readRetry(reader),
    timeouts: readTimeouts(reader),
  };
  return { traffic, problems: withUnknown(problems, 'service', annotations) };
}

/** What a route's annotations say; each part as a whole in place of what the Service says, `undefined`: the Service's holds. */
export interface RouteTraffic {
  /** `null`: none, though the Service may ask for some. */
  retry: StatusRetry | null | undefined;
  timeouts: Timeouts | undefined;
}

/**
 * Linkerd (outbound policy): a route that carries any annotation of a domain, be it one that cannot be read, has none of the Service's of that domain.
 * Never throws; what is wrong is in `problems`, each with the annotation's name.
 */
export function parseRouteTraffic(
  place: 'httpRoute' | 'grpcRoute',
  annotations: Annotations,
  mesh: MeshModel,
): { traffic: RouteTraffic; problems: Problem[] } {
  const { reader, problems } = readerOf(place, annotations, mesh);
  const carries = (domain: string) => Object.keys(annotations).some((name) => name.startsWith(`${domain}/`));
  const traffic: RouteTraffic = {
    retry: carries('retry.linkerd.io') ? readRetry(reader) : undefined,
    timeouts: carries('timeout.linkerd.io') ? readTimeouts(reader) : undefined,
  };
  return { traffic, problems: withUnknown(problems, place, annotations) };
}

function readerOf(place: Place, annotations: Annotations, mesh: MeshModel) {
  const problems = new ProblemList();
  const reader = new AnnotationReader({
    layers: [{ place, annotations }],
    mesh,
    report: (finding) => problems.add(problemOf(finding)),
  });
  return { reader, problems };
}

/** A typing error must not pass for a policy. */
function withUnknown(problems: ProblemList, place: Place, annotations: Annotations): Problem[] {
  for (const name of unknownNames(place, annotations)) {
    const text = isKnown(name) ? 'has no effect on this kind of object' : 'is not known and has no effect';
    problems.warning(`metadata.annotations[${name.slice(0, 200)}]`, text);
  }
  return problems.list();
}
