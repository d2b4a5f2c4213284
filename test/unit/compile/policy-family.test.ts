import { expect } from 'chai';
import type { Assessment } from '../../../crds/kinds/assessment.ts';
import type { KindRow } from '../../../crds/kinds/row.ts';
import { rowOf } from '../../support/kinds.ts';
import { RawCluster } from '../../support/raw-cluster.ts';

type Raw = Record<string, unknown>;

const GROUP = 'policy.linkerd.io';
const SERVER = { group: GROUP, kind: 'Server', name: 'web' };
const V1 = `${GROUP}/v1alpha1`;

/** A Server of port `http` of one meshed pod. */
function cluster(proxyProtocol = 'HTTP/1'): RawCluster {
  const made = new RawCluster();
  made.pod('web-1', { ip: '10.1.0.1', ports: [{ name: 'http', containerPort: 8080 }] });
  made.server('web', { podSelector: { matchLabels: { app: 'web' } }, port: 'http', proxyProtocol });
  return made;
}

function assessed(of: RawCluster, kind: string, name: string): Assessment {
  const row: KindRow = rowOf(kind);
  if (row.status.form !== 'conditions') throw new Error('has no conditions of its own');
  return row.status.assess(of.state, of.state.get(row, 'shop', name)!);
}

function inShort({ verdict, accepted, resolvedRefs }: Assessment): string {
  const { outcome, message } = verdict;
  return `${outcome} ${accepted.reason}/${resolvedRefs.reason}: ${message}`;
}

const policy = (targetRef: Raw, ...requiredAuthenticationRefs: Raw[]) => ({
  spec: { targetRef, requiredAuthenticationRefs },
});
const route = (parent: string, rules: Raw[] = [{}]) => ({
  spec: { parentRefs: [{ group: GROUP, kind: 'Server', name: parent }], rules },
});

describe('assess: AuthorizationPolicy', () => {
  const said = (of: RawCluster, target: Raw, ...refs: Raw[]) => {
    of.apply('AuthorizationPolicy', V1, 'p', policy(target, ...refs));
    return inShort(assessed(of, 'AuthorizationPolicy', 'p'));
  };

  it('for a Server, a namespace or a route: how many pods it is about', () => {
    expect(said(cluster(), SERVER)).to.match(/^ready Accepted\/ResolvedRefs: .*Server shop\/web, .* 1 pod$/);
    expect(said(cluster(), { kind: 'Namespace', name: 'shop' })).to.match(
      /^ready .* 1 Server of namespace shop, .* 1 pod$/,
    );
    const routed = cluster();
    routed.apply(`HTTPRoute.${GROUP}`, `${GROUP}/v1beta3`, 'r', route('web'));
    const target = { group: GROUP, kind: 'HTTPRoute', name: 'r' };
    expect(said(routed, target)).to.match(/^ready .*HTTPRoute shop\/r, on Server shop\/web, .* 1 pod$/);
  });

  it('a Server on the admin port says that one which wants an identity admits nobody there; of a network it may', () => {
    const note = /the admin port is asked in plaintext/;
    const account = { kind: 'ServiceAccount', name: 'prometheus' };
    const network = { group: GROUP, kind: 'NetworkAuthentication', name: 'cluster' };
    const said = (target: Raw, port: string | number, ...refs: Raw[]) => {
      const made = cluster();
      made.server('web', { podSelector: { matchLabels: { app: 'web' } }, port });
      made.apply('AuthorizationPolicy', V1, 'p', policy(target, ...refs));
      return inShort(assessed(made, 'Server', 'web'));
    };
    for (const target of [SERVER, { kind: 'Namespace', name: 'shop' }]) {
      expect(said(target, 4191, account)).to.match(note);
      expect(said(target, 4191, network, account)).to.match(note);
      expect(said(target, 4191, network)).not.to.match(note);
      expect(said(target, 4191)).not.to.match(note);
      expect(said(target, 'http', account)).not.to.match(note);
    }
    expect(said({ ...SERVER, name: 'other' }, 4191, account)).not.to.match(note);
  });

  it('… and so does one for a route on that Server, and no other', () => {
    const note = /the admin port is asked in plaintext/;
    const said = (parent: string, target: string, refs: Raw[], port: string | number = 4191) => {
      const made = cluster();
      made.server('web', { podSelector: { matchLabels: { app: 'web' } }, port });
      made.apply(`HTTPRoute.${GROUP}`, `${GROUP}/v1beta3`, 'scrapes', route(parent));
      made.apply('AuthorizationPolicy', V1, 'p', policy({ group: GROUP, kind: 'HTTPRoute', name: target }, ...refs));
      return inShort(assessed(made, 'Server', 'web'));
    };
    const account = { kind: 'ServiceAccount', name: 'prometheus' };
    const network = { group: GROUP, kind: 'NetworkAuthentication', name: 'cluster' };
    expect(said('web', 'scrapes', [account])).to.match(note);
    expect(said('web', 'scrapes', [network])).not.to.match(note);
    expect(said('web', 'scrapes', [account], 'http')).not.to.match(note);
    expect(said('web', 'other', [account])).not.to.match(note);
    expect(said('other', 'scrapes', [account])).not.to.match(note);
  });

  it('waits for what is not there', () => {
    expect(said(cluster(), { ...SERVER, name: 'x' })).to.contain('waiting Accepted/ServerNotFound');
    const target = { group: GROUP, kind: 'HTTPRoute', name: 'r' };
    expect(said(cluster(), target)).to.contain('waiting Accepted/RouteNotFound');
    const detached = cluster();
    detached.apply(`HTTPRoute.${GROUP}`, `${GROUP}/v1beta3`, 'r', route('another'));
    expect(said(detached, target)).to.contain('waiting Accepted/RouteNotAttached');
    const missing = said(cluster(), SERVER, { group: GROUP, kind: 'NetworkAuthentication', name: 'n' });
    expect(missing).to.contain('waiting Accepted/AuthenticationNotFound').and.to.contain('is ignored');
  });

  it('its authentications say how many policies require them', () => {
    const made = cluster();
    made.apply('MeshTLSAuthentication', V1, 'm', { spec: { identities: ['*'] } });
    made.apply('NetworkAuthentication', V1, 'n', { spec: { networks: [{ cidr: '10.0.0.0/8' }] } });
    const refs = ['MeshTLSAuthentication m', 'NetworkAuthentication n'].map((each) => {
      const [kind, name] = each.split(' ');
      return { group: GROUP, kind, name };
    });
    expect(said(made, SERVER, ...refs)).to.match(/^ready /);
    expect(inShort(assessed(made, 'MeshTLSAuthentication', 'm'))).to.contain('required by 1 ');
    expect(inShort(assessed(made, 'NetworkAuthentication', 'n'))).to.contain('required by 1 ');
  });
});

describe('assess: HTTPLocalRateLimitPolicy', () => {
  const limit = (of: RawCluster, name: string, creationTimestamp: string, server = 'web') => {
    const spec = { targetRef: { ...SERVER, name: server }, total: { requestsPerSecond: 5 } };
    of.apply('HTTPLocalRateLimitPolicy', V1, name, { metadata: { creationTimestamp }, spec });
  };
  const said = (of: RawCluster, name: string) => inShort(assessed(of, 'HTTPLocalRateLimitPolicy', name));

  it('the oldest one of a Server holds, and the others say so, in the words of Linkerd', () => {
    const made = cluster();
    limit(made, 'young', '2026-01-02T00:00:00Z');
    limit(made, 'old', '2026-01-01T00:00:00Z');
    expect(said(made, 'old')).to.match(/^ready .* in each of 1 pod$/);
    expect(said(made, 'young')).to.match(/^conflicted RateLimitReasonAlreadyExists/);
    expect(made.workload('web-1').ports['8080']!.rateLimit!.meta.name).to.equal('old');
  });

  it('without a Server there is nothing to limit, and on bytes neither', () => {
    const made = cluster('opaque');
    limit(made, 'lost', '2026-01-01T00:00:00Z', 'x');
    expect(said(made, 'lost')).to.match(/^waiting NoMatchingTarget/);
    limit(made, 'bytes', '2026-01-01T00:00:00Z');
    expect(said(made, 'bytes')).to.contain('limits nothing');
    expect(made.workload('web-1').ports['8080']!.rateLimit).to.equal(null);
  });

  it('of which the numbers cannot be read is the lowest limit there is; of which the target cannot be read is none', () => {
    const row = rowOf('HTTPLocalRateLimitPolicy');
    const metadata = { name: 'web', namespace: 'shop' };
    const parse = (spec: Raw) => row.parse({ apiVersion: V1, kind: 'HTTPLocalRateLimitPolicy', metadata, spec });
    const unread = parse({ targetRef: SERVER, total: { requestsPerSecond: 'many' } });
    expect(unread.model).to.equal(null);
    expect(unread.strictest).to.include({ server: 'web', totalPerSecond: 1 });
    expect(parse({ targetRef: { ...SERVER, kind: 'Pod' }, total: { requestsPerSecond: 5 } })).not.to.have.property(
      'strictest',
    );
  });
});

describe('compile: rules of a Server', () => {
  const rulesOf = (of: RawCluster) => of.workload('web-1').ports['8080']!.rules;
  const attach = (of: RawCluster, name: string, rules: Raw[], more: Raw = {}) => {
    const { spec } = route('web', rules);
    of.apply(`HTTPRoute.${GROUP}`, `${GROUP}/v1beta3`, name, { spec: { ...spec, ...more } });
  };

  it('what a policy lets in to a route is not let in to the port, and what the Server lets in is to the route', () => {
    const made = cluster();
    attach(made, 'r', [{ matches: [{ path: { value: '/a' } }] }]);
    made.apply('AuthorizationPolicy', V1, 'of-route', policy({ group: GROUP, kind: 'HTTPRoute', name: 'r' }));
    made.apply('AuthorizationPolicy', V1, 'of-server', policy(SERVER));
    const { authorizations } = made.workload('web-1').ports['8080']!;
    expect(authorizations.map(({ label }) => label.name)).to.deep.equal(['of-server']);
    expect(rulesOf(made)[0]!.authorizations.map(({ label }) => label.name)).to.deep.equal(['of-route', 'of-server']);
  });

  it('host names narrow a rule', () => {
    const made = cluster();
    attach(made, 'r', [{}], { hostnames: ['web.example', '*.shop.example'] });
    expect(JSON.stringify(rulesOf(made)[0]!.match)).to.contain('{"type":"host","host":"*.shop.example"}');
  });

  it('a rule that is not valid answers 500, and so does the whole port where a match cannot be read', () => {
    const made = cluster();
    attach(made, 'r', [{ filters: [{ type: 'URLRewrite', urlRewrite: { hostname: 'a' } }] }]);
    expect(rulesOf(made)[0]!.filters).to.deep.include({
      type: 'fail',
      status: 500,
      grpcStatus: 13,
      message: 'a rule of the route is not valid',
      ratio: 1,
    });
    const unread = { matches: [{ path: { type: 'RegularExpression', value: '(' } }, { path: { value: '/a' } }] };
    const raw = {
      apiVersion: `${GROUP}/v1beta3`,
      kind: 'HTTPRoute',
      metadata: { name: 'r', namespace: 'shop', uid: 'u', resourceVersion: '99' },
      ...route('web', [unread]),
    };
    const row = rowOf(`HTTPRoute.${GROUP}`);
    const { model } = row.parse(raw);
    made.state.apply(row, model, model!.meta!);
    const [first] = rulesOf(made);
    expect(first!.match).to.deep.equal({ type: 'all', of: [] });
    expect(first!.filters[0]).to.include({ type: 'fail', status: 500 });
  });

  it('a route without rules is a route that matches nothing; on bytes there are none', () => {
    const made = cluster();
    attach(made, 'r', []);
    expect(rulesOf(made).map(({ match }) => match)).to.deep.equal([{ type: 'any', of: [] }]);
    const opaque = cluster('opaque');
    attach(opaque, 'r', [{}]);
    expect(rulesOf(opaque)).to.deep.equal([]);
  });
});
