import { expect } from 'chai';
import type { Dimension } from '../../../../crds/viz/dimensions.ts';
import type { TrafficItem } from '../../../../crds/viz/traffic-list.ts';
import { COUNTER } from '../../../../proxy-image/contract/traffic/counters.ts';
import { CliCluster, type KubeObject } from '../../../support/cli-cluster.ts';
import { deployment, meshedPod } from '../../../support/cli-objects.ts';

const TRAFFIC = '/apis/viz.weft.dev/v1alpha1/namespaces/shop/traffic';
const POLICY = 'policy.linkerd.io';
const BOOKS = 'books.shop.serviceaccount.identity.linkerd.cluster.local';

type Labels = Partial<Record<Dimension, string>>;

/** One series of a proxy, as the control plane puts it together: requests of a minute. */
interface Series {
  labels: Labels;
  success?: number;
  failure?: number;
  denied?: number;
  p50?: number;
}

function policy(version: string, kind: string, name: string, spec: object): KubeObject {
  const metadata = { name, namespace: 'shop', uid: `uid-${name}`, resourceVersion: '1' };
  return { apiVersion: `${POLICY}/${version}`, kind, metadata, spec };
}

const SERVER = policy('v1beta3', 'Server', 'web-http', {
  podSelector: { matchLabels: { app: 'web' } },
  port: 8080,
  proxyProtocol: 'HTTP/1',
});
const authorizes = (name: string, target: object, ...refs: object[]) =>
  policy('v1alpha1', 'AuthorizationPolicy', name, {
    targetRef: { group: POLICY, ...target },
    requiredAuthenticationRefs: refs,
  });

describe('weft authz', () => {
  const cluster = new CliCluster();
  let series: Series[] = [];

  before(() => cluster.start());
  beforeEach(() => {
    cluster.reset();
    series = [];
    cluster.answers.set(TRAFFIC, (url) => ({ status: 200, text: JSON.stringify(answerOf(url, series)) }));
    const owner = [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-abc', controller: true }];
    const pod = (name: string): KubeObject => {
      const made = meshedPod(name, { app: 'web', 'pod-template-hash': 'abc' });
      return { ...made, metadata: { ...made.metadata, ownerReferences: owner } };
    };
    cluster.objects = [deployment('web'), pod('web-1'), pod('web-2')];
  });
  after(() => cluster.stop());

  const linesOf = async (...argv: string[]) => {
    const { status, stdout, stderr } = await cluster.run(['authz', 'deploy/web', ...argv]);
    expect(status, stderr).to.equal(0);
    return stdout.split('\n').slice(0, -1);
  };

  it('without a Server shows the default policy, in the columns of Linkerd, with what it has let in', async () => {
    const server = { serverKind: 'default', serverName: 'all-unauthenticated' };
    series = [
      {
        labels: {
          ...server,
          routeKind: 'default',
          routeName: 'default',
          authorizationKind: 'default',
          authorizationName: 'all-unauthenticated',
        },
        success: 57,
        failure: 3,
        p50: 4,
      },
      {
        labels: {
          ...server,
          routeKind: 'default',
          routeName: 'probe',
          authorizationKind: 'default',
          authorizationName: 'probe',
        },
        success: 12,
        p50: 1,
      },
    ];
    expect(await linesOf()).to.deep.equal([
      'ROUTE    SERVER                       AUTHORIZATION                UNAUTHORIZED  SUCCESS     RPS  LATENCY_P50  LATENCY_P95  LATENCY_P99',
      'default  default:all-unauthenticated  default/all-unauthenticated        0.0rps   95.00%  1.0rps          4ms          4ms          4ms',
      'probe    default:all-unauthenticated  default/probe                      0.0rps  100.00%  0.2rps          1ms          1ms          1ms',
    ]);
  });

  it('shows what applies and has no traffic, what nothing lets in, and with -o wide who is meant and who is affected', async () => {
    cluster.objects.push(
      SERVER,
      authorizes(
        'books-only',
        { kind: 'Server', name: 'web-http' },
        { group: POLICY, kind: 'MeshTLSAuthentication', name: 'books' },
      ),
      policy('v1alpha1', 'MeshTLSAuthentication', 'books', {
        identityRefs: [{ kind: 'ServiceAccount', name: 'books' }],
      }),
      policy('v1beta1', 'ServerAuthorization', 'from-office', {
        server: { name: 'web-http' },
        client: { networks: [{ cidr: '10.9.0.0/16', except: ['10.9.1.0/24'] }], unauthenticated: true },
      }),
    );
    const place = { serverKind: 'server', serverName: 'web-http', routeKind: 'default', routeName: 'default' };
    series = [
      {
        labels: {
          ...place,
          authorizationKind: 'authorizationpolicy',
          authorizationName: 'books-only',
          peerIdentity: BOOKS,
        },
        success: 60,
        p50: 2,
      },
      { labels: { ...place, authorizationKind: '', authorizationName: '', peerIdentity: '' }, denied: 30 },
      {
        labels: {
          ...place,
          authorizationKind: '',
          authorizationName: '',
          peerIdentity: BOOKS.replace('books', 'evil'),
        },
        denied: 60,
      },
    ];
    const [, ...rows] = (await linesOf('-o', 'wide')).map((line) => line.split(/ {2,}/));
    expect(rows).to.deep.equal([
      [
        'default',
        'web-http',
        'authorizationpolicy/books-only',
        '0.0rps',
        '100.00%',
        '1.0rps',
        '2ms',
        '2ms',
        '2ms',
        '8080',
        '2',
        'books.shop',
      ],
      [
        ...['default', 'web-http', 'serverauthorization/from-office', '-', '-', '-', '-', '-', '-', '8080', '2'],
        'anybody from 10.9.0.0/16 except 10.9.1.0/24',
      ],
      // Nobody is let in by nothing.
      ['default', 'web-http', '1.5rps', '-', '-', '-', '-', '-', '-', '0', 'refused: evil.shop, without identity'],
    ]);
    const { stdout } = await cluster.run(['authz', 'deploy/web', '-o', 'name']);
    expect(stdout).to.equal(`authorizationpolicy.${POLICY}/books-only\nserverauthorization.${POLICY}/from-office\n`);
  });

  it('shows routes with their own authorizations and those of the Server, and a Server that lets nobody in', async () => {
    cluster.objects.push(
      SERVER,
      policy('v1beta3', 'HTTPRoute', 'admin', {
        parentRefs: [{ group: POLICY, kind: 'Server', name: 'web-http' }],
        rules: [{ matches: [{ path: { value: '/admin' } }] }],
      }),
      authorizes(
        'operators',
        { kind: 'HTTPRoute', name: 'admin' },
        { kind: 'ServiceAccount', name: 'ops', namespace: 'infra' },
      ),
    );
    const rowsOf = async () => JSON.parse((await cluster.run(['authz', 'deploy/web', '-o', 'json'])).stdout);
    expect(await rowsOf()).to.deep.equal([
      {
        route: 'admin',
        route_kind: 'HTTPRoute',
        server: 'web-http',
        server_kind: 'server',
        authorization: 'operators',
        authorization_kind: 'authorizationpolicy',
        unauthorized: null,
        success: null,
        rps: null,
        latency_ms_p50: null,
        latency_ms_p95: null,
        latency_ms_p99: null,
        ports: [8080],
        pods: 2,
        clients: 'ops.infra',
      },
    ]);
    cluster.objects = cluster.objects.filter(({ kind }) => kind !== 'HTTPRoute');
    const [row] = await rowsOf();
    expect(row).to.include({ route: 'default', server: 'web-http', authorization: null, clients: 'nobody' });
  });

  it('counts connections that nothing has let in, where no requests are seen', async () => {
    const opaque = { ...SERVER, spec: { ...(SERVER['spec'] as object), proxyProtocol: 'opaque' } };
    cluster.objects.push(opaque);
    const place = { serverKind: 'server', serverName: 'web-http', routeKind: 'default', routeName: 'default' };
    const { serverKind, serverName } = place;
    series = [
      { labels: { ...place, counted: 'connections' }, denied: 6 },
      // Those that were let in: of them it is not said by what.
      { labels: { serverKind, serverName, counted: 'connections' }, success: 0 },
    ];
    const [, ...rows] = (await linesOf()).map((line) => line.split(/ {2,}/));
    expect(rows).to.deep.equal([['default', 'web-http', '0.1rps', '-', '-', '-', '-', '-']]);
  });

  it('asks for the numbers of the resource alone', async () => {
    const askedFor = async (...argv: string[]) => {
      cluster.asked.length = 0;
      await cluster.run(['authz', ...argv]);
      const { url = '' } = cluster.asked.find((request) => request.url?.startsWith(TRAFFIC)) ?? {};
      const query = Object.fromEntries(new URL(url, 'http://api').searchParams);
      return Object.fromEntries(
        Object.entries(query).filter(([name]) => name.startsWith('where.') || name === 'seconds'),
      );
    };
    const inbound = { 'where.direction': 'inbound' };
    const ofWorkload = { ...inbound, 'where.kind': 'Deployment', 'where.name': 'web', seconds: '300' };
    expect(await askedFor('deploy/web', '-t', '5m')).to.deep.equal(ofWorkload);
    expect(await askedFor('po', 'web-1')).to.deep.equal({ ...inbound, 'where.pod': 'web-1', seconds: '60' });
    expect(await askedFor('ns/shop')).to.deep.equal({ ...inbound, seconds: '60' });
  });

  it('says what applies where there are no live numbers, and why there are none', async () => {
    cluster.answers.set(TRAFFIC, () => ({ status: 404, text: '404 page not found' }));
    const { status, stdout, stderr } = await cluster.run(['authz', 'deploy/web']);
    expect(stdout).to.match(/^default +default:all-unauthenticated +default\/all-unauthenticated +- +- +- +- +- +-$/m);
    expect(stderr).to.match(/^no live numbers: .*viz\.weft\.dev\/v1alpha1 is not there$/m);
    expect(status).to.equal(0);
    const wrong = await cluster.run(['authz', 'deploy']);
    expect(wrong.stderr).to.match(/^WEFT_CLI_USAGE: .*which one\?/);
    expect((await cluster.run(['authz', 'deploy/absent'])).stderr).to.match(/^WEFT_CLI_RESOURCE: /);
  });
});

/** Series that are alike in what is asked for, put together. */
function answerOf({ searchParams }: URL, series: readonly Series[]): object {
  const by = (searchParams.get('by') ?? '').split(',') as Dimension[];
  const items = new Map<string, TrafficItem>();
  for (const { labels, p50 = null, ...counted } of series) {
    const own = by.map((dimension) => ({ counted: 'requests', ...labels })[dimension] ?? '');
    const known = items.get(own.join('\n'));
    const counts = Object.keys(COUNTER).map((name) => {
      const before = known?.counts[name as keyof typeof COUNTER] ?? 0;
      return [name, before + ((counted as Record<string, number>)[name] ?? 0)];
    });
    items.set(own.join('\n'), {
      labels: own,
      proxies: 1,
      seconds: 60,
      counts: Object.fromEntries(counts),
      latencyMs: { p50, p95: p50, p99: p50 },
    });
  }
  const head = { apiVersion: 'viz.weft.dev/v1alpha1', kind: 'TrafficList', metadata: {}, by, seconds: 60, missing: [] };
  return { ...head, items: [...items.values()] };
}
