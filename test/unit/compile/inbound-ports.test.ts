import { expect } from 'chai';
import type { WorkloadResource } from '../../../proxy-image/contract/resources.ts';
import { compileRaw, connection, injected, meshed, proxyWith, type RawCluster } from '../../support/inbound.ts';

const IDENTITY_PORTS = 'config.linkerd.io/proxy-require-identity-inbound-ports';
const DEFAULT_POLICY = 'config.linkerd.io/default-inbound-policy';

/** Ports of which nothing in the pod says anything, and one that is declared. */
const PORTS = [1, 80, 1024, 3306, 8080, 9999, 30_000, 65_535];
const web = injected({ name: 'web', ports: [{ name: 'http', containerPort: 8080 }] });

function demanding(list: string, more: RawCluster = {}): WorkloadResource {
  return compileRaw({ pod: web, podAnnotations: { [IDENTITY_PORTS]: list }, ...more });
}

/** The ports of the sample on which a plaintext stranger is refused; who has an identity is refused on none. */
function closed(body: WorkloadResource): number[] {
  const state = proxyWith(body);
  for (const port of PORTS) expect(connection(state, port, meshed()).allowed, `identity on ${port}`).to.equal(true);
  return PORTS.filter((port) => !connection(state, port).allowed);
}

/** What a proxy of before ranges makes of the same body. */
function withoutRanges(body: WorkloadResource): WorkloadResource {
  const { ranges: _ranges, ...older } = body;
  return older as WorkloadResource;
}

describe('raw objects to decision: ports that demand an identity', () => {
  const rows: [list: string, refused: number[]][] = [
    ['', []],
    ['1-65535', PORTS],
    ['9999', [9999]],
    ['1-1024', [1, 80, 1024]],
    ['1-1025', [1, 80, 1024]],
    ['1024-30000', [1024, 3306, 8080, 9999, 30_000]],
    ['3306,20000-65535,1', [1, 3306, 30_000, 65_535]],
    ['1-40000, 30000-65535', PORTS],
    ['http', [8080]],
    ['http,3306', [3306, 8080]],
    ['absent-name', []],
  ];
  for (const [list, refused] of rows) {
    it(`"${list}" closes ${refused.join(' ') || 'nothing'} to plaintext`, () => {
      expect(closed(demanding(list))).to.deep.equal(refused);
    });
  }

  it('closes every port where an entry of the list cannot be read', () => {
    for (const list of ['80-', '99999', '9000-80', '80;90', '*', '0', '80,70000-70001', '-']) {
      expect(closed(demanding(list)), list).to.deep.equal(PORTS);
    }
  });

  it('closes every port where the list is longer than what is read', () => {
    const list = Array.from({ length: 1_400 }, (_, index) => String(20_000 + 2 * index)).join(',');
    expect(closed(demanding(list))).to.deep.equal(PORTS);
  });

  it('takes the namespace’s list where the pod has none', () => {
    const namespaceAnnotations = { [IDENTITY_PORTS]: '2000-65535' };
    const body = compileRaw({ pod: web, namespaceAnnotations });
    expect(closed(body)).to.deep.equal([3306, 8080, 9999, 30_000, 65_535]);
  });

  it('keeps the networks of a cluster policy, and lets a Server on a port of the range speak for itself', () => {
    const podAnnotations = { [IDENTITY_PORTS]: '1-65535', [DEFAULT_POLICY]: 'cluster-unauthenticated' };
    const servers = [{ podSelector: {}, port: 9999, accessPolicy: 'all-unauthenticated' }];
    const state = proxyWith(compileRaw({ pod: web, podAnnotations, servers }));
    expect(connection(state, 30_000).reason).to.equal('identity_required');
    expect(connection(state, 30_000, meshed()).authorization?.name).to.equal('cluster-authenticated');
    expect(connection(state, 9999).allowed).to.equal(true);
  });

  it('leaves opaque ports opaque inside and outside the list', () => {
    const podAnnotations = { [IDENTITY_PORTS]: '2000-65535', 'config.linkerd.io/opaque-ports': '80,3306' };
    const state = proxyWith(compileRaw({ pod: web, podAnnotations }));
    const protocols = [80, 1024, 3306, 9999].map((port) => state.inboundPort(port).policy.protocol);
    expect(protocols).to.deep.equal(['opaque', 'detect', 'opaque', 'detect']);
  });

  it('costs a body of a few kilobytes, however many ports are listed', () => {
    const bytes = ['1-65535', '1-30000,30002-65535', '5000-6023'].map((list) => JSON.stringify(demanding(list)).length);
    expect(bytes[0]).to.be.lessThan(5_000);
    expect(bytes[1]).to.be.lessThan(5_000);
    expect(bytes[2]).to.be.lessThan(500_000);
  });

  describe('in a proxy that knows no ranges', () => {
    it('closes at least the listed ports, and exactly them where they are few', () => {
      for (const [list, refused] of rows) {
        const older = closed(withoutRanges(demanding(list)));
        expect(older, list).to.include.members(refused);
      }
      for (const list of ['', '9999', '1-1024', 'http,3306']) {
        expect(closed(withoutRanges(demanding(list))), list).to.deep.equal(closed(demanding(list)));
      }
    });

    it('goes by the same policies as before: a body of an older operator has none', () => {
      const state = proxyWith(withoutRanges(demanding('')));
      expect(PORTS.every((port) => connection(state, port).allowed)).to.equal(true);
    });
  });
});

describe('raw objects to decision: default inbound policy', () => {
  const decided = (cluster: RawCluster) => connection(proxyWith(compileRaw({ pod: web, ...cluster })), 9999);

  it('denies where an annotation names no policy, whatever stands behind it', () => {
    const misspelt = { [DEFAULT_POLICY]: 'denny' };
    expect(decided({ podAnnotations: misspelt }).server.name).to.equal('deny');
    expect(decided({ namespaceAnnotations: misspelt }).server.name).to.equal('deny');
    const behind = { [DEFAULT_POLICY]: 'all-unauthenticated' };
    expect(decided({ podAnnotations: misspelt, namespaceAnnotations: behind }).allowed).to.equal(false);
  });

  it('is the Mesh’s where no annotation says anything', () => {
    const mesh = { proxy: { defaultInboundPolicy: 'all-authenticated' } };
    expect(decided({ mesh, podAnnotations: { [DEFAULT_POLICY]: '' } }).server.name).to.equal('all-authenticated');
  });
});

describe('raw objects to decision: objects that cannot be used', () => {
  const labels = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`l${n}`, 'x']));
  const on8080 = (spec: Record<string, unknown>) => {
    const servers = [{ podSelector: {}, port: 8080, accessPolicy: 'all-unauthenticated', ...spec }];
    return connection(proxyWith(compileRaw({ pod: web, servers })), 8080);
  };

  it('a Server of which only the policy or the protocol cannot be read denies on its port', () => {
    expect(on8080({}).allowed).to.equal(true);
    for (const spec of [{ accessPolicy: 'denny' }, { accessPolicy: 7 }, { proxyProtocol: 'HTTP/9' }, { later: true }]) {
      expect(on8080(spec).reason, JSON.stringify(spec)).to.equal('no_authorizations');
    }
  });

  it('a Server of which the pods or the port cannot be read harms nobody', () => {
    const selectors = [{ matchLabels: labels(65) }, { matchExpressions: 1 }].map((podSelector) => ({ podSelector }));
    for (const spec of [...selectors, { port: 0 }]) {
      expect(on8080(spec).server.kind, JSON.stringify(spec)).to.equal('default');
    }
  });

  it('an authorization with more networks, exceptions or identities than are read admits nobody', () => {
    const many = (count: number, item: (n: number) => unknown) => Array.from({ length: count }, (_, n) => item(n));
    const clients = [
      { unauthenticated: true, networks: many(257, (n) => ({ cidr: `10.${n % 256}.0.0/16` })) },
      { unauthenticated: true, networks: [{ cidr: '10.0.0.0/8', except: many(257, (n) => `10.1.${n % 256}.0/24`) }] },
      { meshTLS: { identities: many(1_025, (n) => `a${n}.b`) } },
      { meshTLS: { identities: many(1_025, () => '*') } },
    ];
    for (const client of clients) {
      const authorizations = [{ server: { name: 'server-0' }, client }];
      const servers = [{ podSelector: {}, port: 8080 }];
      const state = proxyWith(compileRaw({ pod: web, servers, authorizations }));
      expect(connection(state, 8080).reason).to.equal('no_authorizations');
      expect(connection(state, 8080, meshed()).reason).to.equal('no_authorizations');
    }
  });

  it('a Mesh keeps its default policy where only something else is wrong, and denies where that cannot be read', () => {
    const undeclared = (mesh: Record<string, unknown>) => connection(proxyWith(compileRaw({ pod: web, mesh })), 9999);
    const wrong = { detectTimeout: 'soon' };
    const kept = undeclared({ proxy: { ...wrong, defaultInboundPolicy: 'all-authenticated' } });
    expect(kept.reason).to.equal('identity_required');
    expect(undeclared({ proxy: { defaultInboundPolicy: 'denny' } }).server.name).to.equal('deny');
    expect(undeclared({ proxy: { defaultInboundPolicy: 1 } }).server.name).to.equal('deny');
    expect(undeclared({ proxy: wrong }).server.name).to.equal('all-unauthenticated');
    const clusterNetworks = Array.from({ length: 65 }, () => '0.0.0.0/0');
    const cluster = { clusterNetworks, proxy: { defaultInboundPolicy: 'cluster-unauthenticated' } };
    expect(undeclared(cluster).reason).to.equal('network_not_authorized');
  });
});
