import type { RouteExpectation, RouteRow } from './row.ts';
import {
  CALLS,
  call,
  extension,
  fault,
  grpc,
  header,
  http,
  parentOf,
  requestHeaders,
  responseHeaders,
} from './world.ts';

const ON = { service: CALLS.service, port: CALLS.port, grpc: true } as const;
const NOTHING: RouteExpectation = { status: 404, grpcStatus: 5 };

const backend = (name: string, more: object = {}) => ({ name, port: CALLS.port, ...more });
const to = (name: string, more: object = {}) => ({ backendRefs: [backend(name, more)] });
const V1: RouteExpectation = { backend: 'calls-v1' };

function matched(
  rule: string,
  title: string,
  matches: object[],
  cases: [target: string, RouteExpectation, headers?: [string, string][]][],
): RouteRow[] {
  return cases.map(([target, expect, headers = []]) => ({
    title: `${title}: ${target} ${headers.join()} ${expect === NOTHING ? 'is not taken' : 'is taken'}`,
    rule,
    objects: [grpc('r', [{ matches, ...to('calls-v1') }])],
    request: { ...ON, target, headers },
    expect,
  }));
}

function wins(
  title: string,
  winner: object,
  loser: object,
  target: string,
  headers: [string, string][] = [],
): RouteRow {
  return {
    title: `${title} wins`,
    rule: 'GRPCRouteRule matches: precedence',
    objects: [
      grpc('r', [
        { matches: [loser], ...to('calls-v1') },
        { matches: [winner], ...to('calls-v2') },
      ]),
    ],
    request: { ...ON, target, headers },
    expect: { backend: 'calls-v2' },
  };
}

function routed(
  rule: string,
  title: string,
  ruleOf: object,
  expect: RouteExpectation,
  objects: object[] = [],
): RouteRow {
  return { title, rule, objects: [...objects, grpc('r', [ruleOf])], request: { ...ON, target: '/a.B/Get' }, expect };
}

const EMPTY_HEADERS: [string, string][] = [['k', 'v']];

export const GRPC: readonly RouteRow[] = [
  ...matched('GRPCRouteRule matches: without any every call', 'a rule without matches', [], [['/a.B/Get', V1]]),
  ...matched(
    'GRPCMethodMatch service and method',
    'service and method',
    [call('a.B', 'Get')],
    [
      ['/a.B/Get', V1],
      ['/a.B/Put', NOTHING],
      ['/a.C/Get', NOTHING],
      ['/a.b/Get', NOTHING],
      ['/x/a.B/Get', NOTHING],
    ],
  ),
  ...matched(
    'GRPCMethodMatch service: any method',
    'a service',
    [call('a.B')],
    [
      ['/a.B/Get', V1],
      ['/a.B/Put', V1],
      ['/a.BC/Get', NOTHING],
    ],
  ),
  ...matched(
    'GRPCMethodMatch method: any service',
    'a method',
    [call(undefined, 'Get')],
    [
      ['/a.B/Get', V1],
      ['/c.D/Get', V1],
      ['/a.B/GetAll', NOTHING],
    ],
  ),
  ...matched(
    'GRPCMethodMatch RegularExpression (implementation-specific)',
    'an expression',
    [call('a\\..*', 'Get|Put', 'RegularExpression')],
    [
      ['/a.B/Put', V1],
      ['/b.B/Put', NOTHING],
      ['/a.B/Delete', NOTHING],
    ],
  ),
  ...matched(
    'GRPCHeaderMatch',
    'a header',
    [header('Version', 'two')],
    [
      ['/a.B/Get', V1, [['version', 'two']]],
      ['/a.B/Get', NOTHING, [['version', 'one']]],
    ],
  ),
  ...matched(
    'GRPCRouteMatch: method and headers together',
    'method and header',
    [{ ...call('a.B'), ...header('k', 'v') }],
    [
      ['/a.B/Get', V1, EMPTY_HEADERS],
      ['/a.B/Get', NOTHING],
    ],
  ),
  wins('service and method over the service', call('a.B', 'Get'), call('a.B'), '/a.B/Get'),
  wins('the service over a method', call('a.B'), call(undefined, 'GetEverything'), '/a.B/GetEverything'),
  wins('an exact service over an expression', call('a.B'), call('a.*', undefined, 'RegularExpression'), '/a.B/Get'),
  wins('a service over headers', call('a.B'), header('k', 'v'), '/a.B/Get', EMPTY_HEADERS),
  wins('a header over none', header('k', 'v'), {}, '/a.B/Get', EMPTY_HEADERS),
  {
    title: 'of equal matches the older route wins',
    rule: 'GRPCRouteRule matches: the oldest route',
    objects: [grpc('a', [to('calls-v1')], { age: 2 }), grpc('b', [to('calls-v2')], { age: 1 })],
    request: { ...ON, target: '/a.B/Get' },
    expect: { backend: 'calls-v2', route: 'shop/b' },
  },
  routed(
    'BackendRef weight; conformance: the Service of weight 0 does not exist',
    'weights',
    {
      backendRefs: [
        backend('calls-v1', { weight: 70 }),
        backend('calls-v2', { weight: 30 }),
        backend('none', { weight: 0 }),
      ],
    },
    { shares: { 'calls-v1': 70, 'calls-v2': 30 } },
  ),
  routed('GRPCRouteRule backendRefs: UNAVAILABLE', 'a Service that does not exist', to('none'), {
    status: 503,
    grpcStatus: 14,
  }),
  routed(
    'GRPCRouteRule backendRefs: the proportion of an invalid one',
    'a share that does not exist',
    { backendRefs: [backend('calls-v1'), backend('none')] },
    { shares: { 'calls-v1': 50, invalid: 50 }, status: 503, grpcStatus: 14 },
  ),
  routed(
    'GRPCRouteFilter requestHeaderModifier',
    'metadata of the request',
    { filters: [requestHeaders({ set: [{ name: 'A', value: '1' }] })], ...to('calls-v1') },
    { backend: 'calls-v1', requestHeaders: { a: '1' } },
  ),
  routed(
    'GRPCRouteFilter responseHeaderModifier',
    'metadata of the response',
    { filters: [responseHeaders({ set: [{ name: 'x-server', value: 'mesh' }] })], ...to('calls-v1') },
    { backend: 'calls-v1', responseHeaders: { 'x-server': 'mesh' } },
  ),
  routed(
    'GRPCBackendRef filters',
    'metadata for one backend',
    to('calls-v1', { filters: [requestHeaders({ add: [{ name: 'a', value: '1' }] })] }),
    { backend: 'calls-v1', requestHeaders: { a: '1' } },
  ),
  routed(
    'GRPCRouteFilter: requests MUST receive an error',
    'an extension that is not known',
    { filters: [extension('x', 'Wasm', 'example.net')], ...to('calls-v1') },
    { status: 500, grpcStatus: 13 },
  ),
  routed(
    'HTTPFault fail grpcStatus',
    'a fault',
    { filters: [extension('busy')], ...to('calls-v1') },
    { status: 429, grpcStatus: 8 },
    [fault('busy', { fail: { status: 429, grpcStatus: 8 } })],
  ),
  {
    title: 'annotations of the route: retries by status of gRPC',
    rule: 'Linkerd: retries, retry.linkerd.io/grpc',
    objects: [
      grpc('r', [to('calls-v1')], {
        annotations: { 'retry.linkerd.io/grpc': 'unavailable', 'retry.linkerd.io/limit': '3' },
      }),
    ],
    request: { ...ON, target: '/a.B/Get' },
    expect: { backend: 'calls-v1', retry: { grpc: [14], limit: 3 } },
  },
  {
    title: 'annotations of the route: timeouts',
    rule: 'Linkerd: timeouts, annotations',
    objects: [
      grpc('r', [to('calls-v1')], {
        annotations: { 'timeout.linkerd.io/request': '2s', 'timeout.linkerd.io/idle': '1s' },
      }),
    ],
    request: { ...ON, target: '/a.B/Get' },
    expect: { backend: 'calls-v1', timeouts: { requestMs: 2_000, idleMs: 1_000 } },
  },
  {
    title: 'HTTPRoutes of a port for gRPC hold where no GRPCRoute does',
    rule: 'Linkerd: appProtocol of a parent; HTTPRoute for HTTP/2',
    objects: [
      http('h', [{ matches: [{ path: { type: 'Exact', value: '/a.B/Get' } }], ...to('calls-v1') }], {
        parents: [parentOf(CALLS.service)],
      }),
    ],
    request: { ...ON, target: '/a.B/Get' },
    expect: { backend: 'calls-v1', route: 'shop/h' },
  },
];
