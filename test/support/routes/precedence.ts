import type { RouteRequest, RouteRow } from './row.ts';
import { exact, grpc, header, http, parentOf, policyHttp, prefix, query, regex, to } from './world.ts';

const ORDER = 'HTTPRouteRule matches: precedence';

/** Two matches of one route that both take the request, the one that has to win written last. */
function wins(title: string, winner: object, loser: object, request: RouteRequest): RouteRow {
  return {
    title: `${title} wins`,
    rule: ORDER,
    objects: [
      http('r', [
        { matches: [loser], ...to('v1') },
        { matches: [winner], ...to('v2') },
      ]),
    ],
    request,
    expect: { backend: 'v2' },
  };
}

const two = (name: string) => ({
  headers: [
    { name, value: '1' },
    { name: `${name}2`, value: '1' },
  ],
});
const A1: [string, string] = ['a', '1'];

export const PRECEDENCE: readonly RouteRow[] = [
  wins('an exact path over a prefix of the same text', exact('/a'), prefix('/a'), { target: '/a' }),
  wins(
    'an exact path over a prefix with method, header and query',
    exact('/a'),
    { ...prefix('/a'), method: 'GET', ...header('a', '1'), ...query('q', '1') },
    { target: '/a?q=1', headers: [A1] },
  ),
  wins('an exact path over an expression', exact('/a'), regex('/.*'), { target: '/a' }),
  {
    ...wins('an expression over a prefix', regex('/a.*'), prefix('/a/b'), { target: '/a/b' }),
    rule: `${ORDER} leaves it open; linkerd2-proxy: an expression counts as the whole path`,
  },
  wins('the longer prefix', prefix('/a/b'), prefix('/a'), { target: '/a/b/c' }),
  wins('the longer prefix over a header', prefix('/a'), header('a', '1'), { target: '/a', headers: [A1] }),
  wins('the longer prefix over a method', prefix('/a'), { method: 'GET' }, { target: '/a' }),
  {
    ...wins('a prefix of equal length, that stands first,', prefix('/a'), prefix('/a/'), { target: '/a' }),
    expect: { backend: 'v1' },
  },
  wins('a method over headers', { method: 'GET' }, two('a'), { target: '/', headers: [A1, ['a2', '1']] }),
  wins('a method over a query parameter', { method: 'GET' }, query('q', '1'), { target: '/?q=1' }),
  wins('two headers over one', two('a'), header('a', '1'), { target: '/', headers: [A1, ['a2', '1']] }),
  wins(
    'one header over two query parameters',
    header('a', '1'),
    {
      queryParams: [
        { name: 'p', value: '1' },
        { name: 'q', value: '1' },
      ],
    },
    { target: '/?p=1&q=1', headers: [A1] },
  ),
  wins(
    'two query parameters over one',
    {
      queryParams: [
        { name: 'p', value: '1' },
        { name: 'q', value: '1' },
      ],
    },
    query('p', '1'),
    { target: '/?p=1&q=1' },
  ),
  wins('one query parameter over none', query('p', '1'), {}, { target: '/?p=1' }),
  {
    title: 'of equal matches of one route the first rule wins',
    rule: `${ORDER}: the first matching rule`,
    objects: [
      http('r', [
        { matches: [prefix('/a')], ...to('v1') },
        { matches: [prefix('/a')], ...to('v2') },
      ]),
    ],
    request: { target: '/a' },
    expect: { backend: 'v1' },
  },
  {
    title: 'matches of one rule are ordered each by itself',
    rule: `${ORDER}; ADR 19`,
    objects: [
      http('r', [
        { matches: [exact('/a'), prefix('/')], ...to('v1') },
        { matches: [prefix('/b')], ...to('v2') },
      ]),
    ],
    request: { target: '/b' },
    expect: { backend: 'v2' },
  },
  {
    title: 'of equal matches of two routes the older wins',
    rule: `${ORDER}: the oldest route`,
    objects: [http('a', [to('v1')], { age: 5 }), http('b', [to('v2')], { age: 1 })],
    request: { target: '/' },
    expect: { backend: 'v2', route: 'shop/b' },
  },
  {
    title: 'of equal matches of two routes of one age the first by name wins',
    rule: `${ORDER}: alphabetical order by namespace/name`,
    objects: [http('b', [to('v1')]), http('a', [to('v2')])],
    request: { target: '/' },
    expect: { backend: 'v2', route: 'shop/a' },
  },
  {
    title: 'the more specific match of a younger route wins',
    rule: ORDER,
    objects: [
      http('a', [{ matches: [prefix('/a')], ...to('v1') }]),
      http('b', [{ matches: [exact('/a')], ...to('v2') }], { age: 9 }),
    ],
    request: { target: '/a' },
    expect: { backend: 'v2', route: 'shop/b' },
  },
  {
    title: 'routes of one type are merged: what only one matches goes to it',
    rule: 'GEP-1294, multiple routes for a Service',
    objects: [
      http('a', [{ matches: [prefix('/a')], ...to('v1') }]),
      http('b', [{ matches: [prefix('/b')], ...to('v2') }]),
    ],
    request: { target: '/b' },
    expect: { backend: 'v2' },
  },
  {
    title: "HTTPRoutes of the Gateway API and of Linkerd's group are of one type",
    rule: 'Linkerd: HTTPRoute reference, both groups',
    objects: [
      http('a', [{ matches: [prefix('/a')], ...to('v1') }]),
      policyHttp('b', [{ matches: [prefix('/b')], ...to('v2') }]),
    ],
    request: { target: '/b' },
    expect: { backend: 'v2' },
  },
  {
    title: 'the name of a rule is kept',
    rule: 'HTTPRouteRule name (GEP-995)',
    objects: [
      http('r', [
        { name: 'named', matches: [prefix('/named')], ...to('v1') },
        { matches: [prefix('/unnamed')], ...to('v2') },
      ]),
    ],
    request: { target: '/named' },
    expect: { backend: 'v1', route: 'shop/r', section: 'named' },
  },
  {
    title: 'a named prefix does not take /unnamed',
    rule: 'PathMatchPathPrefix',
    objects: [
      http('r', [
        { name: 'named', matches: [prefix('/named')], ...to('v1') },
        { matches: [prefix('/unnamed')], ...to('v2') },
      ]),
    ],
    request: { target: '/unnamed' },
    expect: { backend: 'v2', section: '' },
  },

  // Parents: ports, namespaces, types.
  {
    title: 'a parent with a port speaks for that port',
    rule: 'GEP-1294, ports',
    objects: [http('r', [to('v1')], { parents: [parentOf('web', { port: 8080 })] })],
    request: { target: '/', port: 8080 },
    expect: { backend: 'v1' },
  },
  {
    title: 'a parent with a port says nothing of another',
    rule: 'GEP-1294, ports',
    objects: [http('r', [to('v1')], { parents: [parentOf('web', { port: 8080 })] })],
    request: { target: '/', port: 80 },
    expect: { backend: 'web' },
  },
  {
    title: 'a parent without a port speaks for all',
    rule: 'GEP-1294, ports',
    objects: [http('r', [to('v1')])],
    request: { target: '/', port: 8080 },
    expect: { backend: 'v1' },
  },
  {
    title: 'sectionName is the name of a port of the Service',
    rule: 'ParentReference sectionName: Service: port name',
    objects: [http('r', [to('v1')], { parents: [parentOf('web', { sectionName: 'alt' })] })],
    request: { target: '/', port: 8080 },
    expect: { backend: 'v1' },
  },
  {
    title: 'sectionName and port must name the same port',
    rule: 'ParentReference port: must match both specified values',
    objects: [http('r', [to('v1')], { parents: [parentOf('web', { sectionName: 'alt', port: 80 })] })],
    request: { target: '/', port: 80 },
    expect: { backend: 'web' },
  },
  {
    title: 'group core is the core group',
    rule: 'Linkerd: HTTPRoute reference, parentRefs',
    objects: [http('r', [to('v1')], { parents: [parentOf('web', { group: 'core' })] })],
    request: { target: '/' },
    expect: { backend: 'v1' },
  },
  {
    title: 'a parent of another kind is not a Service',
    rule: 'ParentReference kind',
    objects: [http('r', [to('v1')], { parents: [{ name: 'web' }] })],
    request: { target: '/' },
    expect: { backend: 'web' },
  },
  {
    title: 'one of two parents suffices',
    rule: 'CommonRouteSpec parentRefs',
    objects: [http('r', [to('v1')], { parents: [{ name: 'gateway' }, parentOf('web')] })],
    request: { target: '/' },
    expect: { backend: 'v1' },
  },
  {
    title: "routes of the Service's namespace hold for clients of every namespace",
    rule: 'GEP-1294: producer routes',
    objects: [http('r', [to('v1')])],
    request: { target: '/', from: 'buyer' },
    expect: { backend: 'v1' },
  },
  {
    title: "a route of a client's namespace holds for its clients",
    rule: 'GEP-1294: consumer routes',
    objects: [http('r', [to('v1', { namespace: 'shop' })], { namespace: 'buyer' })],
    request: { target: '/', from: 'buyer' },
    expect: { backend: 'v1', route: 'buyer/r' },
  },
  {
    title: "a route of a client's namespace holds for nobody else",
    rule: 'GEP-1294: consumer routes',
    objects: [http('r', [to('v1', { namespace: 'shop' })], { namespace: 'buyer' })],
    request: { target: '/', from: 'shop' },
    expect: { backend: 'web' },
  },
  {
    title: "routes of the client's namespace replace those of the Service's and are not merged with them",
    rule: 'GEP-1294, multiple routes for a Service: merging occurs only within groups',
    objects: [
      http('producer', [{ matches: [exact('/a')], ...to('v1') }]),
      http('consumer', [{ matches: [prefix('/b')], ...to('v2', { namespace: 'shop' }) }], {
        namespace: 'buyer',
        age: 9,
      }),
    ],
    request: { target: '/a', from: 'buyer' },
    expect: { status: 404 },
  },
  {
    title: 'a consumer route of another port leaves the producer routes of this one',
    rule: 'GEP-1294, ports; multiple routes for a Service',
    objects: [
      http('producer', [to('v1')]),
      http('consumer', [to('v2', { namespace: 'shop' })], {
        namespace: 'buyer',
        parents: [parentOf('web', { port: 8080 })],
      }),
    ],
    request: { target: '/', from: 'buyer' },
    expect: { backend: 'v1' },
  },
  {
    title: 'a GRPCRoute on a port puts HTTPRoutes there out of force',
    rule: 'GEP-1294, route types: GRPCRoute before HTTPRoute',
    objects: [
      http('h', [to('v1')]),
      grpc('g', [{ backendRefs: [{ name: 'v2', port: 80 }] }], { age: 9, parents: [parentOf('web')] }),
    ],
    request: { target: '/a.B/Get', grpc: true },
    expect: { backend: 'v2', route: 'shop/g' },
  },
  {
    title: 'a GRPCRoute of one port leaves the HTTPRoutes of another',
    rule: 'GEP-1294, route types: of the same Service and port',
    objects: [
      http('h', [to('v1')]),
      grpc('g', [{ backendRefs: [{ name: 'v2', port: 80 }] }], { parents: [parentOf('web', { port: 8080 })] }),
    ],
    request: { target: '/', port: 80 },
    expect: { backend: 'v1' },
  },
];
