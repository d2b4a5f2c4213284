import type { RouteExpectation, RouteRow } from './row.ts';
import { backend, http, type RouteOptions, to } from './world.ts';

const REFS = 'HTTPRouteRule backendRefs';

function routed(
  rule: string,
  title: string,
  ruleOf: object,
  expect: RouteExpectation,
  options: RouteOptions = {},
): RouteRow {
  return { title, rule, objects: [http('r', [ruleOf], options)], request: { target: '/' }, expect };
}

const refs = (...backendRefs: object[]) => ({ backendRefs });

const WEIGHTS: readonly RouteRow[] = [
  routed(
    'BackendRef weight',
    'weights divide the requests',
    refs(backend('v1', { weight: 70 }), backend('v2', { weight: 30 })),
    { shares: { v1: 70, v2: 30 } },
  ),
  routed(
    'BackendRef weight: defaults to 1',
    'backends without a weight get equal shares',
    refs(backend('v1'), backend('v2')),
    { shares: { v1: 50, v2: 50 } },
  ),
  routed(
    'BackendRef weight: relative to the sum',
    'weights need not add up to 100',
    refs(backend('v1', { weight: 3 }), backend('v2', { weight: 1 })),
    { shares: { v1: 75, v2: 25 } },
  ),
  routed(
    'BackendRef weight: 0 = no traffic',
    'weight 0 gets nothing',
    refs(backend('v1', { weight: 0 }), backend('v2', { weight: 5 })),
    { shares: { v2: 100 } },
  ),
  routed(
    'BackendRef weight: 0 = no traffic',
    'three shares, one of them 0',
    refs(backend('v1', { weight: 90 }), backend('v2', { weight: 10 }), backend('v3', { weight: 0 })),
    { shares: { v1: 90, v2: 10 } },
  ),
  routed(
    'BackendRef weight',
    'one Service twice gets the sum',
    refs(backend('v1', { weight: 1 }), backend('v1', { weight: 2 }), backend('v2', { weight: 1 })),
    { shares: { v1: 75, v2: 25 } },
  ),
];

const INVALID: readonly RouteRow[] = [
  routed(REFS, 'a Service that does not exist answers 500', to('none'), { status: 500 }),
  routed(REFS, 'a port that does not exist answers 500', to('v1', { port: 81 }), { status: 500 }),
  routed(REFS, 'a Service of type ExternalName answers 500', to('outside'), { status: 500 }),
  routed('BackendRef kind', 'another kind answers 500', to('v1', { group: 'example.net', kind: 'Bucket' }), {
    status: 500,
  }),
  routed(
    `${REFS}: the proportion of an invalid one`,
    'a Service that does not exist keeps its share, which answers 500',
    refs(backend('v1', { weight: 3 }), backend('none', { weight: 1 })),
    { shares: { v1: 75, invalid: 25 }, status: 500 },
  ),
  routed(
    'conformance: a backend of weight 0 that does not exist',
    'a Service of weight 0 need not exist',
    refs(backend('v1', { weight: 1 }), backend('none', { weight: 0 })),
    { shares: { v1: 100 } },
  ),
  routed(REFS, 'without any backend the answer is 500', {}, { status: 500 }),
  routed(REFS, 'with nothing but weight 0 the answer is 500', refs(backend('v1', { weight: 0 })), { status: 500 }),
];

const NAMESPACES: readonly RouteRow[] = [
  routed(
    'GEP-1294, namespace boundaries: no ReferenceGrant in a mesh',
    'a Service of another namespace',
    to('far', { namespace: 'depot' }),
    { backend: 'far' },
  ),
  routed(
    'BackendObjectReference namespace: defaults to the local one',
    "without a namespace it is the route's own, not the Service's",
    to('v1'),
    { status: 500 },
    { namespace: 'buyer' },
  ),
];
// A consumer route is asked by a client of its own namespace.
const [, ofOwnNamespace] = NAMESPACES;

const LEVELS: readonly RouteRow[] = [
  {
    title: 'the Service itself as a backend means its own endpoints',
    rule: 'GEP-1294: only the first level of routes is used',
    objects: [http('r', [to('web')])],
    request: { target: '/' },
    expect: { backend: 'web' },
  },
  {
    title: 'routes of a backend are not applied again',
    rule: 'GEP-1294: only the first level of routes is used',
    objects: [http('r', [to('v1')]), http('s', [to('v2')], { parents: [{ group: '', kind: 'Service', name: 'v1' }] })],
    request: { target: '/' },
    expect: { backend: 'v1' },
  },
  {
    title: 'the port of a backend is the Service’s, not the parent’s',
    rule: 'BackendObjectReference port',
    objects: [http('r', [to('v1', { port: 8080 })])],
    request: { target: '/', port: 80 },
    expect: { backend: 'v1' },
  },
];

const timed = (
  title: string,
  rule: string,
  ruleOf: object,
  annotations: Record<string, string>,
  expect: RouteExpectation,
) => routed(rule, title, { ...ruleOf, ...to('v1') }, { backend: 'v1', ...expect }, { annotations });

const TIMES: readonly RouteRow[] = [
  timed(
    'timeouts.request is for all attempts',
    'HTTPRouteTimeouts request',
    { timeouts: { request: '2s' } },
    {},
    { timeouts: { requestMs: 2_000, attemptMs: 0 } },
  ),
  timed(
    'timeouts.backendRequest is for one attempt',
    'HTTPRouteTimeouts backendRequest',
    { timeouts: { request: '2s', backendRequest: '500ms' } },
    {},
    { timeouts: { requestMs: 2_000, attemptMs: 500 } },
  ),
  timed(
    'a timeout of zero is none',
    'HTTPRouteTimeouts: zero disables',
    { timeouts: { request: '0s' } },
    {},
    { timeouts: { requestMs: 0 } },
  ),
  timed(
    'annotations of the route',
    'Linkerd: timeouts, annotations',
    {},
    { 'timeout.linkerd.io/request': '1s', 'timeout.linkerd.io/response': '2s', 'timeout.linkerd.io/idle': '3s' },
    { timeouts: { requestMs: 1_000, responseMs: 2_000, idleMs: 3_000 } },
  ),
  timed(
    'the annotation goes before timeouts.request',
    'Linkerd: timeouts, precedence',
    { timeouts: { request: '9s' } },
    { 'timeout.linkerd.io/request': '1s' },
    { timeouts: { requestMs: 1_000 } },
  ),
  timed(
    'an annotation about something else leaves timeouts.request',
    'Linkerd: timeouts, precedence',
    { timeouts: { request: '9s' } },
    { 'timeout.linkerd.io/idle': '1s' },
    { timeouts: { requestMs: 9_000, idleMs: 1_000 } },
  ),
  timed(
    'retries by annotation',
    'Linkerd: retries, annotations',
    {},
    { 'retry.linkerd.io/http': '5xx', 'retry.linkerd.io/limit': '2' },
    { retry: { http: [[500, 599]], limit: 2 } },
  ),
  timed(
    'retries by the stanza of the API',
    'HTTPRouteRetry (GEP-1731)',
    { retry: { codes: [503], attempts: 3 } },
    {},
    { retry: { http: [[503, 503]], limit: 3, backoffMs: 25 } },
  ),
  timed(
    'the pause between retries by the stanza of the API',
    'HTTPRouteRetry backoff',
    { retry: { codes: [503], backoff: '100ms' } },
    {},
    { retry: { http: [[503, 503]], limit: 1, backoffMs: 100 } },
  ),
  timed(
    'annotations go before the stanza',
    'Linkerd: retries, annotations',
    { retry: { codes: [503], attempts: 3 } },
    { 'retry.linkerd.io/http': '502' },
    { retry: { http: [[502, 502]], limit: 1 } },
  ),
  timed(
    'an attempt that has used up its time is tried again, until the time for all is over',
    'HTTPRouteTimeouts: request covers the attempts, backendRequest each; Linkerd: retries, timeouts are retried',
    { timeouts: { request: '1500ms', backendRequest: '500ms' } },
    { 'retry.linkerd.io/http': '503', 'retry.linkerd.io/limit': '3' },
    { timeouts: { requestMs: 1_500, attemptMs: 500 }, retry: { http: [[503, 503]], limit: 3 } },
  ),
  timed('without either nothing is retried', 'Linkerd: retries', {}, {}, { retry: null }),
  {
    title: 'annotations of the Service hold for routes that say nothing',
    rule: 'Linkerd: timeouts, annotations on a Service',
    objects: [annotated(), http('r', [to('v1')])],
    request: { target: '/' },
    expect: { backend: 'v1', timeouts: { requestMs: 7_000 }, retry: { http: [[502, 504]], limit: 1 } },
  },
  {
    title: 'any annotation of a family on the route puts those of the Service of that family out of force',
    rule: 'Linkerd: timeouts, annotations on a route',
    objects: [annotated(), http('r', [to('v1')], { annotations: { 'timeout.linkerd.io/idle': '1s' } })],
    request: { target: '/' },
    expect: { backend: 'v1', timeouts: { requestMs: 0, idleMs: 1_000 }, retry: { http: [[502, 504]], limit: 1 } },
  },
  {
    title: 'the rule’s own timeout goes before the Service’s annotation',
    rule: 'HTTPRouteTimeouts request; what is nearer the request goes first',
    objects: [annotated(), http('r', [{ timeouts: { request: '1s' }, ...to('v1') }])],
    request: { target: '/' },
    expect: { backend: 'v1', timeouts: { requestMs: 1_000 } },
  },
];

/** Service `web` with annotations, in place of the world's. */
function annotated(): object {
  const ports = [{ name: 'http', port: 80, targetPort: 8080, protocol: 'TCP' }];
  const annotations = { 'timeout.linkerd.io/request': '7s', 'retry.linkerd.io/http': 'gateway-error' };
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'shop', uid: 'shop-web', annotations },
    spec: { clusterIP: '10.96.0.10', clusterIPs: ['10.96.0.10'], ports, selector: { app: 'web' } },
  };
}

export const BACKENDS: readonly RouteRow[] = [
  ...WEIGHTS,
  ...INVALID,
  NAMESPACES[0]!,
  { ...ofOwnNamespace!, request: { target: '/', from: 'buyer' } },
  ...LEVELS,
  ...TIMES,
];
