import { expect } from 'chai';
import { compileService, destinationView } from '../../../crds/compile/service.ts';
import type { Unsourced } from '../../../crds/compile/shared/unsourced.ts';
import type { ServiceModel } from '../../../crds/kinds/service/model.ts';
import { type OlderService, olderService } from '../../../proxy-image/contract/older-proxies.ts';
import type { ServiceResource } from '../../../proxy-image/contract/resources.ts';
import {
  mesh,
  namespace,
  override,
  pod,
  profile,
  route,
  server,
  service,
  servicePort,
  slice,
  split,
  type TestCluster,
  webCluster,
} from '../../support/models.ts';

type Answer = Unsourced<ServiceResource>;

function lookUp(cluster: TestCluster, ip: string, port: number, clientNamespace = ''): Answer {
  return compileService(cluster.state, { ip, port }, clientNamespace);
}

/** In the words of revision 1, which say all that profiles, splits and annotations can ask for: also a proof of what older proxies are told. */
function said(answer: Answer): Omit<OlderService, 'sources'> {
  if (answer.type !== 'service') throw new Error(`expected a service, got ${answer.type}`);
  const { sources, ...older } = olderService({ ...answer, sources: '1' });
  return older;
}

function web(cluster: TestCluster, clientNamespace = ''): Omit<OlderService, 'sources'> {
  return said(lookUp(cluster, '10.0.0.1', 80, clientNamespace));
}

function shares(cluster: TestCluster, clientNamespace = ''): [string, number, boolean][] {
  return web(cluster, clientNamespace).backends.map(({ service: name, weight, unavailable }) => [
    name,
    weight,
    unavailable,
  ]);
}

function withService(port: Partial<ServiceModel['ports'][number]>, fields: Partial<ServiceModel> = {}): TestCluster {
  const cluster = webCluster();
  cluster.apply('Service', service('web', '10.0.0.1', { ports: [servicePort(80, port)], ...fields }));
  return cluster;
}

describe('compile: what an address is', () => {
  it('answers a cluster IP with its Service, alone in its own split', () => {
    expect(web(webCluster())).to.deep.equal({
      type: 'service',
      namespace: 'app',
      service: 'web',
      port: 80,
      authority: 'web.app.svc.cluster.local:80',
      protocol: 'detect',
      routes: [],
      retryBudget: { ratio: 0.2, minRetriesPerSecond: 10, ttlMs: 10_000 },
      backends: [
        {
          authority: 'web.app.svc.cluster.local:80',
          service: 'web',
          namespace: 'app',
          port: 80,
          endpoints: 'endpoints/app/web:80/ipv4',
          weight: 1000,
          unavailable: false,
        },
      ],
      balancer: { type: 'ewma', defaultRttMs: 30, decayMs: 10_000 },
      localTrafficOnly: false,
      slowStartMs: 0,
      breaker: null,
      penalty: null,
      retry: null,
      timeouts: { requestMs: 0, responseMs: 0, idleMs: 0 },
      queue: { capacity: 10_000, failfastMs: 3_000 },
    });
  });

  it('forbids a port that the Service does not define', () => {
    expect(lookUp(webCluster(), '10.0.0.1', 81)).to.deep.equal({
      type: 'forbidden',
      reason: 'Service app/web has no TCP port 81',
    });
  });

  it('forbids a port that is defined for UDP only', () => {
    const cluster = withService({ protocol: 'UDP' });
    expect(lookUp(cluster, '10.0.0.1', 80).type).to.equal('forbidden');
  });

  it('answers a pod address with the pod, without any Service policy', () => {
    const answer = lookUp(webCluster(), '10.1.0.2', 8080);
    expect(answer).to.deep.include({ type: 'pod', namespace: 'app', pod: 'web-2', protocol: 'detect' });
    expect(answer.type === 'pod' && answer.endpoint.identity).to.equal(
      'web.app.serviceaccount.identity.linkerd.cluster.local',
    );
  });

  it('knows nothing of other addresses', () => {
    expect(lookUp(webCluster(), '192.0.2.1', 443)).to.deep.equal({ type: 'unknown', protocol: 'detect' });
    // The Mesh's list of opaque ports is the only one that speaks for an address of nobody.
    expect(lookUp(webCluster(), '192.0.2.1', 3306)).to.deep.equal({ type: 'unknown', protocol: 'opaque' });
  });

  it('has no key for ExternalName and headless Services: nothing owns an address, and no name is looked up (D7)', () => {
    const cluster = webCluster();
    cluster.apply('Service', service('web', '', { type: 'ExternalName' }), service('db', '', { headless: true }));
    expect(lookUp(cluster, '10.0.0.1', 80).type).to.equal('unknown');
  });

  it('does not take a finished pod, or one on the host network, for the owner of an address', () => {
    const cluster = webCluster();
    cluster.apply(
      'Pod',
      pod('job', '10.1.0.9', { phase: 'Succeeded' }),
      pod('node', '10.1.0.8', { hostNetwork: true }),
    );
    expect(lookUp(cluster, '10.1.0.9', 80).type).to.equal('unknown');
    expect(lookUp(cluster, '10.1.0.8', 80).type).to.equal('unknown');
  });

  it('gives a reused pod address to the youngest pod', () => {
    const cluster = webCluster();
    cluster.apply('Pod', pod('new', '10.1.0.1', { meta: { creationTimestamp: '2026-02-01T00:00:00Z' } }));
    expect(lookUp(cluster, '10.1.0.1', 80)).to.deep.include({ pod: 'new' });
  });

  it('asks for IPv6 endpoints behind an IPv6 cluster IP', () => {
    const cluster = webCluster();
    cluster.apply('Service', service('web', '10.0.0.1', { clusterIPs: ['10.0.0.1', 'fd00::1'] }));
    const answer = lookUp(cluster, 'fd00::1', 80);
    expect(said(answer).backends[0]?.endpoints).to.equal('endpoints/app/web:80/ipv6');
  });

  it('asks for the family that a single-stack backend has', () => {
    const cluster = webCluster();
    cluster.apply('Service', service('web', '10.0.0.1', { clusterIPs: ['10.0.0.1', 'fd00::1'] }));
    cluster.apply('Service', service('canary', '10.0.0.2'));
    cluster.apply('TrafficSplit', split('s', 'web', { canary: 1 }));
    const answer = lookUp(cluster, 'fd00::1', 80);
    expect(said(answer).backends[0]?.endpoints).to.equal('endpoints/app/canary:80/ipv4');
  });

  it('asks for the family of the slices of a headless backend', () => {
    const cluster = webCluster();
    cluster.apply('Service', service('canary', '', { headless: true }));
    cluster.apply(
      'EndpointSlice',
      slice('c6', 'canary', [], { addressType: 'IPv6' }),
      slice('cf', 'canary', [], { addressType: 'FQDN' }),
    );
    cluster.apply('TrafficSplit', split('s', 'web', { canary: 1 }));
    expect(web(cluster).backends[0]?.endpoints).to.equal('endpoints/app/canary:80/ipv6');
  });

  it('keeps circuit breaking, and the annotations for what no route matches, beside a profile', () => {
    const cluster = webCluster();
    const annotations = {
      'balancer.linkerd.io/failure-accrual': 'consecutive',
      'retry.linkerd.io/limit': '2',
      'timeout.linkerd.io/idle': 'no time at all',
    };
    cluster.apply('Service', service('web', '10.0.0.1', { meta: { annotations } }));
    cluster.apply('ServiceProfile', profile('web', { routes: [route('list')] }));
    const compiled = web(cluster);
    expect(compiled).to.have.nested.property('breaker.type', 'consecutive');
    expect(compiled).to.have.nested.property('routes[0].name', 'list');
    expect(compiled).to.deep.include({
      retry: { http: [], grpc: [], limit: 2, timeoutMs: 0 },
      timeouts: { requestMs: 0, responseMs: 0, idleMs: 0 },
    });
  });

  it('follows internalTrafficPolicy and the balancer of the Mesh', () => {
    const cluster = withService({}, { internalTrafficPolicy: 'Local' });
    cluster.apply('Mesh', mesh({ proxy: { ...mesh().proxy, balancer: { type: 'roundRobin' } } }));
    expect(web(cluster)).to.deep.include({ localTrafficOnly: true, balancer: { type: 'roundRobin' } });
  });

  it('names Services by the cluster domain of the Mesh', () => {
    const cluster = webCluster();
    cluster.apply('Mesh', mesh({ clusterDomain: 'example.org' }));
    expect(web(cluster).authority).to.equal('web.app.svc.example.org:80');
  });
});

describe('compile: protocol of a Service port', () => {
  const cases: [string, string][] = [
    ['', 'detect'],
    ['http', 'http1'],
    ['kubernetes.io/h2c', 'http2'],
    ['linkerd.io/tcp', 'opaque'],
    ['linkerd.io/opaque', 'opaque'],
    ['https', 'opaque'],
    ['grpc', 'http2'],
    ['kubernetes.io/ws', 'opaque'],
  ];
  for (const [appProtocol, expected] of cases) {
    it(`appProtocol '${appProtocol}' means ${expected}`, () => {
      expect(web(withService({ appProtocol })).protocol).to.equal(expected);
    });
  }

  it('is opaque for ports in the default list, and for those only', () => {
    const cluster = webCluster();
    cluster.apply(
      'Service',
      service('web', '10.0.0.1', { ports: [servicePort(3306), servicePort(80, { name: 'x' })] }),
    );
    expect(said(lookUp(cluster, '10.0.0.1', 3306))).to.deep.include({ protocol: 'opaque' });
    expect(web(cluster).protocol).to.equal('detect');
  });

  it('lets the annotation of the Service replace the default list', () => {
    const annotations = { 'config.linkerd.io/opaque-ports': '70-90, nonsense' };
    const cluster = webCluster();
    const ports = [servicePort(80), servicePort(3306, { name: 'sql' })];
    cluster.apply('Service', service('web', '10.0.0.1', { ports, meta: { annotations } }));
    expect(web(cluster).protocol).to.equal('opaque');
    expect(said(lookUp(cluster, '10.0.0.1', 3306))).to.deep.include({ protocol: 'detect' });
  });

  it('takes the annotation of the namespace where the Service has none', () => {
    const cluster = webCluster();
    cluster.apply('Namespace', namespace('app', { 'config.linkerd.io/opaque-ports': '80' }));
    expect(web(cluster).protocol).to.equal('opaque');
  });

  it('adds the opaque ports of the profile', () => {
    const cluster = webCluster();
    cluster.apply('ServiceProfile', profile('web', { opaquePorts: [[80, 80]] }));
    expect(web(cluster).protocol).to.equal('opaque');
  });

  it('lets appProtocol beat opaque ports', () => {
    const cluster = withService({ appProtocol: 'http' });
    cluster.apply('Namespace', namespace('app', { 'config.linkerd.io/opaque-ports': '80' }));
    expect(web(cluster).protocol).to.equal('http1');
  });
});

describe('compile: profiles', () => {
  it('takes routes, in list order, from the profile in the namespace of the Service', () => {
    const cluster = webCluster();
    cluster.apply('ServiceProfile', profile('web', { routes: [route('b'), route('a')] }));
    expect(web(cluster, 'client').routes.map(({ name }) => name)).to.deep.equal(['b', 'a']);
  });

  it('prefers the profile in the namespace of the client, only there, and never merges (C14)', () => {
    const cluster = webCluster();
    cluster.apply('ServiceProfile', profile('web', { routes: [route('producer')], opaquePorts: [[80, 80]] }));
    cluster.apply('ServiceProfile', profile('web', { meta: { namespace: 'client' }, routes: [route('consumer')] }));
    expect(web(cluster, 'client')).to.deep.include({ protocol: 'detect' });
    expect(web(cluster, 'client').routes.map(({ name }) => name)).to.deep.equal(['consumer']);
    for (const other of ['', 'app', 'elsewhere']) {
      expect(web(cluster, other).routes.map(({ name }) => name)).to.deep.equal(['producer']);
    }
  });

  it('needs a view of its own only for namespaces with a profile of their own', () => {
    const cluster = webCluster();
    const address = { ip: '10.0.0.1', port: 80 };
    cluster.apply('ServiceProfile', profile('web'));
    cluster.apply('ServiceProfile', profile('web', { meta: { namespace: 'client' } }));
    const views = ['client', 'app', 'elsewhere'].map((name) => destinationView(cluster.state, address, name));
    expect(views).to.deep.equal(['client', '', '']);
    expect(destinationView(cluster.state, { ip: '10.1.0.1', port: 80 }, 'client')).to.equal('');
  });

  const budgets: [string, { ratio: number; minRetriesPerSecond: number; ttlMs: number }, boolean][] = [
    ['usual', { ratio: 0.5, minRetriesPerSecond: 5, ttlMs: 2_000 }, true],
    ['shortest ttl', { ratio: 0.2, minRetriesPerSecond: 10, ttlMs: 1_000 }, true],
    ['ttl below a second', { ratio: 0.2, minRetriesPerSecond: 10, ttlMs: 999 }, false],
    ['longest ttl', { ratio: 0.2, minRetriesPerSecond: 10, ttlMs: 60_000 }, true],
    ['ttl above a minute', { ratio: 0.2, minRetriesPerSecond: 10, ttlMs: 60_001 }, false],
    ['largest ratio', { ratio: 1_000, minRetriesPerSecond: 0, ttlMs: 10_000 }, true],
    ['ratio above it', { ratio: 1_000.5, minRetriesPerSecond: 0, ttlMs: 10_000 }, false],
    ['negative ratio', { ratio: -0.1, minRetriesPerSecond: 0, ttlMs: 10_000 }, false],
    ['most retries', { ratio: 0.2, minRetriesPerSecond: 2 ** 31 - 1, ttlMs: 10_000 }, true],
    ['more retries than that', { ratio: 0.2, minRetriesPerSecond: 2 ** 31, ttlMs: 10_000 }, false],
    ['not a number', { ratio: Number.NaN, minRetriesPerSecond: 0, ttlMs: 10_000 }, false],
  ];
  for (const [name, retryBudget, kept] of budgets) {
    it(`${kept ? 'keeps' : 'discards'} a retry budget: ${name}`, () => {
      const cluster = webCluster();
      cluster.apply('ServiceProfile', profile('web', { retryBudget }));
      const expected = kept ? retryBudget : { ratio: 0, minRetriesPerSecond: 0, ttlMs: 10_000 };
      expect(web(cluster).retryBudget).to.deep.equal(expected);
    });
  }
});

describe('compile: who gets the traffic', () => {
  function canary(): TestCluster {
    const cluster = webCluster();
    cluster.apply('Service', service('primary', '10.0.0.2'), service('canary', '10.0.0.3'));
    return cluster;
  }

  it('follows a split in the order written, zero weights kept', () => {
    const cluster = canary();
    cluster.apply('TrafficSplit', split('s', 'web', { canary: 0, primary: 100_000 }));
    expect(shares(cluster)).to.deep.equal([
      ['canary', 0, false],
      ['primary', 100_000, false],
    ]);
  });

  it('composes the routes of a profile with a split', () => {
    const cluster = canary();
    cluster.apply('ServiceProfile', profile('web', { routes: [route('r')] }));
    cluster.apply('TrafficSplit', split('s', 'web', { canary: 1 }));
    expect(web(cluster).routes).to.have.length(1);
    expect(shares(cluster)).to.deep.equal([['canary', 1, false]]);
  });

  it('lets dstOverrides beat a split', () => {
    const cluster = canary();
    cluster.apply('TrafficSplit', split('s', 'web', { canary: 1 }));
    cluster.apply('ServiceProfile', profile('web', { dstOverrides: [override('primary', 9), override('web', 1)] }));
    expect(shares(cluster)).to.deep.equal([
      ['primary', 9, false],
      ['web', 1, false],
    ]);
  });

  it('sends overrides without a port to the port that was asked for, others to their own', () => {
    const cluster = canary();
    cluster.apply('Service', service('canary', '10.0.0.3', { ports: [servicePort(8000)] }));
    const dstOverrides = [override('primary', 1), override('canary', 1, 8000)];
    cluster.apply('ServiceProfile', profile('web', { dstOverrides }));
    expect(web(cluster).backends.map(({ endpoints }) => endpoints)).to.deep.equal([
      'endpoints/app/primary:80/ipv4',
      'endpoints/app/canary:8000/ipv4',
    ]);
  });

  it('takes the oldest of two splits, and of equally old ones the first by name', () => {
    const cluster = canary();
    cluster.apply('TrafficSplit', split('b', 'web', { canary: 1 }));
    cluster.apply('TrafficSplit', split('c', 'web', { web: 1 }, { creationTimestamp: '2025-12-31T23:59:59Z' }));
    expect(shares(cluster)).to.deep.equal([['web', 1, false]]);
    cluster.apply('TrafficSplit', split('c', 'web', { web: 1 }));
    expect(shares(cluster)).to.deep.equal([['canary', 1, false]]);
  });

  it('gives everything to the root when all weights are zero, whoever wrote them', () => {
    const cluster = canary();
    cluster.apply('TrafficSplit', split('s', 'web', { canary: 0, primary: 0 }));
    expect(shares(cluster)).to.deep.equal([['web', 1000, false]]);
    cluster.apply('TrafficSplit', split('s', 'web', { canary: 5 }));
    cluster.apply('ServiceProfile', profile('web', { dstOverrides: [override('primary', 0)] }));
    expect(shares(cluster)).to.deep.equal([['web', 1000, false]]);
  });

  it('does not split again what goes to a backend that is itself a root, or the root', () => {
    const cluster = canary();
    cluster.apply('TrafficSplit', split('outer', 'web', { web: 50, canary: 50 }));
    cluster.apply('TrafficSplit', split('inner', 'canary', { primary: 1 }));
    expect(shares(cluster)).to.deep.equal([
      ['web', 50, false],
      ['canary', 50, false],
    ]);
  });

  it('keeps the share of a missing Service, a missing port, or an ExternalName as unavailable', () => {
    const cluster = canary();
    cluster.apply('Service', service('canary', '10.0.0.3', { ports: [servicePort(81)] }));
    cluster.apply('Service', service('elsewhere', '', { type: 'ExternalName', headless: false }));
    cluster.apply('TrafficSplit', split('s', 'web', { canary: 1, gone: 2, elsewhere: 3, primary: 4 }));
    expect(shares(cluster)).to.deep.equal([
      ['canary', 1, true],
      ['gone', 2, true],
      ['elsewhere', 3, true],
      ['primary', 4, false],
    ]);
  });

  it('does not confuse Services of the same name in other namespaces', () => {
    const cluster = canary();
    cluster.apply('TrafficSplit', split('s', 'web', { canary: 1 }, { namespace: 'client' }));
    expect(shares(cluster)).to.deep.equal([['web', 1000, false]]);
  });
});

describe('compile: a pod as destination', () => {
  it('is opaque on the opaque ports of the pod, by number or name', () => {
    const cluster = webCluster();
    const annotations = { 'config.linkerd.io/opaque-ports': 'http' };
    cluster.apply('Pod', pod('web-1', '10.1.0.1', { meta: { annotations } }));
    expect(lookUp(cluster, '10.1.0.1', 8080)).to.deep.include({ protocol: 'opaque' });
    expect(lookUp(cluster, '10.1.0.1', 8081)).to.deep.include({ protocol: 'detect' });
  });

  for (const proxyProtocol of ['opaque', 'TLS'] as const) {
    it(`is opaque where a Server says ${proxyProtocol}`, () => {
      const cluster = webCluster();
      cluster.apply('Server', server('web', { port: 'http', proxyProtocol }));
      expect(lookUp(cluster, '10.1.0.1', 8080)).to.deep.include({ protocol: 'opaque' });
      expect(lookUp(cluster, '10.1.0.1', 9090)).to.deep.include({ protocol: 'detect' });
    });
  }
});
