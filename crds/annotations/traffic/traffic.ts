import type { Balancer, ServiceDestination } from '../../../proxy-image/contract/resources.ts';
import { SERVICE_DEFAULTS } from '../../../proxy-image/contract/service-defaults.ts';
import type { Problem } from '../../types/problem.ts';
import { parseBalancer, parseSlowStart } from './balancer.ts';
import { parseBreaker, parsePenalty } from './breaker.ts';
import { AnnotationReader } from './reader.ts';
import { parseRetry, parseTimeouts } from './retry.ts';

export type ServiceTraffic = Pick<
  ServiceDestination,
  'balancer' | 'slowStartMs' | 'breaker' | 'penalty' | 'retry' | 'timeouts'
>;

const DOMAINS = [
  'balancer.linkerd.io',
  'balancer.alpha.linkerd.io',
  'balancer.weft.dev',
  'retry.linkerd.io',
  'timeout.linkerd.io',
];

/** What a Service's annotations say about the traffic to it. Never throws; what is wrong is in `problems`, the rest takes effect. */
export function parseTraffic(
  annotations: Readonly<Record<string, string>>,
  meshBalancer: Balancer,
): { traffic: ServiceTraffic; problems: Problem[] } {
  const reader = new AnnotationReader(annotations);
  const traffic: ServiceTraffic = {
    balancer: parseBalancer(reader, meshBalancer),
    slowStartMs: parseSlowStart(reader) ?? SERVICE_DEFAULTS.slowStartMs,
    breaker: parseBreaker(reader),
    penalty: parsePenalty(reader),
    retry: parseRetry(reader),
    timeouts: parseTimeouts(reader),
  };
  reader.reportUnknown(DOMAINS);
  return { traffic, problems: reader.problems.list() };
}
