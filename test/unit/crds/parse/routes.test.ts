import { expect } from 'chai';
import fc from 'fast-check';
import { parseGrpcRoute } from '../../../../crds/kinds/grpc-route/parse.ts';
import { parseHttpRoute, parsePolicyHttpRoute } from '../../../../crds/kinds/http-route/parse.ts';
import type { RouteModel, RouteRule } from '../../../../crds/kinds/route/model.ts';
import { modelOf, problemsOf } from './objects.ts';

const TO_WEB = [{ group: '', kind: 'Service', name: 'web', port: 80 }];

function object(
  kind: string,
  spec: object,
  annotations: Record<string, string> = {},
  group = 'gateway.networking.k8s.io',
) {
  const version = group === 'policy.linkerd.io' ? 'v1beta3' : 'v1';
  return {
    apiVersion: `${group}/${version}`,
    kind,
    metadata: { name: 'r', namespace: 'shop', annotations },
    spec: { parentRefs: TO_WEB, ...spec },
  };
}

const http = (...rules: object[]) => parseHttpRoute(object('HTTPRoute', { rules }));
const grpc = (...rules: object[]) => parseGrpcRoute(object('GRPCRoute', { rules }));
const ruleOf = (parsed: { model: RouteModel | null }): RouteRule => parsed.model!.rules[0]!;

/** Match and rank of a rule with this one match. */
function matched(match: object) {
  return ruleOf(http({ matches: [match] })).matches[0]!;
}

describe('HTTPRoute and GRPCRoute', () => {
  describe('matches', () => {
    it('of a rule without any are for every request', () => {
      for (const rule of [{}, { matches: [] }, { matches: [{}] }, { matches: [{ path: { value: '/' } }] }]) {
        expect(ruleOf(http(rule)).matches, JSON.stringify(rule)).to.deep.equal([
          { match: { type: 'pathPrefix', path: '/' }, rank: [1, 1, 0, 0, 0] },
        ]);
      }
      const everyCall = { match: { type: 'grpc', service: null, method: null }, rank: [0, 0, 0] };
      expect(ruleOf(grpc({})).matches).to.deep.equal([everyCall]);
    });

    it('rank by exact path, expression, length of the prefix, method, headers, query', () => {
      const path = (type: string, value: string) => ({ path: { type, value } });
      const header = (name: string) => ({ name, value: 'x' });
      expect(matched(path('Exact', '/a')).rank).to.deep.equal([3, 0, 0, 0, 0]);
      expect(matched(path('RegularExpression', '/a.*')).rank).to.deep.equal([2, 0, 0, 0, 0]);
      expect(matched(path('PathPrefix', '/abc/')).rank).to.deep.equal([1, 4, 0, 0, 0]);
      expect(
        matched({ method: 'GET', headers: [header('a'), header('b')], queryParams: [header('q')] }).rank,
      ).to.deep.equal([1, 1, 1, 2, 1]);
    });

    it('take the first of several entries with one header name, whatever its case', () => {
      const headers = [
        { name: 'Version', value: 'one' },
        { name: 'version', value: 'two' },
      ];
      expect(matched({ headers }).match).to.deep.equal({
        type: 'header',
        name: 'version',
        value: { type: 'exact', value: 'one' },
      });
    });

    it('keep the case of the names of query parameters', () => {
      const queryParams = [{ name: 'Q', type: 'RegularExpression', value: 'a+' }];
      expect(matched({ queryParams }).match).to.deep.equal({
        type: 'query',
        name: 'Q',
        value: { type: 'regex', regex: 'a+' },
      });
    });

    it('of a gRPC call rank by characters of service, of method, then headers', () => {
      const rank = (match: object) => ruleOf(grpc({ matches: [match] })).matches[0]!.rank;
      expect(rank({ method: { service: 'a.B', method: 'Get' } })).to.deep.equal([3, 3, 0]);
      expect(rank({ method: { method: 'Get' }, headers: [{ name: 'a', value: 'b' }] })).to.deep.equal([0, 3, 1]);
      expect(rank({ method: { type: 'RegularExpression', service: 'a.*' } })).to.deep.equal([0.5, 0, 0]);
    });
  });

  describe('a rule that cannot be carried out', () => {
    const cases: [string, object, string][] = [
      [
        'an expression that does not compile',
        { matches: [{ path: { type: 'RegularExpression', value: '/a(' } }] },
        'matches[0].path.value',
      ],
      ['a path that is not absolute', { matches: [{ path: { type: 'Exact', value: 'a' } }] }, 'matches[0].path.value'],
      ['a path that no request has', { matches: [{ path: { value: '/a/../b' } }] }, 'matches[0].path.value'],
      ['an unknown kind of path match', { matches: [{ path: { type: 'Glob', value: '/a' } }] }, 'matches[0].path.type'],
      [
        'a header name with a blank',
        { matches: [{ headers: [{ name: 'a b', value: 'c' }] }] },
        'matches[0].headers[0].name',
      ],
      [
        'both redirect and rewrite',
        {
          filters: [
            { type: 'RequestRedirect', requestRedirect: {} },
            { type: 'URLRewrite', urlRewrite: {} },
          ],
        },
        'filters',
      ],
      [
        'a header value with a line break',
        {
          filters: [
            { type: 'RequestHeaderModifier', requestHeaderModifier: { set: [{ name: 'a', value: 'b\r\nc: d' }] } },
          ],
        },
        'filters[0].requestHeaderModifier.set[0].value',
      ],
      [
        'a header that frames the message',
        { filters: [{ type: 'RequestHeaderModifier', requestHeaderModifier: { remove: ['Content-Length'] } }] },
        'filters[0].requestHeaderModifier.remove[0]',
      ],
      [
        'a header of the mesh, which the proxy leaves as it is',
        {
          filters: [
            { type: 'RequestHeaderModifier', requestHeaderModifier: { set: [{ name: 'L5d-Client-Id', value: 'me' }] } },
          ],
        },
        'filters[0].requestHeaderModifier.set[0].name',
      ],
      [
        'a redirect status that is none',
        { filters: [{ type: 'RequestRedirect', requestRedirect: { statusCode: 200 } }] },
        'filters[0].requestRedirect.statusCode',
      ],
      [
        'a path in a redirect that ends the line',
        {
          filters: [
            {
              type: 'RequestRedirect',
              requestRedirect: { path: { type: 'ReplaceFullPath', replaceFullPath: '/a b' } },
            },
          ],
        },
        'filters[0].requestRedirect.path.replaceFullPath',
      ],
      [
        'a prefix replaced that is not matched',
        {
          matches: [{ path: { type: 'Exact', value: '/a' } }],
          filters: [
            { type: 'URLRewrite', urlRewrite: { path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/b' } } },
          ],
        },
        'filters[0].urlRewrite.path',
      ],
      [
        'an attempt longer than the request',
        { timeouts: { request: '1s', backendRequest: '2s' } },
        'timeouts.backendRequest',
      ],
      ['a negative timeout', { timeouts: { request: '-1s' } }, 'timeouts.request'],
      ['a Service without a port', { backendRefs: [{ name: 'a' }] }, 'backendRefs[0].port'],
      [
        'a weight that is too large',
        { backendRefs: [{ name: 'a', port: 80, weight: 2_000_000 }] },
        'backendRefs[0].weight',
      ],
    ];
    for (const [title, rule, path] of cases) {
      it(`is refused and kept as broken: ${title}`, () => {
        const parsed = http({}, rule);
        expect(problemsOf(parsed)).to.deep.equal([`error spec.rules[1].${path}`]);
        expect(parsed.model!.rules.map(({ broken }) => broken.length)).to.deep.equal([0, 1]);
      });
    }

    it('is admitted with a warning where the API has something that we do not', () => {
      for (const rule of [
        { filters: [{ type: 'CORS', cors: {} }] },
        { sessionPersistence: { sessionName: 'a' } },
        { matches: [{ cookies: [] }] },
      ]) {
        const parsed = http(rule);
        expect(problemsOf(parsed).join()).to.match(/^warning spec\.rules\[0\]/);
        expect(ruleOf(parsed).broken, JSON.stringify(rule)).to.have.length(1);
      }
    });
  });

  it('read filters with names in lower case, in the order written', () => {
    const filters = [
      {
        type: 'ResponseHeaderModifier',
        responseHeaderModifier: { add: [{ name: 'X-A', value: '1' }], remove: ['X-B'] },
      },
      {
        type: 'URLRewrite',
        urlRewrite: { hostname: 'a.b', path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/x/' } },
      },
      {
        type: 'RequestMirror',
        requestMirror: { backendRef: { name: 'shadow', port: 80 }, fraction: { numerator: 1, denominator: 4 } },
      },
      { type: 'ExtensionRef', extensionRef: { group: 'weft.dev', kind: 'HTTPFault', name: 'slow' } },
    ];
    expect(ruleOf(http({ matches: [{ path: { value: '/v1/' } }], filters })).filters).to.deep.equal([
      { type: 'responseHeaders', changes: { add: [{ name: 'x-a', value: '1' }], set: [], remove: ['x-b'] } },
      { type: 'rewrite', hostname: 'a.b', path: { type: 'prefix', prefix: '/v1', path: '/x/' } },
      {
        type: 'mirrorTo',
        to: { group: '', kind: 'Service', namespace: 'shop', name: 'shadow', port: 80 },
        ratio: 0.25,
      },
      { type: 'extension', group: 'weft.dev', kind: 'HTTPFault', name: 'slow' },
    ]);
  });

  it('read backends: a Service of the own namespace with weight 1 where nothing is written', () => {
    const { backends } = ruleOf(
      http({
        backendRefs: [
          { name: 'a', port: 80 },
          { group: 'core', kind: 'Service', namespace: 'n', name: 'b', port: 81, weight: 0 },
        ],
      }),
    );
    expect(backends).to.deep.equal([
      { group: '', kind: 'Service', namespace: 'shop', name: 'a', port: 80, weight: 1, filters: [] },
      { group: '', kind: 'Service', namespace: 'n', name: 'b', port: 81, weight: 0, filters: [] },
    ]);
  });

  it('tell parents of ours from others, and keep them as written', () => {
    const parentRefs = [
      { group: 'core', kind: 'Service', name: 'web', port: 80 },
      { kind: 'Service', name: 'web', sectionName: 'http' },
      { group: 'policy.linkerd.io', kind: 'Server', name: 'web-http' },
      { name: 'gateway' },
      { group: 'gateway.networking.k8s.io', kind: 'Service', name: 'web' },
    ];
    const { parents } = modelOf(parseHttpRoute(object('HTTPRoute', { parentRefs })));
    expect(parents.map(({ target }) => target)).to.deep.equal(['service', 'service', 'server', 'other', 'other']);
    expect(parents.map(({ written }) => written)).to.deep.equal(parentRefs);
  });

  it('warn of an EgressNetwork as parent, by which nothing is routed', () => {
    const outside = { group: 'policy.linkerd.io', kind: 'EgressNetwork', name: 'outside', port: 443 };
    const parsed = parseHttpRoute(object('HTTPRoute', { parentRefs: [...TO_WEB, outside] }));
    expect(parsed.model!.parents.map(({ target }) => target)).to.deep.equal(['service', 'egressNetwork']);
    expect(problemsOf(parsed)).to.deep.equal(['warning spec.parentRefs[1]']);
  });

  it('read nothing else of a route without a parent of ours', () => {
    const parsed = parseHttpRoute(
      object('HTTPRoute', { parentRefs: [{ name: 'gateway' }], rules: [{ filters: [{ type: 'CORS' }] }] }),
    );
    expect(problemsOf(parsed)).to.deep.equal([]);
    expect(parsed.model!.rules).to.deep.equal([]);
  });

  it('take timeouts, where zero is none, and the retry stanza', () => {
    const { requestMs, attemptMs, retry } = ruleOf(
      http({
        timeouts: { request: '0s', backendRequest: '500ms' },
        retry: { codes: [500, 503], attempts: 3, backoff: '100ms' },
      }),
    );
    expect({ requestMs, attemptMs, retry }).to.deep.equal({
      requestMs: 0,
      attemptMs: 500,
      retry: {
        http: [
          [500, 500],
          [503, 503],
        ],
        grpc: [],
        limit: 3,
        timeoutMs: 0,
        backoffMs: 100,
      },
    });
    expect(ruleOf(http({})).requestMs).to.equal(null);
  });

  it('pause for the backoff of the stanza, rounded up; without one as the annotations do', () => {
    const backoffMs = (retry: object) => ruleOf(http({ retry })).retry!.backoffMs;
    expect(['0s', '1h', '0.5ms'].map((backoff) => backoffMs({ backoff }))).to.deep.equal([0, 3_600_000, 1]);
    expect(backoffMs({})).to.equal(25);
    expect(problemsOf(http({ retry: { backoff: '-1s' } }))).to.deep.equal(['error spec.rules[0].retry.backoff']);
    expect(problemsOf(http({ retry: { backoff: '25h' } }))).to.deep.equal(['warning spec.rules[0].retry.backoff']);
  });

  it('take annotations by family: one that is there, even a wrong one, speaks for the route', () => {
    const annotated = (annotations: Record<string, string>) =>
      parseHttpRoute(object('HTTPRoute', {}, annotations)).model!.traffic;
    expect(annotated({})).to.deep.equal({ retry: undefined, timeouts: undefined });
    expect(annotated({ 'timeout.linkerd.io/request': '1s' }).timeouts).to.deep.equal({
      requestMs: 1_000,
      responseMs: 0,
      idleMs: 0,
    });
    expect(annotated({ 'retry.linkerd.io/limit': '2' }).retry).to.include({ limit: 2 });
    expect(annotated({ 'retry.linkerd.io/http': 'x' }).retry).to.equal(null);
    expect(annotated({ 'timeout.linkerd.io/idle': 'x' }).timeouts).to.include({ idleMs: 0 });
  });

  it('take every version of each group, and no other', () => {
    const raw = object('HTTPRoute', { rules: [{}] }, {}, 'policy.linkerd.io');
    for (const version of ['v1alpha1', 'v1beta1', 'v1beta2', 'v1beta3']) {
      expect(problemsOf(parsePolicyHttpRoute({ ...raw, apiVersion: `policy.linkerd.io/${version}` }))).to.deep.equal(
        [],
      );
    }
    expect(parseHttpRoute(raw).model).to.equal(null);
  });

  it('survive any JSON value', () => {
    const leaf = fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(null, 0, -1, 1e308, '', '/a(', 'Exact', 'RequestRedirect', true),
      fc.string({ maxLength: 5 }),
    );
    const keys = ['path', 'type', 'headers', 'method', 'value', 'requestRedirect', 'weight', 'name', '__proto__'];
    const part = fc.dictionary(fc.constantFrom(...keys), fc.oneof(leaf, fc.array(leaf, { maxLength: 2 })), {
      maxKeys: 3,
    });
    const parts = fc.oneof(leaf, fc.array(fc.oneof(part, leaf), { maxLength: 2 }));
    const ruleKeys = fc.constantFrom('matches', 'filters', 'backendRefs', 'timeouts', 'retry', 'name');
    const rules = fc.array(fc.oneof(leaf, fc.dictionary(ruleKeys, fc.oneof(parts, part), { maxKeys: 3 })), {
      maxLength: 2,
    });
    const spec = fc.record({ rules: fc.oneof(leaf, rules), hostnames: leaf }, { requiredKeys: [] });
    fc.assert(
      fc.property(spec, (value) => {
        const raw = JSON.parse(JSON.stringify({ ...object('HTTPRoute', {}), spec: { parentRefs: TO_WEB, ...value } }));
        for (const parsed of [parseHttpRoute(raw), parseGrpcRoute({ ...raw, kind: 'GRPCRoute' })]) {
          const failed = parsed.problems.some(({ severity }) => severity === 'error');
          if (parsed.model === null) expect(failed).to.equal(true);
        }
      }),
      { numRuns: 300 },
    );
  });
});
