import type { RouteExpectation, RouteRequest, RouteRow } from './row.ts';
import {
  backend,
  exact,
  extension,
  fault,
  fullPath,
  http,
  mirror,
  policyHttp,
  prefix,
  prefixPath,
  redirect,
  requestHeaders,
  responseHeaders,
  rewrite,
  to,
} from './world.ts';

const V1 = to('v1');
const SLOW = fault('slow', { delay: { duration: '250ms' } });
const BAD = fault('bad', { fail: { status: 418, grpcStatus: 8, message: 'teapot', percent: 25 } });

function filtered(
  rule: string,
  title: string,
  filters: object[],
  request: RouteRequest | string,
  expect: RouteExpectation,
  matches: object[] = [],
): RouteRow {
  const asked = typeof request === 'string' ? { target: request } : request;
  const redirects = filters.some((filter) => 'requestRedirect' in filter);
  return {
    title,
    rule,
    objects: [http('r', [{ matches, filters, ...(redirects ? {} : V1) }])],
    request: asked,
    expect,
  };
}

const SOME: RouteRequest = {
  target: '/',
  headers: [
    ['X-Header-Set', 'original'],
    ['X-Header-Add', 'original'],
    ['X-Header-Remove', 'original'],
  ],
};

const REQUEST_HEADERS: readonly RouteRow[] = [
  filtered(
    'HTTPHeaderFilter set: overwrites',
    'set replaces a value',
    [requestHeaders({ set: [{ name: 'x-header-set', value: 'new' }] })],
    SOME,
    { backend: 'v1', requestHeaders: { 'x-header-set': 'new', 'x-header-add': 'original' } },
  ),
  filtered(
    'HTTPHeaderFilter set',
    'set adds what is not there',
    [requestHeaders({ set: [{ name: 'x-new', value: 'a' }] })],
    '/',
    { backend: 'v1', requestHeaders: { 'x-new': 'a' } },
  ),
  filtered(
    'HTTPHeaderFilter add: appends to any existing values',
    'add appends',
    [requestHeaders({ add: [{ name: 'X-HEADER-add', value: 'more' }] })],
    SOME,
    { backend: 'v1', requestHeaders: { 'x-header-add': 'original,more' } },
  ),
  filtered(
    'HTTPHeaderFilter add',
    'add adds what is not there',
    [requestHeaders({ add: [{ name: 'x-new', value: 'a' }] })],
    '/',
    { backend: 'v1', requestHeaders: { 'x-new': 'a' } },
  ),
  filtered(
    'HTTPHeaderFilter remove: names are case-insensitive',
    'remove takes away',
    [requestHeaders({ remove: ['x-HEADER-Remove'] })],
    SOME,
    { backend: 'v1', requestHeaders: { 'x-header-remove': null, 'x-header-set': 'original' } },
  ),
  filtered(
    'HTTPHeaderFilter remove',
    'remove of what is not there does nothing',
    [requestHeaders({ remove: ['x-none'] })],
    SOME,
    { backend: 'v1', requestHeaders: { 'x-none': null, 'x-header-set': 'original' } },
  ),
  filtered(
    'HTTPHeaderFilter',
    'all three in one filter',
    [
      requestHeaders({
        set: [{ name: 'x-header-set', value: 'new' }],
        add: [{ name: 'x-header-add', value: 'more' }],
        remove: ['x-header-remove'],
      }),
    ],
    SOME,
    {
      backend: 'v1',
      requestHeaders: { 'x-header-set': 'new', 'x-header-add': 'original,more', 'x-header-remove': null },
    },
  ),
  filtered(
    'linkerd2-proxy modify_header: add, then set, then remove',
    'set wipes an add of the same name',
    [requestHeaders({ add: [{ name: 'a', value: '1' }], set: [{ name: 'a', value: '2' }] })],
    '/',
    { backend: 'v1', requestHeaders: { a: '2' } },
  ),
];

const RESPONSE_HEADERS: readonly RouteRow[] = [
  filtered(
    'HTTPRouteFilter responseHeaderModifier',
    'set of the response',
    [responseHeaders({ set: [{ name: 'X-Server', value: 'mesh' }] })],
    '/',
    { backend: 'v1', responseHeaders: { 'x-server': 'mesh' } },
  ),
  filtered(
    'HTTPRouteFilter responseHeaderModifier',
    'add to the response',
    [responseHeaders({ add: [{ name: 'x-server', value: 'mesh' }] })],
    '/',
    { backend: 'v1', responseHeaders: { 'x-server': 'echo,mesh' } },
  ),
  filtered(
    'HTTPRouteFilter responseHeaderModifier',
    'remove from the response',
    [responseHeaders({ remove: ['x-kind'] })],
    '/',
    { backend: 'v1', responseHeaders: { 'x-kind': null, 'x-server': 'echo' } },
  ),
  {
    title: "a ResponseHeaderModifier of Linkerd's own HTTPRoute changes the response",
    rule: 'Linkerd: HTTPRoute reference (its controller changes the request instead, which is a defect)',
    objects: [
      policyHttp('r', [
        {
          backendRefs: [backend('v1', { filters: [responseHeaders({ set: [{ name: 'x-server', value: 'mesh' }] })] })],
        },
      ]),
    ],
    request: { target: '/' },
    expect: { backend: 'v1', responseHeaders: { 'x-server': 'mesh' }, requestHeaders: { 'x-server': null } },
  },
];

const ofBackend = (filters: object[]) => ({
  backendRefs: [backend('v1', { filters, weight: 1 }), backend('v2', { weight: 0 })],
});

const OF_BACKENDS: readonly RouteRow[] = [
  {
    title: 'request headers of a backend change what it gets',
    rule: 'HTTPBackendRef filters',
    objects: [http('r', [ofBackend([requestHeaders({ set: [{ name: 'a', value: '1' }] })])])],
    request: { target: '/' },
    expect: { backend: 'v1', requestHeaders: { a: '1' } },
  },
  {
    title: 'response headers of a backend change what comes from it',
    rule: 'HTTPBackendRef filters',
    objects: [http('r', [ofBackend([responseHeaders({ set: [{ name: 'set-cookie', value: 'a=b' }] })])])],
    request: { target: '/' },
    expect: { backend: 'v1', responseHeaders: { 'set-cookie': 'a=b' } },
  },
  {
    title: 'filters of the rule come before those of the backend',
    rule: 'HTTPBackendRef filters: executed if the request is sent to that backend',
    objects: [
      http('r', [
        {
          filters: [requestHeaders({ add: [{ name: 'a', value: 'rule' }] })],
          ...ofBackend([requestHeaders({ add: [{ name: 'a', value: 'backend' }] })]),
        },
      ]),
    ],
    request: { target: '/' },
    expect: { backend: 'v1', requestHeaders: { a: 'rule,backend' } },
  },
  {
    title: 'filters of one backend do not touch another',
    rule: 'HTTPBackendRef filters',
    objects: [
      http('r', [
        {
          backendRefs: [
            backend('v1', { weight: 0, filters: [requestHeaders({ set: [{ name: 'a', value: '1' }] })] }),
            backend('v2'),
          ],
        },
      ]),
    ],
    request: { target: '/' },
    expect: { backend: 'v2', requestHeaders: { a: null } },
  },
];

function redirected(
  title: string,
  change: object,
  request: RouteRequest | string,
  status: number,
  location: string,
  matches: object[] = [],
): RouteRow {
  return filtered('HTTPRequestRedirectFilter', title, [redirect(change)], request, { status, location }, matches);
}

const WEB: [string, string][] = [['host', 'web']];
const at = (target: string): RouteRequest => ({ target, headers: WEB });

const REDIRECTS: readonly RouteRow[] = [
  redirected(
    'to another host, with 302 where nothing is said',
    { hostname: 'example.org' },
    at('/a?b=c'),
    302,
    'http://example.org/a?b=c',
  ),
  redirected('with 301', { hostname: 'example.org', statusCode: 301 }, at('/'), 301, 'http://example.org/'),
  redirected('with 303', { hostname: 'example.org', statusCode: 303 }, at('/'), 303, 'http://example.org/'),
  redirected('with 307', { hostname: 'example.org', statusCode: 307 }, at('/'), 307, 'http://example.org/'),
  redirected('with 308', { hostname: 'example.org', statusCode: 308 }, at('/'), 308, 'http://example.org/'),
  // What the definition of the Gateway API's own kind refuses.
  ...[303, 307, 308].map((statusCode) => ({
    title: `with ${statusCode}, of Linkerd's own HTTPRoute`,
    rule: 'HTTPRequestRedirectFilter statusCode',
    objects: [policyHttp('r', [{ filters: [redirect({ hostname: 'example.org', statusCode })] }])],
    request: at('/'),
    expect: { status: statusCode, location: 'http://example.org/' },
  })),
  redirected('to another port of the host that was asked', { port: 8083 }, at('/a'), 302, 'http://web:8083/a'),
  redirected('to port 80, which is not written', { port: 80 }, at('/a'), 302, 'http://web/a'),
  redirected('to another scheme, whose port is not written', { scheme: 'https' }, at('/a'), 302, 'https://web/a'),
  redirected(
    'to https on port 443, which is not written',
    { scheme: 'https', port: 443 },
    at('/a'),
    302,
    'https://web/a',
  ),
  redirected(
    'to https on another port',
    { scheme: 'https', port: 8443, hostname: 'example.org' },
    at('/a'),
    302,
    'https://example.org:8443/a',
  ),
  redirected('to another path', fullPath('/new'), at('/old?q=1'), 302, 'http://web/new?q=1'),
  redirected('to another prefix', prefixPath('/new'), at('/old/x?q=1'), 302, 'http://web/new/x?q=1', [prefix('/old')]),
  redirected(
    'to another prefix of another host with 301',
    { ...prefixPath('/new'), hostname: 'example.org', statusCode: 301 },
    at('/old/x'),
    301,
    'http://example.org/new/x',
    [prefix('/old')],
  ),
];

function rewritten(
  title: string,
  change: object,
  request: RouteRequest | string,
  expect: RouteExpectation,
  matches: object[],
): RouteRow {
  return filtered(
    'HTTPPathModifier; HTTPURLRewriteFilter',
    title,
    [rewrite(change)],
    request,
    { backend: 'v1', ...expect },
    matches,
  );
}

/** The table of the API's type `HTTPPathModifier`. */
export const PREFIXES: readonly [request: string, match: string, replacement: string, result: string][] = [
  ['/foo/bar', '/foo', '/xyz', '/xyz/bar'],
  ['/foo/bar', '/foo', '/xyz/', '/xyz/bar'],
  ['/foo/bar', '/foo/', '/xyz', '/xyz/bar'],
  ['/foo/bar', '/foo/', '/xyz/', '/xyz/bar'],
  ['/foo', '/foo', '/xyz', '/xyz'],
  ['/foo/', '/foo', '/xyz', '/xyz/'],
  ['/foo/bar', '/foo', '', '/bar'],
  ['/foo/', '/foo', '', '/'],
  ['/foo', '/foo', '', '/'],
  ['/foo/', '/foo', '/', '/'],
  ['/foo', '/foo', '/', '/'],
];

const REWRITES: readonly RouteRow[] = [
  ...PREFIXES.map(([request, match, replacement, result]) =>
    rewritten(
      `of prefix ${match} by ${JSON.stringify(replacement)} makes ${result} of ${request}`,
      prefixPath(replacement),
      request,
      { target: result },
      [prefix(match)],
    ),
  ),
  rewritten('of prefix / puts one in front', prefixPath('/api'), '/x?q=1', { target: '/api/x?q=1' }, [prefix('/')]),
  rewritten('of the full path keeps the query', fullPath('/new'), '/old/x?q=1', { target: '/new?q=1' }, [
    prefix('/old'),
  ]),
  rewritten('of the full path of an exact match', fullPath('/new'), '/old', { target: '/new' }, [exact('/old')]),
  rewritten(
    'of the host',
    { hostname: 'example.org' },
    { target: '/', headers: WEB },
    { host: 'example.org', target: '/' },
    [],
  ),
  filtered(
    'HTTPRouteRule filters: several',
    'a rewrite together with header changes',
    [rewrite(prefixPath('/')), requestHeaders({ set: [{ name: 'a', value: '1' }] })],
    '/strip/one',
    { backend: 'v1', target: '/one', requestHeaders: { a: '1' } },
    [prefix('/strip')],
  ),
];

const MIRRORS: readonly RouteRow[] = [
  filtered('HTTPRequestMirrorFilter', 'a mirror gets a copy of every request', [mirror('shadow')], '/', {
    backend: 'v1',
    mirrors: { shadow: 100 },
  }),
  filtered('HTTPRequestMirrorFilter percent', 'a mirror gets a percentage', [mirror('shadow', { percent: 10 })], '/', {
    backend: 'v1',
    mirrors: { shadow: 10 },
  }),
  filtered(
    'HTTPRequestMirrorFilter fraction',
    'a mirror gets a fraction',
    [mirror('shadow', { fraction: { numerator: 1, denominator: 4 } })],
    '/',
    { backend: 'v1', mirrors: { shadow: 25 } },
  ),
  filtered(
    'HTTPRouteFilter requestMirror: may be repeated',
    'two mirrors',
    [mirror('shadow'), mirror('v3', { percent: 50 })],
    '/',
    { backend: 'v1', mirrors: { shadow: 100, v3: 50 } },
  ),
  filtered(
    'HTTPRequestMirrorFilter backendRef: dropped when it cannot be found',
    'a mirror that does not exist changes nothing',
    [mirror('none')],
    '/',
    { backend: 'v1', mirrors: {} },
  ),
];

const FAULTS: readonly RouteRow[] = [
  {
    title: 'a fault holds requests up',
    rule: 'HTTPFault delay',
    objects: [SLOW, http('r', [{ filters: [extension('slow')], ...V1 }])],
    request: { target: '/' },
    expect: { backend: 'v1', delayMs: 250 },
  },
  {
    title: 'a fault answers a share of the requests',
    rule: 'HTTPFault fail',
    objects: [BAD, http('r', [{ filters: [extension('bad')], ...V1 }])],
    request: { target: '/' },
    expect: { shares: { v1: 75, invalid: 25 }, status: 418 },
  },
  {
    title: 'a fault of one backend strikes its share',
    rule: 'HTTPBackendRef filters; HTTPFault fail',
    objects: [
      fault('dead', { fail: { status: 503 } }),
      http('r', [
        { backendRefs: [backend('v1', { weight: 3 }), backend('v2', { weight: 1, filters: [extension('dead')] })] },
      ]),
    ],
    request: { target: '/' },
    expect: { shares: { v1: 75, invalid: 25 }, status: 503 },
  },
];

/** What cannot be carried out answers 500: a filter is never skipped (HTTPRouteFilter). */
const BROKEN: readonly RouteRow[] = [
  filtered(
    'HTTPRouteFilter extensionRef: must not be skipped',
    'a fault that does not exist',
    [extension('none')],
    '/',
    { status: 500 },
  ),
  filtered(
    'HTTPRouteFilter extensionRef: must not be skipped',
    'an extension of another group',
    [extension('x', 'Wasm', 'example.net')],
    '/',
    { status: 500 },
  ),
  filtered('HTTPRouteFilter type', 'a filter that is not supported', [{ type: 'CORS', cors: {} }], '/', {
    status: 500,
  }),
  filtered(
    'HTTPRouteRule filters: redirect and rewrite exclude each other',
    'a redirect beside a rewrite',
    [redirect({}), rewrite({})],
    '/',
    { status: 500 },
  ),
  filtered(
    'HTTPPathModifier replacePrefixMatch: only with PathPrefix',
    'a prefix replaced where none is matched',
    [rewrite(prefixPath('/x'))],
    '/a',
    { status: 500 },
    [exact('/a')],
  ),
  filtered(
    'RFC 9112 section 6: framing is the connection’s',
    'a filter that would change where a message ends',
    [requestHeaders({ set: [{ name: 'Content-Length', value: '0' }] })],
    '/',
    { status: 500 },
  ),
  {
    title: 'a rule that cannot be carried out keeps its requests from a wider one',
    rule: 'HTTPRouteFilter: requests MUST receive an error response',
    objects: [http('r', [V1, { matches: [exact('/a')], filters: [extension('none')], ...to('v2') }])],
    request: { target: '/a' },
    expect: { status: 500 },
  },
  {
    title: 'a rule that cannot be carried out leaves the others in force',
    rule: 'RouteConditionPartiallyInvalid: Dropped Rule',
    objects: [http('r', [V1, { matches: [exact('/a')], filters: [extension('none')], ...to('v2') }])],
    request: { target: '/b' },
    expect: { backend: 'v1' },
  },
  {
    title: 'an expression that does not compile matches nothing',
    rule: 'RouteConditionPartiallyInvalid: Dropped Rule',
    objects: [http('r', [V1, { matches: [{ path: { type: 'RegularExpression', value: '/a(' } }], ...to('v2') }])],
    request: { target: '/a' },
    expect: { backend: 'v1' },
  },
];

export const FILTERS: readonly RouteRow[] = [
  ...REQUEST_HEADERS,
  ...RESPONSE_HEADERS,
  ...OF_BACKENDS,
  ...REDIRECTS,
  ...REWRITES,
  ...MIRRORS,
  ...FAULTS,
  ...BROKEN,
];
