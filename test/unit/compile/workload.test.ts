import { expect } from 'chai';
import { compileWorkload } from '../../../crds/compile/inbound/workload.ts';
import { compileTrust } from '../../../crds/compile/trust.ts';
import type { ServerAuthorizationModel } from '../../../crds/kinds/authorization/server-authorization.ts';
import type { PodModel } from '../../../crds/kinds/pod/model.ts';
import type { ServerModel } from '../../../crds/kinds/server/model.ts';
import type { AccessPolicy } from '../../../proxy-image/contract/access-policy.ts';
import type { PortPolicy, WorkloadResource } from '../../../proxy-image/contract/resources.ts';
import {
  authorization,
  mesh,
  namespace,
  pod,
  profile,
  route,
  server,
  service,
  servicePort,
  TestCluster,
} from '../../support/models.ts';

const CLUSTER_NETWORKS = ['10.0.0.0/8', '100.64.0.0/10', '172.16.0.0/12', '192.168.0.0/16', 'fd00::/8'];
const EVERYWHERE = [
  { cidr: '0.0.0.0/0', except: [] },
  { cidr: '::/0', except: [] },
];
const IN_CLUSTER = CLUSTER_NETWORKS.map((cidr) => ({ cidr, except: [] }));

type Workload = Omit<WorkloadResource, 'sources'>;

function withPod(fields: Partial<Omit<PodModel, 'meta'>> & { meta?: Partial<PodModel['meta']> } = {}): TestCluster {
  const cluster = new TestCluster();
  cluster.apply('Namespace', namespace('app'));
  cluster.apply('Pod', pod('web-1', '10.1.0.1', fields));
  return cluster;
}

function workload(cluster: TestCluster): Workload {
  const compiled = compileWorkload(cluster.state, 'app', 'web-1');
  if (compiled === null) throw new Error('no workload');
  return compiled;
}

function policy(cluster: TestCluster, port = 8080): PortPolicy {
  const found = workload(cluster).ports[port];
  if (found === undefined) throw new Error(`no policy of port ${port}`);
  return found;
}

function withServer(
  fields: Partial<Omit<ServerModel, 'meta'>>,
  ...authorizations: ServerAuthorizationModel[]
): TestCluster {
  const cluster = withPod();
  cluster.apply('Server', server('web', fields));
  cluster.apply('ServerAuthorization', ...authorizations);
  return cluster;
}

describe('compile: workload', () => {
  it('is not known before its pod is', () => {
    expect(compileWorkload(new TestCluster().state, 'app', 'web-1')).to.equal(null);
  });

  it('has the settings of the Mesh and the opaque ports of the pod', () => {
    const cluster = withPod({ meta: { annotations: { 'config.linkerd.io/opaque-ports': '25,http,9000-9010' } } });
    expect(workload(cluster)).to.deep.include({
      namespace: 'app',
      pod: 'web-1',
      opaquePorts: [
        [25, 25],
        [8080, 8080],
        [9000, 9010],
      ],
      settings: { detectTimeoutMs: 10_000, requireIdentity: false, tapRedacts: [], clusterNetworks: CLUSTER_NETWORKS },
    });
    cluster.apply('Mesh', mesh({ identity: { ...mesh().identity, required: true } }));
    expect(workload(cluster).settings.requireIdentity).to.equal(true);
  });

  it('knows container ports, probe ports and ports of Servers, but not the mesh port', () => {
    const cluster = withPod({
      containerPorts: [
        { name: 'http', port: 8080 },
        { name: 'linkerd-proxy', port: 4143 },
        { name: 'linkerd-admin', port: 4191 },
      ],
      httpProbes: [{ port: 8081, target: '/healthz' }],
      grpcProbePorts: [8082],
    });
    cluster.apply('Server', server('other', { port: 9000 }));
    expect(Object.keys(workload(cluster).ports)).to.deep.equal(['4191', '8080', '8081', '8082', '9000']);
  });
});

describe('compile: default inbound policy', () => {
  const label = (name: AccessPolicy) => ({ group: '', kind: 'default', name });
  const anyIdentity = { type: 'identities', identities: ['*'] };
  const anybody = { type: 'unauthenticated' };
  const cases: [AccessPolicy, object[], boolean][] = [
    ['all-unauthenticated', [{ networks: EVERYWHERE, authentication: anybody }], false],
    ['all-authenticated', [{ networks: EVERYWHERE, authentication: anyIdentity }], false],
    ['cluster-authenticated', [{ networks: IN_CLUSTER, authentication: anyIdentity }], false],
    ['cluster-unauthenticated', [{ networks: IN_CLUSTER, authentication: anybody }], false],
    ['deny', [], false],
    ['audit', [], true],
  ];
  for (const [name, authorizations, audit] of cases) {
    it(`${name} holds for known and for other ports`, () => {
      const cluster = withPod({ meta: { annotations: { 'config.linkerd.io/default-inbound-policy': name } } });
      const expected = {
        server: label(name),
        protocol: 'detect',
        authorizations: authorizations.map((each) => ({ label: label(name), ...each })),
        audit,
        rules: [],
        rateLimit: null,
        probePaths: [],
        grpcProbe: false,
        profile: null,
      };
      expect(workload(cluster).defaultPolicy).to.deep.equal(expected);
      expect(policy(cluster)).to.deep.equal(expected);
    });

    it(`accessPolicy ${name} of a Server is one more authorization`, () => {
      const cluster = withServer({ accessPolicy: name }, authorization('a'));
      const [own, ...rest] = policy(cluster).authorizations;
      expect(own?.label.kind).to.equal('serverauthorization');
      expect(rest).to.deep.equal(authorizations.map((each) => ({ label: label(name), ...each })));
      expect(policy(cluster).audit).to.equal(audit);
    });
  }

  it('comes from the pod, else its namespace, else the Mesh; an empty annotation is none, and an unknown name denies', () => {
    const annotation = (value: string) => ({ 'config.linkerd.io/default-inbound-policy': value });
    const cluster = withPod();
    cluster.apply('Mesh', mesh({ proxy: { ...mesh().proxy, defaultInboundPolicy: 'all-authenticated' } }));
    expect(workload(cluster).defaultPolicy.server.name).to.equal('all-authenticated');
    cluster.apply('Namespace', namespace('app', annotation('deny')));
    expect(workload(cluster).defaultPolicy.server.name).to.equal('deny');
    cluster.apply('Pod', pod('web-1', '10.1.0.1', { meta: { annotations: annotation('audit') } }));
    expect(workload(cluster).defaultPolicy.server.name).to.equal('audit');
    cluster.apply('Pod', pod('web-1', '10.1.0.1', { meta: { annotations: annotation('') } }));
    cluster.apply('Namespace', namespace('app', annotation('all-authenticated')));
    expect(workload(cluster).defaultPolicy.server.name).to.equal('all-authenticated');
    cluster.apply('Pod', pod('web-1', '10.1.0.1', { meta: { annotations: annotation('denny') } }));
    expect(workload(cluster).defaultPolicy.server.name).to.equal('deny');
  });

  it('demands an identity on the ports that the annotation lists', () => {
    const annotations = { 'config.linkerd.io/proxy-require-identity-inbound-ports': '8080,9000-9001' };
    const cluster = withPod({ meta: { annotations } });
    for (const port of [8080, 9000, 9001]) {
      expect(policy(cluster, port).authorizations[0]?.authentication.type, String(port)).to.equal('identities');
    }
    expect(workload(cluster).defaultPolicy.authorizations[0]?.authentication.type).to.equal('unauthenticated');
  });

  it('has opaque ports without detection', () => {
    const cluster = withPod({ containerPorts: [{ name: 'sql', port: 5432 }] });
    expect(policy(cluster, 5432).protocol).to.equal('opaque');
  });
});

describe('compile: Servers and their authorizations', () => {
  const protocols: [ServerModel['proxyProtocol'], string][] = [
    ['unknown', 'detect'],
    ['HTTP/1', 'http1'],
    ['HTTP/2', 'http2'],
    ['gRPC', 'grpc'],
    ['opaque', 'opaque'],
    ['TLS', 'tls'],
  ];
  for (const [proxyProtocol, expected] of protocols) {
    it(`proxyProtocol ${proxyProtocol} means ${expected}`, () => {
      expect(policy(withServer({ proxyProtocol }))).to.deep.include({
        server: { group: 'policy.linkerd.io', kind: 'server', name: 'web' },
        protocol: expected,
      });
    });
  }

  it('a Server without authorization denies', () => {
    expect(policy(withServer({}))).to.deep.include({ authorizations: [], audit: false });
  });

  it('the oldest Server on a port wins, then the first by name', () => {
    const cluster = withPod();
    cluster.apply('Server', server('b'), server('a', { meta: { creationTimestamp: '2026-02-01T00:00:00Z' } }));
    expect(policy(cluster).server.name).to.equal('b');
    cluster.apply('Server', server('a'));
    expect(policy(cluster).server.name).to.equal('a');
  });

  it('a Server applies to the pods that it selects, in its own namespace only', () => {
    const cluster = withPod();
    const selecting = (matchLabels: Record<string, string>) => ({ matchLabels, matchExpressions: [] });
    cluster.apply('Server', server('other-label', { podSelector: selecting({ app: 'db' }) }));
    cluster.apply('Server', server('other-namespace', { meta: { namespace: 'client' } }));
    cluster.apply('Server', server('external', { podSelector: null }));
    expect(policy(cluster).server.kind).to.equal('default');
    cluster.apply('Server', server('everything', { podSelector: selecting({}) }));
    expect(policy(cluster).server.name).to.equal('everything');
  });

  it('a named port stands for every container port of that name', () => {
    const cluster = withPod({
      containerPorts: [
        { name: 'http', port: 8080 },
        { name: 'http', port: 8082 },
        { name: 'grpc', port: 8081 },
      ],
    });
    cluster.apply('Server', server('web', { port: 'http' }));
    const kinds = [8080, 8081, 8082].map((port) => policy(cluster, port).server.kind);
    expect(kinds).to.deep.equal(['server', 'default', 'server']);
  });

  it('takes the union of authorizations by name and by selector', () => {
    const cluster = withPod();
    cluster.apply('Server', server('web', { meta: { labels: { tier: 'front' } } }));
    const selector = (tier: string) => ({ selector: { matchLabels: { tier }, matchExpressions: [] } });
    cluster.apply(
      'ServerAuthorization',
      authorization('by-selector', { server: selector('front') }),
      authorization('other-selector', { server: selector('back') }),
      authorization('by-name'),
      authorization('other-name', { server: { name: 'other' } }),
      authorization('other-namespace', { meta: { namespace: 'client' } }),
    );
    expect(policy(cluster).authorizations.map(({ label }) => label.name)).to.deep.equal(['by-name', 'by-selector']);
  });

  const clients: [string, ServerAuthorizationModel['client'], object][] = [
    ['unauthenticated', { type: 'unauthenticated' }, { type: 'unauthenticated' }],
    ['unauthenticatedTLS', { type: 'tls' }, { type: 'tls' }],
    [
      'identities and ServiceAccounts',
      {
        type: 'meshTls',
        identities: ['*.ops.example', 'x'],
        serviceAccounts: [{ name: 'traffic', namespace: 'client' }],
      },
      {
        type: 'identities',
        identities: ['*.ops.example', 'x', 'traffic.client.serviceaccount.identity.linkerd.cluster.local'],
      },
    ],
  ];
  for (const [name, client, authentication] of clients) {
    it(`authorizes ${name}`, () => {
      const cluster = withServer({}, authorization('a', { client }));
      expect(policy(cluster).authorizations).to.deep.equal([
        {
          label: { group: 'policy.linkerd.io', kind: 'serverauthorization', name: 'a' },
          networks: IN_CLUSTER,
          authentication,
        },
      ]);
    });
  }

  it('keeps networks that are written', () => {
    const networks = [{ cidr: '10.1.0.0/16', except: ['10.1.2.0/24'] }];
    const cluster = withServer({}, authorization('a', { networks }));
    expect(policy(cluster).authorizations[0]?.networks).to.deep.equal(networks);
  });
});

describe('compile: probes and inbound profiles', () => {
  it('lists the exact targets of the probes on a port, Server or not', () => {
    const httpProbes = [
      { port: 8080, target: '/ready?full=1' },
      { port: 8080, target: '/live' },
      { port: 8080, target: '/live' },
      { port: 8081, target: '/other' },
    ];
    const cluster = withPod({ httpProbes });
    expect(policy(cluster).probePaths).to.deep.equal(['/live', '/ready?full=1']);
    cluster.apply('Server', server('web'));
    expect(policy(cluster).probePaths).to.deep.equal(['/live', '/ready?full=1']);
    expect(policy(cluster, 8081).probePaths).to.deep.equal(['/other']);
    expect(workload(cluster).defaultPolicy.probePaths).to.deep.equal([]);
  });

  it('takes the routes of the oldest Service with a profile that targets the port', () => {
    const cluster = withPod();
    const aged = (creationTimestamp: string) => ({ meta: { creationTimestamp }, selector: { app: 'web' } });
    cluster.apply('Service', service('newer', '10.0.0.3', aged('2026-02-02T00:00:00Z')));
    cluster.apply(
      'Service',
      service('web', '10.0.0.1', { ...aged('2026-01-02T00:00:00Z'), ports: [servicePort(80, { targetPort: 'http' })] }),
    );
    cluster.apply('Service', service('oldest-without-routes', '10.0.0.2', aged('2026-01-01T00:00:00Z')));
    const routes = [route('r')];
    cluster.apply(
      'ServiceProfile',
      profile('newer', { routes: [route('n')] }),
      profile('web', { routes }),
      profile('oldest-without-routes'),
    );
    expect(policy(cluster).profile).to.deep.equal({ dst: 'web.app.svc.cluster.local:80', routes });
  });

  it('has no routes of Services that select other pods, other ports, or nothing at all', () => {
    const cluster = withPod();
    cluster.apply('Service', service('a', '10.0.0.1', { selector: { app: 'db' } }));
    cluster.apply(
      'Service',
      service('b', '10.0.0.2', { selector: { app: 'web' }, ports: [servicePort(80, { targetPort: 1 })] }),
    );
    cluster.apply('Service', service('c', '10.0.0.3', { selector: {} }));
    cluster.apply('ServiceProfile', ...['a', 'b', 'c'].map((name) => profile(name, { routes: [route('r')] })));
    expect(policy(cluster).profile).to.equal(null);
  });

  it('has no routes of a profile in the namespace of a client (C14)', () => {
    const cluster = withPod();
    cluster.apply('Service', service('web', '10.0.0.1'));
    cluster.apply('ServiceProfile', profile('web', { meta: { namespace: 'client' }, routes: [route('r')] }));
    expect(policy(cluster).profile).to.equal(null);
  });
});

describe('compile: trust', () => {
  it('is the bundle, once it is known', () => {
    const cluster = new TestCluster();
    expect(compileTrust(cluster.state)).to.equal(null);
    cluster.state.applyTrust({ anchorsPem: 'PEM', resourceVersion: '7' });
    expect(compileTrust(cluster.state)).to.deep.equal({ anchorsPem: 'PEM' });
  });
});
