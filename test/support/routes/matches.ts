import type { RouteExpectation, RouteRequest, RouteRow } from './row.ts';
import { backend, exact, header, http, prefix, query, regex, to } from './world.ts';

const NOTHING: RouteExpectation = { status: 404 };
const V1: RouteExpectation = { backend: 'v1' };

/** One rule with these matches and backend `v1`: what it takes, and what it does not. */
function matched(
  rule: string,
  title: string,
  matches: object[],
  cases: [RouteRequest | string, RouteExpectation][],
): RouteRow[] {
  return cases.map(([request, expect]) => {
    const asked = typeof request === 'string' ? { target: request } : request;
    const which = `${asked.method ?? 'GET'} ${asked.target} ${(asked.headers ?? []).map((each) => each.join(': ')).join(', ')}`;
    return {
      title: `${title}: ${which.trim()} ${expect === NOTHING ? 'is not taken' : 'is taken'}`,
      rule,
      objects: [http('r', [{ matches, ...to('v1') }])],
      request: asked,
      expect,
    };
  });
}

const get = (target: string, ...headers: [string, string][]): RouteRequest => ({ target, headers });

export const MATCHES: readonly RouteRow[] = [
  {
    title: 'without routes traffic goes to the Service that was called',
    rule: 'GEP-1294, route presence',
    objects: [],
    request: { target: '/x' },
    expect: { backend: 'web' },
  },
  ...matched(
    'HTTPRouteRule matches: default is PathPrefix /',
    'a rule without matches',
    [],
    [
      ['/', V1],
      ['/any/path?q=1', V1],
      [{ method: 'DELETE', target: '/' }, V1],
    ],
  ),
  ...matched(
    'PathMatchExact',
    'an exact path',
    [exact('/v1')],
    [
      ['/v1', V1],
      ['/v1?x=/v2', V1],
      ['/v1/', NOTHING],
      ['/v1/x', NOTHING],
      ['/V1', NOTHING],
    ],
  ),
  ...matched(
    'PathMatchPathPrefix: element by element',
    'a prefix',
    [prefix('/v2')],
    [
      ['/v2', V1],
      ['/v2/', V1],
      ['/v2/example', V1],
      ['/v2?x', V1],
      ['/v2example', NOTHING],
      ['/foo/v2/example', NOTHING],
      ['/', NOTHING],
    ],
  ),
  ...matched(
    'PathMatchPathPrefix: a trailing / is ignored',
    'a prefix with a slash',
    [prefix('/v2/')],
    [
      ['/v2', V1],
      ['/v2/x', V1],
      ['/v2x', NOTHING],
    ],
  ),
  ...matched(
    'PathMatchPathPrefix: all paths start with /',
    'the prefix /',
    [prefix('/')],
    [
      ['/', V1],
      ['/a/b', V1],
    ],
  ),
  ...matched(
    'PathMatchRegularExpression; linkerd2-proxy: an expression must match the whole path',
    'an expression',
    [regex('/item/[0-9]+')],
    [
      ['/item/42', V1],
      ['/item/42?q=x', V1],
      ['/item/42/more', NOTHING],
      ['/x/item/42', NOTHING],
    ],
  ),
  ...matched(
    'HTTPRouteMatch method: as defined, case-sensitive',
    'a method',
    [{ method: 'POST' }],
    [
      [{ method: 'POST', target: '/' }, V1],
      [{ method: 'GET', target: '/' }, NOTHING],
    ],
  ),
  ...matched(
    'HTTPHeaderMatch name: matched case-insensitively (RFC 7230)',
    'a header',
    [header('Version', 'two')],
    [
      [get('/', ['version', 'two']), V1],
      [get('/', ['VERSION', 'two']), V1],
      [get('/', ['version', 'Two']), NOTHING],
      [get('/', ['version', 'one']), NOTHING],
      [get('/'), NOTHING],
    ],
  ),
  ...matched(
    'HTTPHeaderMatch value; RFC 9110 section 5.3: repeated lines are one value, joined by a comma',
    'a repeated header',
    [header('a', 'one, two')],
    [
      [get('/', ['a', 'one'], ['a', 'two']), V1],
      [get('/', ['a', 'one']), NOTHING],
    ],
  ),
  ...matched(
    'HeaderMatchRegularExpression; linkerd2-proxy: of the whole value',
    'an expression for a header',
    [header('cookie', '.*beta=1.*', 'RegularExpression')],
    [
      [get('/', ['cookie', 'a=b; beta=1; c=d']), V1],
      [get('/', ['cookie', 'beta=0']), NOTHING],
    ],
  ),
  ...matched(
    'HTTPRouteMatch headers: all must match',
    'two headers',
    [
      {
        headers: [
          { name: 'a', value: '1' },
          { name: 'b', value: '2' },
        ],
      },
    ],
    [
      [get('/', ['a', '1'], ['b', '2']), V1],
      [get('/', ['a', '1']), NOTHING],
    ],
  ),
  ...matched(
    'HTTPHeaderMatch name: of equivalent names only the first is considered',
    'a name twice',
    [
      {
        headers: [
          { name: 'a', value: '1' },
          { name: 'A', value: '2' },
        ],
      },
    ],
    [
      [get('/', ['a', '1']), V1],
      [get('/', ['a', '2']), NOTHING],
    ],
  ),
  ...matched(
    'HTTPQueryParamMatch: exact value, others are ignored',
    'a query parameter',
    [query('animal', 'whale')],
    [
      ['/?animal=whale', V1],
      ['/?otherparam=x&animal=whale', V1],
      ['/?animal=dog', NOTHING],
      ['/?Animal=whale', NOTHING],
      ['/?animal', NOTHING],
      ['/', NOTHING],
    ],
  ),
  ...matched(
    'HTTPQueryParamMatch name: of a repeated parameter the first is taken',
    'a repeated parameter',
    [query('animal', 'whale')],
    [
      ['/?animal=whale&animal=dog', V1],
      ['/?animal=dog&animal=whale', NOTHING],
    ],
  ),
  ...matched(
    'QueryParamMatchRegularExpression',
    'an expression for a parameter',
    [query('page', '[0-9]+', 'RegularExpression')],
    [
      ['/?page=12', V1],
      ['/?page=x12', NOTHING],
    ],
  ),
  ...matched(
    'HTTPRouteMatch: all of one match',
    'path, method, header and query together',
    [{ ...prefix('/a'), method: 'GET', ...header('h', '1'), ...query('q', '1') }],
    [
      [get('/a?q=1', ['h', '1']), V1],
      [get('/a?q=2', ['h', '1']), NOTHING],
      [get('/b?q=1', ['h', '1']), NOTHING],
      [get('/a?q=1'), NOTHING],
      [{ method: 'POST', target: '/a?q=1', headers: [['h', '1']] }, NOTHING],
    ],
  ),
  ...matched(
    'HTTPRouteRule matches: any of several',
    'two matches',
    [header('version', 'two'), prefix('/v2')],
    [
      [get('/', ['version', 'two']), V1],
      ['/v2', V1],
      ['/', NOTHING],
    ],
  ),
  {
    title: 'hostnames of a route of a Service have no meaning',
    rule: 'GEP-1294: hostnames have no meaning for a mesh',
    objects: [http('r', [to('v1')], { hostnames: ['other.example'] })],
    request: { target: '/' },
    expect: { backend: 'v1' },
  },
  {
    title: 'a route with an empty list of rules matches nothing',
    rule: 'HTTPRouteRule matches: 404 where no rule matches',
    objects: [http('r', [])],
    request: { target: '/' },
    expect: NOTHING,
  },
  {
    title: 'rules of one route stand side by side',
    rule: 'HTTPRouteSpec rules',
    objects: [
      http('r', [
        { matches: [exact('/v1')], ...to('v1') },
        { matches: [exact('/v2')], backendRefs: [backend('v2')] },
      ]),
    ],
    request: { target: '/v2' },
    expect: { backend: 'v2' },
  },
];
