import { expect } from 'chai';
import type { InboundRule } from '../../../proxy-image/contract/policy/inbound.ts';
import type { RequestMatch } from '../../../proxy-image/contract/policy/match.ts';
import type { PortPolicy } from '../../../proxy-image/contract/resources.ts';
import {
  authorizeAgain,
  authorizeConnection,
  authorizeRequest,
  InboundPeer,
} from '../../../proxy-image/core/policy/authorize.ts';
import { type Asked, asking, entryOf } from '../../support/policy.ts';
import { authorization, ManualClock, newState, portPolicy, set, WORKLOAD_KEY, workload } from './fixtures.ts';

const WEB = 'web.shop.serviceaccount.identity.linkerd.cluster.local';
const API = 'api.shop.serviceaccount.identity.linkerd.cluster.local';
const only = (name: string, identity: string) =>
  authorization(name, { authentication: { type: 'identities', identities: [identity] } });
const meta = (name: string) => ({
  group: 'policy.linkerd.io',
  kind: 'HTTPRoute',
  namespace: 'shop',
  name,
  section: '',
  port: 0,
});
const rule = (name: string, match: RequestMatch, ...authorizations: InboundRule['authorizations']): InboundRule => ({
  meta: meta(name),
  match,
  filters: [],
  authorizations,
});
const prefix = (path: string): RequestMatch => ({ type: 'pathPrefix', path });
const peer = (identity: string | null = null) => new InboundPeer('10.1.1.1', identity, identity !== null);

const PUBLIC = rule('public', prefix('/public'), authorization('everyone'));
const ADMIN = rule('admin', prefix('/admin'), only('admins', API));
const policyOf = (more: Partial<PortPolicy> = {}) =>
  entryOf(portPolicy({ authorizations: [], rules: [PUBLIC, ADMIN], ...more }));

/** As HTTP/2 has it: equal requests are one object. */
function shared(target: string, more: Asked & { method?: string } = {}) {
  const { method = 'GET', ...rest } = more;
  return { ...asking(method, target, rest), routeMemo: { table: null, rule: 0, portRules: null, portRule: 0 } };
}

function said(
  target: string,
  by: string | null,
  {
    method = 'GET',
    policy = policyOf(),
    ...more
  }: Asked & { method?: string; policy?: ReturnType<typeof policyOf> } = {},
): string {
  const { allowed, reason, route } = authorizeRequest(policy, peer(by), asking(method, target, more));
  return `${allowed ? 'allowed' : 'denied'}: ${reason} by ${route.name}`;
}

describe('rules of a port, of a request object that comes again', () => {
  const said = (request: ReturnType<typeof shared>, by: string | null, policy: ReturnType<typeof policyOf>) => {
    const { allowed, route } = authorizeRequest(policy, peer(by), request);
    return `${allowed ? 'allowed' : 'denied'} by ${route.name}`;
  };

  it('judge each client by itself', () => {
    const policy = policyOf();
    const request = shared('/admin');
    expect([API, WEB, API, null].map((by) => said(request, by, policy))).to.deep.equal([
      'allowed by admin',
      'denied by admin',
      'allowed by admin',
      'denied by admin',
    ]);
  });

  it('find the rule anew when they have changed', () => {
    const request = shared('/public/x');
    expect(said(request, null, policyOf())).to.equal('allowed by public');
    expect(said(request, null, policyOf({ rules: [ADMIN, rule('all', prefix('/'), only('admins', API))] }))).to.equal(
      'denied by all',
    );
    expect(said(request, null, policyOf({ rules: [ADMIN] }))).to.equal('denied by ');
  });

  it('refuse a path by its other reading each time', () => {
    const policy = policyOf();
    const request = shared('/public/..%2fadmin');
    expect([API, null, null].map((by) => said(request, by, policy))).to.deep.equal([
      'allowed by public',
      'denied by admin',
      'denied by admin',
    ]);
  });
});

describe('rules of a port', () => {
  it('the first that matches decides who may', () => {
    expect(said('/public/x', null)).to.equal('allowed: authorized by public');
    expect(said('/admin', API)).to.equal('allowed: authorized by admin');
    expect(said('/admin', WEB)).to.equal('denied: identity_not_authorized by admin');
    expect(said('/admin', null)).to.equal('denied: identity_required by admin');
    const shadowed = policyOf({ rules: [rule('all', prefix('/')), PUBLIC] });
    expect(said('/public', API, { policy: shadowed })).to.equal('denied: no_authorizations by all');
  });

  it('what none matches has no route, whoever asks, the pod itself and audit included', () => {
    const open = policyOf({ authorizations: [authorization('everyone')], audit: true });
    for (const policy of [policyOf(), open]) expect(said('/other', API, { policy })).to.equal('denied: no_route by ');
    const own = new InboundPeer('127.0.0.1', null, false);
    expect(authorizeRequest(open, own, asking('GET', '/other')).reason).to.equal('no_route');
    expect(authorizeRequest(open, own, asking('GET', '/admin')).reason).to.equal('loopback');
  });

  it('audit lets through what a rule would deny, and says so', () => {
    expect(said('/admin', WEB, { policy: policyOf({ audit: true }) })).to.equal('allowed: audit by admin');
  });

  it('leaves the pod its probes: where no rule matches, and where one denies', () => {
    const policy = policyOf({ probePaths: ['/healthz', '/admin/live'], grpcProbe: true });
    expect(said('/healthz', null, { policy })).to.equal('allowed: probe by probe');
    expect(said('/admin/live', null, { policy })).to.equal('allowed: probe by probe');
    expect(said('/admin/live', API, { policy })).to.equal('allowed: authorized by admin');
    expect(said('/admin/x', null, { policy })).to.equal('denied: identity_required by admin');
    expect(said('/healthz', null, { policy, method: 'POST' })).to.equal('denied: no_route by ');
    expect(said('/healthz', null, { policy, absoluteForm: true })).to.equal('denied: no_route by ');
    const check = '/grpc.health.v1.Health/Check';
    expect(said(check, null, { policy, method: 'POST', isGrpc: true })).to.equal('allowed: probe by probe');
  });

  for (const spelling of [
    '/public/../admin',
    '/public/..%2fadmin',
    '/public//../admin',
    '/public/..;/admin',
    '/public\\..\\admin',
  ]) {
    it(`${spelling} is for those only whom both readings allow`, () => {
      expect(said(spelling, null)).to.match(/^denied: (identity_required by admin|no_route by )$/);
      expect(said(spelling, WEB)).to.match(/^denied/);
    });
  }

  it('another spelling that means the same passes', () => {
    const named = policyOf({
      rules: [rule('odd', { type: 'pathExact', path: '/a%20b' }, authorization('everyone')), PUBLIC],
    });
    expect(said('/a%20b', null, { policy: named })).to.equal('allowed: authorized by odd');
    expect(said('/public/a%20b', null)).to.equal('allowed: authorized by public');
    expect(said('/public/./x', null)).to.equal('allowed: authorized by public');
  });

  it('a path that cannot be read is for those only whom no rule refuses', () => {
    expect(said('/public/100%', WEB)).to.equal('denied: identity_not_authorized by admin');
    expect(said('/public/100%', API)).to.equal('allowed: authorized by public');
  });

  it('say nothing of bytes', () => {
    const policy = policyOf({ authorizations: [only('web', WEB)] });
    expect(authorizeConnection(policy, peer(WEB)).allowed).to.equal(true);
    expect(authorizeConnection(policy, peer(API)).allowed).to.equal(false);
  });

  it('a client that meets more of them than are remembered is judged the same', () => {
    const rules = Array.from({ length: 40 }, (_, n) =>
      rule(`r${n}`, { type: 'pathExact', path: `/${n}` }, only('o', n % 3 === 0 ? WEB : API)),
    );
    const policy = policyOf({ rules });
    const client = peer(WEB);
    for (let round = 0; round < 3; round++) {
      for (let n = 0; n < 40; n++) {
        expect(authorizeRequest(policy, client, asking('GET', `/${n}`)).allowed).to.equal(n % 3 === 0);
      }
    }
  });
});

describe('a tunnel under another policy', () => {
  const granted = (policy = policyOf(), target = '/admin') =>
    authorizeRequest(policy, peer(API), asking('GET', target));

  it('goes on while its route allows the client, and ends when it does not', () => {
    expect(authorizeAgain(policyOf(), peer(API), granted()).allowed).to.equal(true);
    const moved = policyOf({ rules: [rule('admin', prefix('/manage'), only('admins', API))] });
    expect(authorizeAgain(moved, peer(API), granted()).allowed).to.equal(true);
    const revoked = policyOf({ rules: [PUBLIC, rule('admin', prefix('/admin'), only('admins', WEB))] });
    expect(authorizeAgain(revoked, peer(API), granted()).reason).to.equal('identity_not_authorized');
  });

  it('ends when its route is not there any more, or routes have come that it was not asked by', () => {
    expect(authorizeAgain(policyOf({ rules: [PUBLIC] }), peer(API), granted()).reason).to.equal('no_route');
    const before = policyOf({ rules: [], authorizations: [authorization('everyone')] });
    expect(authorizeAgain(policyOf(), peer(API), granted(before)).reason).to.equal('no_route');
  });

  it('is judged as a connection where the routes are gone', () => {
    const after = policyOf({ rules: [], authorizations: [only('web', WEB)] });
    expect(authorizeAgain(after, peer(API), granted()).reason).to.equal('identity_not_authorized');
  });
});

describe('rules in a body', () => {
  const unknown: unknown = { ...ADMIN, match: { type: 'moonPhase', phase: 'full' } };
  const told = (more: object) => {
    const state = newState(new ManualClock());
    const policy = { ...portPolicy({ authorizations: [] }), ...more } as PortPolicy;
    const rejected = state.apply([set(WORKLOAD_KEY, workload({ '8080': policy }))]);
    return { state, rejected, policy: state.inboundPort(8080).policy };
  };

  it('a match of an unknown type closes its rule and those behind it, which nobody can tell from it, and is reported', () => {
    const { policy, rejected } = told({
      rules: [PUBLIC, unknown, rule('rest', prefix('/'), authorization('everyone'))],
    });
    expect(said('/public', null, { policy })).to.equal('allowed: authorized by public');
    expect(said('/x', API, { policy })).to.equal('denied: rule_not_understood by admin');
    expect(JSON.stringify(rejected)).to.contain('moonPhase');
  });

  it('so does an expression that the engine refuses', () => {
    const { policy, rejected } = told({
      rules: [rule('bad', { type: 'path', regex: '(' }, authorization('everyone'))],
    });
    expect(said('/x', API, { policy })).to.equal('denied: rule_not_understood by bad');
    expect(JSON.stringify(rejected)).to.contain('rules[0].match');
  });

  it('of an operator of before has none, and no limit', () => {
    const { rules: _, rateLimit: __, ...before } = portPolicy();
    const state = newState(new ManualClock());
    expect(state.apply([set(WORKLOAD_KEY, workload({ '8080': before as PortPolicy }))])).to.deep.equal([]);
    const { policy } = state.inboundPort(8080);
    expect([policy.rules, policy.limiter]).to.deep.equal([null, null]);
    expect(said('/x', null, { policy })).to.equal('allowed: authorized by default');
  });

  it('a change that leaves the limit as it is does not refill its buckets', () => {
    const rateLimit = { meta: meta('limit'), totalPerSecond: 2, identityPerSecond: 0, overrides: [] };
    const { state, policy } = told({ rateLimit });
    expect([1, 2, 3].map(() => policy.limiter!.take(null, 0))).to.deep.equal([null, null, 'total']);
    state.apply([set(WORKLOAD_KEY, workload({ '8080': portPolicy({ rateLimit, audit: true }) }))]);
    expect(state.inboundPort(8080).policy.gate.audit).to.equal(true);
    expect(state.inboundPort(8080).policy.limiter!.take(null, 0)).to.equal('total');
    const wider = { ...rateLimit, totalPerSecond: 3 };
    state.apply([set(WORKLOAD_KEY, workload({ '8080': portPolicy({ rateLimit: wider }) }))]);
    expect(state.inboundPort(8080).policy.limiter!.take(null, 0)).to.equal(null);
  });
});
