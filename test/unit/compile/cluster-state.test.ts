import { expect } from 'chai';
import { compile } from '../../../crds/compile/compile.ts';
import { authorizationsFor } from '../../../crds/kinds/authorization/server-authorization.ts';
import { DEFAULT_MESH } from '../../../crds/kinds/mesh/parse.ts';
import { MESH_READ, meshOf } from '../../../crds/kinds/mesh/queries.ts';
import { POD } from '../../../crds/kinds/pod/model.ts';
import { podByIp } from '../../../crds/kinds/pod/queries.ts';
import { KINDS } from '../../../crds/kinds/registry.ts';
import { serversSelecting } from '../../../crds/kinds/server/queries.ts';
import { SERVICE, type ServiceModel } from '../../../crds/kinds/service/model.ts';
import { serviceByIp, serviceOf } from '../../../crds/kinds/service/queries.ts';
import { SERVICE_PROFILE } from '../../../crds/kinds/service-profile/model.ts';
import { profileOf } from '../../../crds/kinds/service-profile/queries.ts';
import { ClusterState } from '../../../crds/state/cluster-state.ts';
import { Departed } from '../../../crds/state/departed.ts';
import { recording } from '../../../crds/state/recording.ts';
import { parseKey, type ResourceKey } from '../../../proxy-image/contract/keys.ts';
import {
  authorization,
  mesh,
  meta,
  pod,
  profile,
  route,
  server,
  service,
  slice,
  split,
  TestCluster,
  webCluster,
} from '../../support/models.ts';

function key(text: string): ResourceKey {
  const parsed = parseKey(text);
  if (parsed === null) throw new Error(text);
  return parsed;
}

const WEB = key('service/10.0.0.1:80');

function sortedReads(reads: ReadonlySet<string>): string[] {
  return [...reads].sort();
}

describe('ClusterState.apply', () => {
  it('names the reads that look the object up by name and by index', () => {
    const cluster = new TestCluster();
    expect(sortedReads(cluster.apply('Service', service('web', '10.0.0.1')))).to.deep.equal([
      'Service#byIp/10.0.0.1',
      'Service#selecting/app/app=web',
      'Service#selecting:keys/app',
      'Service/app/*',
      'Service/app/web',
    ]);
    expect(sortedReads(cluster.apply('Pod', pod('web-1', '10.1.0.1')))).to.deep.equal([
      'Pod#byIp/10.1.0.1',
      'Pod/app/*',
      'Pod/app/web-1',
    ]);
    expect(sortedReads(cluster.apply('TrafficSplit', split('s', 'web', {})))).to.deep.equal([
      'TrafficSplit.split.smi-spec.io#ofService/app/web',
      'TrafficSplit.split.smi-spec.io/app/*',
      'TrafficSplit.split.smi-spec.io/app/s',
    ]);
    expect(sortedReads(cluster.apply('EndpointSlice', slice('x', 'web', [])))).to.deep.equal([
      'EndpointSlice.discovery.k8s.io#ofService/app/web',
      'EndpointSlice.discovery.k8s.io/app/*',
      'EndpointSlice.discovery.k8s.io/app/x',
    ]);
  });

  it('names the old and the new reads of an object that moves', () => {
    const cluster = new TestCluster();
    cluster.apply('Service', service('web', '10.0.0.1'));
    const touched = cluster.apply('Service', service('web', '10.0.0.2', { selector: { tier: 'x' } }));
    expect(sortedReads(touched)).to.deep.equal([
      'Service#byIp/10.0.0.1',
      'Service#byIp/10.0.0.2',
      'Service#selecting/app/app=web',
      'Service#selecting/app/tier=x',
      'Service#selecting:keys/app',
      'Service/app/*',
      'Service/app/web',
    ]);
    expect(serviceByIp(cluster.state, '10.0.0.1')).to.equal(null);
    expect(serviceByIp(cluster.state, '10.0.0.2')?.meta.name).to.equal('web');
  });

  it('touches nothing when an object is written again with the same meaning, but knows its newer version', () => {
    const cluster = webCluster();
    const again = cluster.apply('Service', service('web', '10.0.0.1', { meta: { generation: 9 } }));
    expect([...again]).to.deep.equal([]);
    expect(serviceOf(cluster.state, 'app', 'web')?.meta.resourceVersion).to.equal(String(cluster.revision));
    expect(serviceByIp(cluster.state, '10.0.0.1')?.meta.resourceVersion).to.equal(String(cluster.revision));
  });

  it('touches the reads of a deleted object, and nothing when it was not there', () => {
    const cluster = webCluster();
    expect(sortedReads(cluster.remove('Pod', pod('web-1', '10.1.0.1')))).to.include('Pod#byIp/10.1.0.1');
    expect([...cluster.remove('Pod', pod('web-1', '10.1.0.1'))]).to.deep.equal([]);
  });

  it('ignores an older version of what it holds, as an API server that lags may list it', () => {
    const state = new ClusterState(KINDS);
    const at = (resourceVersion: string, clusterIP: string): ServiceModel => {
      return service('web', clusterIP, { meta: { resourceVersion } });
    };
    const apply = (model: ServiceModel) => state.apply(SERVICE, model, model.meta);
    apply(at('100', '10.0.0.2'));
    expect(apply(at('99', '10.0.0.1')).size).to.equal(0);
    expect(serviceOf(state, 'app', 'web')?.clusterIPs).to.deep.equal(['10.0.0.2']);
    const recreated = service('web', '10.0.0.1', { meta: { resourceVersion: '99', uid: 'another' } });
    expect(state.apply(SERVICE, recreated, recreated.meta).size).to.be.greaterThan(0);
    expect(serviceOf(state, 'app', 'web')?.clusterIPs).to.deep.equal(['10.0.0.1']);
  });

  it('falls back to the default Mesh when the object is gone', () => {
    const cluster = new TestCluster();
    cluster.apply('Mesh', mesh({ clusterDomain: 'example.org' }));
    expect(meshOf(cluster.state).clusterDomain).to.equal('example.org');
    expect([...cluster.remove('Mesh', mesh())]).to.include(MESH_READ);
    expect(meshOf(cluster.state)).to.equal(DEFAULT_MESH);
  });

  it('touches trust only when the bundle differs', () => {
    const { state } = new TestCluster();
    expect([...state.applyTrust({ anchorsPem: 'A', resourceVersion: '1' })]).to.deep.equal(['trust']);
    expect([...state.applyTrust({ anchorsPem: 'A', resourceVersion: '2' })]).to.deep.equal([]);
  });
});

describe('ClusterState: label indexes', () => {
  it('finds Servers by label, expression and empty selector, oldest first', () => {
    const cluster = new TestCluster();
    const expression = { key: 'app', operator: 'In' as const, values: ['web', 'db'] };
    cluster.apply(
      'Server',
      server('by-label', { meta: { creationTimestamp: '2026-01-03T00:00:00Z' } }),
      server('by-expression', {
        podSelector: { matchLabels: {}, matchExpressions: [expression] },
        meta: { creationTimestamp: '2026-01-02T00:00:00Z' },
      }),
      server('all', { podSelector: { matchLabels: {}, matchExpressions: [] } }),
      server('two-labels', { podSelector: { matchLabels: { app: 'web', tier: 'x' }, matchExpressions: [] } }),
    );
    const names = (labels: Record<string, string>) =>
      serversSelecting(cluster.state, 'app', labels).map((each) => each.meta.name);
    expect(names({ app: 'web' })).to.deep.equal(['all', 'by-expression', 'by-label']);
    expect(names({ app: 'web', tier: 'x' })).to.deep.equal(['all', 'two-labels', 'by-expression', 'by-label']);
    expect(names({ app: 'db' })).to.deep.equal(['all', 'by-expression']);
    expect(names({})).to.deep.equal(['all']);
  });

  it('does not let a new Service touch workloads with other labels', () => {
    const cluster = new TestCluster();
    cluster.apply('Pod', pod('web-1', '10.1.0.1'));
    cluster.apply('Service', service('db', '10.0.0.9'));
    const { reads } = compile(cluster.state, { kind: 'workload', namespace: 'app', pod: 'web-1' }, '');
    const touched = cluster.apply('Service', service('db2', '10.0.0.8', { selector: { app: 'db' } }));
    expect([...touched].filter((read) => reads.has(read))).to.deep.equal([]);
    const first = cluster.apply('Service', service('web', '10.0.0.1'));
    expect([...first].filter((read) => reads.has(read))).to.deep.equal(['Service#selecting/app/app=web']);
  });

  it('tells readers when selectors start to use another label key', () => {
    const cluster = new TestCluster();
    cluster.apply('Pod', pod('web-1', '10.1.0.1'));
    const { reads } = compile(cluster.state, { kind: 'workload', namespace: 'app', pod: 'web-1' }, '');
    const touched = cluster.apply('Server', server('web'));
    expect([...touched].filter((read) => reads.has(read))).to.include('Server.policy.linkerd.io#selecting:keys/app');
  });

  it('finds authorizations by name of the Server and by its labels', () => {
    const cluster = new TestCluster();
    const selector = { matchLabels: { tier: 'front' }, matchExpressions: [] };
    cluster.apply('ServerAuthorization', authorization('b'), authorization('a', { server: { selector } }));
    const names = (of: ReturnType<typeof server>) =>
      authorizationsFor(cluster.state, of.meta).map((each) => each.meta.name);
    expect(names(server('web', { meta: { labels: { tier: 'front' } } }))).to.deep.equal(['a', 'b']);
    expect(names(server('web'))).to.deep.equal(['b']);
    expect(names(server('x'))).to.deep.equal([]);
  });

  it('does not take properties of every object for labels', () => {
    const cluster = new TestCluster();
    const podSelector = { matchLabels: { constructor: 'x' }, matchExpressions: [] };
    cluster.apply('Server', server('odd', { podSelector }));
    expect(serversSelecting(cluster.state, 'app', {})).to.deep.equal([]);
  });
});

describe('sources', () => {
  it('are the newest resourceVersion of what was read, compared as numbers of any length', () => {
    const state = new ClusterState(KINDS);
    const of = (name: string, ip: string, resourceVersion: string) => service(name, ip, { meta: { resourceVersion } });
    for (const model of [of('web', '10.0.0.1', '99'), of('other', '10.0.0.2', '18446744073709551617')]) {
      state.apply(SERVICE, model, model.meta);
    }
    expect(compile(state, WEB, '').compiled?.sources).to.equal('99');
    const newer = profile('web', { meta: { resourceVersion: '100' } });
    state.apply(SERVICE_PROFILE, newer, newer.meta);
    expect(compile(state, WEB, '').compiled?.sources).to.equal('100');
    expect(compile(state, key('service/10.0.0.2:80'), '').compiled?.sources).to.equal('18446744073709551617');
  });

  it('do not fall when the newest object is deleted', () => {
    const cluster = webCluster();
    cluster.apply('TrafficSplit', split('s', 'web', { web: 1 }));
    cluster.remove('TrafficSplit', split('s', 'web', { web: 1 }));
    expect(compile(cluster.state, WEB, '').compiled?.sources).to.equal(String(cluster.revision));
  });

  it('count an object that moved away to another Service', () => {
    const cluster = webCluster();
    cluster.apply('TrafficSplit', split('s', 'web', { web: 1 }));
    cluster.apply('TrafficSplit', split('s', 'elsewhere', { web: 1 }));
    expect(compile(cluster.state, WEB, '').compiled?.sources).to.equal(String(cluster.revision));
  });

  it('forget what left long ago before they fill the memory', () => {
    const departed = new Departed();
    for (let at = 0; at <= 20_000; at += 1) departed.note(`pod/app/${at}`, String(at + 1));
    expect([departed.of('pod/app/0'), departed.of('pod/app/1')]).to.deep.equal(['', '2']);
    departed.note('pod/app/1', '1');
    expect(departed.of('pod/app/1')).to.equal('2');
  });

  it('make no version of their own', () => {
    const cluster = webCluster();
    const before = compile(cluster.state, WEB, '').compiled;
    cluster.apply('Service', service('web', '10.0.0.1'));
    const after = compile(cluster.state, WEB, '').compiled;
    expect(after?.sources).not.to.equal(before?.sources);
    expect(after?.version).to.equal(before?.version);
    expect(JSON.parse(after?.text ?? '')).to.deep.equal(after?.body);
  });
});

describe('ClusterState.position', () => {
  it('is that of the kind that has seen least, and empty while one has seen nothing', () => {
    const { state } = new TestCluster();
    for (const kind of KINDS.filter(({ id }) => id !== POD.id)) state.advance(kind, '50');
    expect(state.position()).to.equal('');
    state.advance(POD, '9');
    expect(state.position()).to.equal('9');
    state.advance(POD, '70');
    state.advance(POD, '60');
    expect(state.position()).to.equal('50');
    state.apply(POD, pod('p', '10.1.0.1'), meta('p', { resourceVersion: '71' }));
    state.advance(SERVICE, '100');
    expect(state.position()).to.equal('50');
  });
});

describe('recording', () => {
  it('notes only custom resources that took effect', () => {
    const cluster = webCluster();
    cluster.apply('TrafficSplit', split('a', 'web', { web: 1 }), split('b', 'web', { web: 1 }));
    cluster.apply('ServiceProfile', profile('web', { routes: [route('r')] }));
    const { uses } = compile(cluster.state, WEB, '');
    expect([...uses].sort()).to.deep.equal([
      'ServiceProfile.linkerd.io/app/web.app.svc.cluster.local',
      'TrafficSplit.split.smi-spec.io/app/a',
    ]);
  });

  it('notes reads that found nothing, so that what appears later is seen', () => {
    const cluster = new TestCluster();
    const record = recording(cluster.state);
    profileOf(record.view, 'app', 'x');
    podByIp(record.view, '10.9.9.9');
    expect([...record.reads]).to.deep.equal(['ServiceProfile.linkerd.io/app/x', 'Pod#byIp/10.9.9.9']);
    expect(record.sources()).to.equal('0');
  });
});
