import { expect } from 'chai';
import { type AccessPolicy, defaultPolicy } from '../../../proxy-image/contract/access-policy.ts';
import type { Authorization, PortPolicy } from '../../../proxy-image/contract/resources.ts';
import { authorizeConnection, authorizeRequest, InboundPeer } from '../../../proxy-image/core/policy/authorize.ts';
import { defaultWorkload, type WorkloadDefaults } from '../../../proxy-image/core/policy/defaults.ts';
import type { PortPolicyEntry } from '../../../proxy-image/core/policy/policy.ts';
import { asking, entryOf } from '../../support/policy.ts';
import { authorization, ManualClock, newState, portPolicy } from './fixtures.ts';

const WEB = 'web.shop.serviceaccount.identity.linkerd.cluster.local';
const API = 'api.shop.serviceaccount.identity.linkerd.cluster.local';

function compiled(more: Partial<PortPolicy>): PortPolicyEntry {
  return entryOf(portPolicy(more));
}

const plain = (address = '10.1.1.1') => new InboundPeer(address, null, false);
const meshed = (identity: string, address = '10.1.1.1') => new InboundPeer(address, identity, true);
const anonymousTls = () => new InboundPeer('10.1.1.1', null, true);

const identities = (...names: string[]): Authorization =>
  authorization('some', { authentication: { type: 'identities', identities: names } });

describe('policy of connections', () => {
  type Row = [title: string, authorizations: Authorization[], peer: () => InboundPeer, reason: string];
  const rows: Row[] = [
    ['no authorization at all', [], () => plain(), 'no_authorizations'],
    ['anybody', [authorization('all')], () => plain(), 'authorized'],
    ['anybody, over TLS', [authorization('all')], () => meshed(WEB), 'authorized'],
    [
      'another network',
      [authorization('net', { networks: [{ cidr: '192.168.0.0/16', except: [] }] })],
      () => plain(),
      'network_not_authorized',
    ],
    [
      'an excepted address',
      [authorization('net', { networks: [{ cidr: '10.0.0.0/8', except: ['10.1.1.1/32'] }] })],
      () => plain(),
      'network_not_authorized',
    ],
    ['no networks', [authorization('net', { networks: [] })], () => plain(), 'network_not_authorized'],
    ['any TLS, plaintext', [authorization('t', { authentication: { type: 'tls' } })], () => plain(), 'tls_required'],
    ['any TLS', [authorization('t', { authentication: { type: 'tls' } })], anonymousTls, 'authorized'],
    ['its identity', [identities(WEB)], () => meshed(WEB), 'authorized'],
    ['another identity', [identities(WEB)], () => meshed(API), 'identity_not_authorized'],
    ['an identity in other case', [identities(WEB)], () => meshed(WEB.toUpperCase()), 'identity_not_authorized'],
    ['an identity, without TLS', [identities(WEB)], () => plain(), 'identity_required'],
    ['an identity, TLS without one', [identities('*')], anonymousTls, 'identity_required'],
    ['any identity', [identities('*')], () => meshed(API), 'authorized'],
    ['a suffix', [identities(`*.${WEB.slice(4)}`)], () => meshed(API), 'authorized'],
    [
      'a suffix, not on a label boundary',
      [identities('*.shop.example')],
      () => meshed('xshop.example'),
      'identity_not_authorized',
    ],
    [
      'a suffix, nothing before it',
      [identities('*.shop.example')],
      () => meshed('shop.example'),
      'identity_not_authorized',
    ],
    [
      'a suffix, only the dot before it',
      [identities('*.shop.example')],
      () => meshed('.shop.example'),
      'identity_not_authorized',
    ],
    ['a star that is no prefix', [identities('a.*')], () => meshed('a.b'), 'identity_not_authorized'],
    ['a star without a dot', [identities('*shop')], () => meshed('xshop'), 'identity_not_authorized'],
    ['a star and a dot', [identities('*.')], () => meshed('a.'), 'identity_not_authorized'],
    ['no identity on the list', [identities()], () => meshed(WEB), 'identity_not_authorized'],
    ['the second of two', [identities(API), identities(WEB)], () => meshed(WEB), 'authorized'],
    ['nothing, but from loopback', [], () => plain('127.0.0.1'), 'loopback'],
    ['nothing, but from ::1', [], () => plain('::1'), 'loopback'],
    ['nothing, but from mapped loopback', [], () => plain('::ffff:127.0.0.1'), 'loopback'],
    ['another identity, from loopback', [identities(WEB)], () => meshed(API, '127.0.0.1'), 'identity_not_authorized'],
    ['an address that is none', [authorization('all')], () => plain('unix'), 'network_not_authorized'],
  ];
  for (const [title, authorizations, peer, reason] of rows) {
    it(`${title}: ${reason}`, () => {
      const decision = authorizeConnection(compiled({ authorizations }), peer());
      expect(decision.reason).to.equal(reason);
      expect(decision.allowed).to.equal(['authorized', 'loopback'].includes(reason));
      expect(decision.authorization === null).to.equal(!decision.allowed);
    });
  }

  it('names what decided', () => {
    const policy = compiled({ authorizations: [identities(API), authorization('everyone')] });
    expect(authorizeConnection(policy, plain())).to.deep.equal({
      allowed: true,
      reason: 'authorized',
      server: { group: 'policy.linkerd.io', kind: 'server', name: 'web-http' },
      authorization: { group: 'policy.linkerd.io', kind: 'serverauthorization', name: 'everyone' },
      route: { group: '', kind: 'default', name: 'default' },
      rule: null,
    });
    expect(authorizeConnection(policy, plain('127.0.0.1')).authorization?.name).to.equal('localhost');
  });

  it('allows under audit what it would deny, and says so', () => {
    const policy = compiled({ authorizations: [identities(API)], audit: true });
    expect(authorizeConnection(policy, meshed(API)).reason).to.equal('authorized');
    const decision = authorizeConnection(policy, plain());
    expect([decision.allowed, decision.reason, decision.authorization?.name]).to.deep.equal([true, 'audit', 'audit']);
  });

  it('judges a peer again when the policy is another one (C13)', () => {
    const peer = meshed(WEB);
    const first = compiled({ authorizations: [identities(WEB)] });
    expect(authorizeConnection(first, peer).allowed).to.equal(true);
    expect(authorizeConnection(first, peer)).to.equal(authorizeConnection(first, peer));
    expect(authorizeConnection(compiled({ authorizations: [identities(API)] }), peer).allowed).to.equal(false);
    expect(authorizeConnection(first, peer).allowed).to.equal(true);
  });
});

describe('policy of requests', () => {
  const policy = compiled({ authorizations: [identities(API)], probePaths: ['/healthz', 'ready', '/live?full=1'] });
  const reason = (method: string, target: string, peer = plain()) =>
    authorizeRequest(policy, peer, asking(method, target)).reason;

  it('lets the exact probes of the pod through, by GET and HEAD only (C12)', () => {
    expect(reason('GET', '/healthz')).to.equal('probe');
    expect(reason('HEAD', '/healthz')).to.equal('probe');
    expect(reason('GET', '/ready')).to.equal('probe');
    expect(reason('GET', '/live?full=1')).to.equal('probe');
    for (const [method, target] of [
      ['POST', '/healthz'],
      ['get', '/healthz'],
      ['GET', '/healthz/'],
      ['GET', '/healthz/../admin'],
      ['GET', '/healthz?x=1'],
      ['GET', '/HEALTHZ'],
      ['GET', '/%68ealthz'],
      ['GET', '//healthz'],
      ['GET', 'http://x/healthz'],
      ['GET', '/live'],
      ['GET', '/live?full=2'],
    ] as const) {
      expect(reason(method, target), `${method} ${target}`).to.equal('identity_required');
    }
  });

  it('lets the health check of a gRPC probe through: that method alone, over gRPC, where the pod has such a probe (C12)', () => {
    const check = '/grpc.health.v1.Health/Check';
    const probed = compiled({ authorizations: [identities(API)], grpcProbe: true });
    const decided = (method: string, target: string, isGrpc = true, entry = probed) =>
      authorizeRequest(entry, plain(), asking(method, target, { isGrpc })).reason;
    expect(decided('POST', check)).to.equal('probe');
    expect(decided('POST', check, false)).to.equal('identity_required');
    expect(decided('POST', check, true, policy)).to.equal('identity_required');
    for (const [method, target] of [
      ['GET', check],
      ['POST', '/grpc.health.v1.Health/Watch'],
      ['POST', '/grpc.health.v1.Health/check'],
      ['POST', `${check}?a`],
      ['POST', `${check}/`],
      ['POST', `/${check}`],
      ['POST', '/shop.Cart/Add'],
    ] as const) {
      expect(decided(method, target), `${method} ${target}`).to.equal('identity_required');
    }
  });

  it('keeps the label of an authorized client on a probe path', () => {
    expect(reason('GET', '/healthz', meshed(API))).to.equal('authorized');
  });

  it('labels a probe under audit as a probe', () => {
    const audit = compiled({ authorizations: [], audit: true, probePaths: ['/healthz'] });
    expect(authorizeRequest(audit, plain(), asking('GET', '/healthz')).reason).to.equal('probe');
    expect(authorizeRequest(audit, plain(), asking('GET', '/x')).reason).to.equal('audit');
  });

  it('has no probes on other ports', () => {
    expect(authorizeRequest(compiled({ authorizations: [] }), plain(), asking('GET', '/healthz')).reason).to.equal(
      'no_authorizations',
    );
  });
});

describe('default policies', () => {
  const OUTSIDE = '8.8.8.8';
  const table: [
    name: AccessPolicy,
    outside: boolean,
    inside: boolean,
    meshedOutside: boolean,
    meshedInside: boolean,
  ][] = [
    ['all-unauthenticated', true, true, true, true],
    ['all-authenticated', false, false, true, true],
    ['cluster-unauthenticated', false, true, false, true],
    ['cluster-authenticated', false, false, false, true],
    ['deny', false, false, false, false],
    ['audit', true, true, true, true],
  ];
  for (const [name, ...expected] of table) {
    it(name, () => {
      const policy = entryOf(defaultPolicy(name, ['10.0.0.0/8']), { port: 80 });
      const peers = [plain(OUTSIDE), plain(), meshed(WEB, OUTSIDE), meshed(WEB)];
      expect(peers.map((peer) => authorizeConnection(policy, peer).allowed)).to.deep.equal(expected);
      expect(policy.server).to.deep.equal({ group: '', kind: 'default', name });
      expect(authorizeConnection(policy, plain('127.0.0.1')).allowed).to.equal(true);
    });
  }

  it('labels audit as audit', () => {
    const policy = entryOf(defaultPolicy('audit', []), { port: 80 });
    expect(authorizeConnection(policy, plain()).reason).to.equal('audit');
  });

  /** Port by port, what the proxy's own defaults come to: who a plaintext client of the cluster's network is refused for, and how bytes are read. */
  const started = (policy: AccessPolicy, more: Partial<WorkloadDefaults> = {}) => {
    const initialWorkload = defaultWorkload({
      namespace: 'shop',
      pod: 'web-1',
      policy,
      clusterNetworks: ['10.0.0.0/8'],
      detectTimeoutMs: 1,
      opaquePorts: [],
      requireIdentityPorts: [[80, 81]],
      ...more,
    });
    const state = newState(new ManualClock(), { initialWorkload });
    return (port: number) => {
      const entry = state.inboundPort(port).policy;
      const { allowed, server } = authorizeConnection(entry, plain());
      return `${server.name} ${allowed ? 'allowed' : 'denied'} ${entry.protocol}`;
    };
  };

  it('demands an identity on the ports that require one, keeping deny and the networks', () => {
    const audit = started('audit');
    expect([79, 80, 81, 82].map(audit)).to.deep.equal([
      'audit allowed detect',
      'all-authenticated denied detect',
      'all-authenticated denied detect',
      'audit allowed detect',
    ]);
    expect(started('cluster-unauthenticated')(81)).to.equal('cluster-authenticated denied detect');
    expect([80, 82].map(started('deny'))).to.deep.equal(['deny denied detect', 'deny denied detect']);
  });

  it('demands an identity on every port of the largest range without a policy per port', () => {
    const ports = started('all-unauthenticated', { requireIdentityPorts: [[1, 65_535]] });
    for (const port of [1, 80, 1024, 8080, 65_535]) expect(ports(port)).to.equal('all-authenticated denied detect');
  });

  it('skips detection on opaque ports, also on those that require an identity', () => {
    const ports = started('all-unauthenticated', {
      opaquePorts: [
        [80, 80],
        [90, 90],
      ],
    });
    expect([80, 81, 90].map(ports)).to.deep.equal([
      'all-authenticated denied opaque',
      'all-authenticated denied detect',
      'all-unauthenticated allowed opaque',
    ]);
    expect(entryOf(portPolicy(), { port: 3306, opaque: true }).protocol).to.equal('opaque');
  });

  it('covers both families of addresses', () => {
    const policy = entryOf(defaultPolicy('all-unauthenticated', []), { port: 80 });
    expect(authorizeConnection(policy, plain('fd00::1')).allowed).to.equal(true);
  });
});
