import type { Annotation, Place } from './annotation.ts';
import { BALANCER } from './balancer.ts';
import { BREAKER } from './breaker.ts';
import type { Annotations } from './reader.ts';
import { RETRY, TIMEOUT } from './retry.ts';
import { DISABLE_TAP, INJECT, WORKLOAD } from './workload.ts';

/** Every annotation that Weft reads, by the page of `docs/` that has its row. */
export const ANNOTATIONS: Readonly<Record<'injection.md' | 'traffic.md', readonly Annotation<unknown>[]>> = {
  'injection.md': [INJECT, DISABLE_TAP, ...Object.values<Annotation<unknown>>(WORKLOAD)],
  'traffic.md': [BALANCER, BREAKER, RETRY, TIMEOUT].flatMap((rows) => Object.values<Annotation<unknown>>(rows)),
};

/** Domains whose names are ours to know on an object, so that another name there is a mistake of somebody's. */
const PROXY_DOMAINS = /^config\.(?:alpha\.|beta\.)?(?:linkerd\.io|weft\.dev)$/;
const ROUTE_DOMAINS = /^(?:retry|timeout)\.linkerd\.io$/;
const DOMAINS: Readonly<Record<Place, RegExp>> = {
  workload: PROXY_DOMAINS,
  namespace: PROXY_DOMAINS,
  service: /^(?:balancer\.(?:alpha\.)?linkerd\.io|balancer\.weft\.dev|(?:retry|timeout)\.linkerd\.io)$/,
  httpRoute: ROUTE_DOMAINS,
  grpcRoute: ROUTE_DOMAINS,
};

const KNOWN: ReadonlyMap<string, Annotation<unknown>> = new Map(
  Object.values(ANNOTATIONS).flatMap((rows) => rows.flatMap((row) => row.names.map((name) => [name, row] as const))),
);

/** Whether it is an annotation of ours on some object. */
export function isKnown(name: string): boolean {
  return KNOWN.has(name);
}

/** Annotations that look like ones of ours and mean nothing on that object, in the order written. */
export function unknownNames(place: Place, annotations: Annotations): string[] {
  return Object.keys(annotations).filter((name) => {
    const isOurs = DOMAINS[place].test(name.slice(0, Math.max(0, name.indexOf('/'))));
    return isOurs && KNOWN.get(name)?.on.includes(place) !== true;
  });
}
