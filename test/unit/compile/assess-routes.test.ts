import { expect } from 'chai';
import { assessRoute } from '../../../crds/kinds/route/assess/parents.ts';
import type { RouteModel } from '../../../crds/kinds/route/model.ts';
import type { ParentAssessment } from '../../../crds/kinds/row.ts';
import { recording } from '../../../crds/state/recording.ts';
import { clusterOf, put, rowOf } from '../../support/routes/cluster.ts';
import {
  backend,
  CALLS,
  exact,
  extension,
  fault,
  grpc,
  header,
  http,
  mirror,
  parentOf,
  regex,
  to,
} from '../../support/routes/world.ts';

/** What is said of the first of `objects`, a route. */
function assess(...objects: object[]): ParentAssessment[] {
  const [route] = objects;
  const { model } = rowOf(route!).parse(route);
  return assessRoute(clusterOf(objects), model as RouteModel);
}

const only = (...objects: object[]): ParentAssessment => {
  const found = assess(...objects);
  expect(found).to.have.length(1);
  return found[0]!;
};

function profile(spec: object, namespace = 'shop'): object {
  const metadata = { name: 'web.shop.svc.cluster.local', namespace };
  return { apiVersion: 'linkerd.io/v1alpha2', kind: 'ServiceProfile', metadata, spec };
}

const ROUTES = { routes: [{ name: 'a', condition: { pathRegex: '/a' } }] };
const OVERRIDES = { dstOverrides: [{ authority: 'v1.shop.svc.cluster.local:80', weight: '1' }] };

describe('assessment of routes', () => {
  it('accepts a route of a Service with a cluster IP, and says whom it is for', () => {
    const { parentRef, accepted, resolvedRefs, partiallyInvalid } = only(http('r', [to('v1')]));
    expect(parentRef).to.deep.equal({ group: '', kind: 'Service', name: 'web', namespace: 'shop' });
    expect(accepted).to.deep.equal({
      ok: true,
      reason: 'Accepted',
      message: 'routes requests of all clients to Service shop/web',
    });
    expect(resolvedRefs).to.include({ ok: true, reason: 'ResolvedRefs' });
    expect(partiallyInvalid).to.equal(null);
    const consumer = only(http('r', [to('v1', { namespace: 'shop' })], { namespace: 'buyer' }));
    expect(consumer.accepted.message).to.equal('routes requests of clients in namespace buyer to Service shop/web');
  });

  const noParent: [string, object, string][] = [
    ['does not exist', parentOf('none'), 'Service shop/none does not exist'],
    [
      'is of type ExternalName',
      parentOf('outside'),
      'Service shop/outside must have a cluster IP: nothing else is routed',
    ],
    ['is headless', parentOf('headless'), 'Service shop/headless must have a cluster IP: nothing else is routed'],
    ['has no such port', parentOf('web', { port: 81 }), 'Service shop/web has no TCP port of that number and name'],
    [
      'has no port of that name',
      parentOf('web', { sectionName: 'x' }),
      'Service shop/web has no TCP port of that number and name',
    ],
    [
      'has the name on another port',
      parentOf('web', { sectionName: 'alt', port: 80 }),
      'Service shop/web has no TCP port of that number and name',
    ],
    [
      'is a Server that does not exist',
      { group: 'policy.linkerd.io', kind: 'Server', name: 's' },
      'Server shop/s does not exist in the namespace of the route',
    ],
    [
      'is an EgressNetwork, for which Linkerd’s controller would speak',
      { group: 'policy.linkerd.io', kind: 'EgressNetwork', name: 'outside', port: 443 },
      'EgressNetwork shop/outside routes nothing: EgressNetworks are not supported',
    ],
  ];
  const headless = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'headless', namespace: 'shop' },
    spec: { clusterIP: 'None', clusterIPs: ['None'], ports: [{ port: 80, protocol: 'TCP' }] },
  };
  for (const [title, parent, message] of noParent) {
    it(`does not accept one whose parent ${title}`, () => {
      const { accepted } = only(http('r', [to('v1')], { parents: [parent] }), headless);
      expect(accepted).to.deep.equal({ ok: false, reason: 'NoMatchingParent', message });
    });
  }

  it('says of each parent what holds for it, and nothing of those of other controllers', () => {
    const parents = [{ name: 'gateway' }, parentOf('web'), parentOf('none')];
    const found = assess(http('r', [to('v1')], { parents }));
    expect(found.map(({ parentRef, accepted }) => [parentRef['name'], accepted.ok])).to.deep.equal([
      ['web', true],
      ['none', false],
    ]);
  });

  it('accepts a route of a Server of its namespace', () => {
    const server = {
      apiVersion: 'policy.linkerd.io/v1beta3',
      kind: 'Server',
      metadata: { name: 's', namespace: 'shop' },
      spec: { podSelector: {}, port: 80 },
    };
    const parents = [{ group: 'policy.linkerd.io', kind: 'Server', name: 's' }];
    expect(only(http('r', [{}], { parents }), server).accepted.ok).to.equal(true);
  });

  describe('what overrules a route', () => {
    const conflict = (message: string) => ({ ok: false, reason: 'RouteReasonConflicted', message });
    const taken = 'ServiceProfile shop/web.shop.svc.cluster.local has routes and takes its place';

    it('is a profile with routes or dstOverrides', () => {
      for (const spec of [ROUTES, OVERRIDES]) {
        expect(only(http('r', [to('v1')]), profile(spec)).accepted).to.deep.equal(conflict(taken));
      }
    });

    it('is not a profile with neither', () => {
      const spec = { opaquePorts: ['25'], retryBudget: { retryRatio: 0.2, minRetriesPerSecond: 1, ttl: '10s' } };
      expect(only(http('r', [to('v1')]), profile(spec)).accepted.ok).to.equal(true);
    });

    it("is a profile of another namespace for that namespace's routes alone", () => {
      const consumers = http('r', [to('v1', { namespace: 'shop' })], { namespace: 'buyer' });
      expect(only(http('r', [to('v1')]), profile(ROUTES, 'buyer')).accepted.ok).to.equal(true);
      expect(only(consumers, profile(ROUTES, 'buyer')).accepted.ok).to.equal(false);
    });

    it('is a TrafficSplit', () => {
      const split = {
        apiVersion: 'split.smi-spec.io/v1alpha1',
        kind: 'TrafficSplit',
        metadata: { name: 's', namespace: 'shop' },
        spec: { service: 'web', backends: [{ service: 'v1', weight: 1 }] },
      };
      expect(only(http('r', [to('v1')]), split).accepted).to.deep.equal(
        conflict('TrafficSplit shop/s takes its place'),
      );
    });

    it('is a GRPCRoute on the same port', () => {
      const rival = grpc('g', [{}], { parents: [parentOf('web', { port: 80 })] });
      const onOne = http('r', [to('v1')], { parents: [parentOf('web', { port: 80 })] });
      expect(only(onOne, rival).accepted).to.deep.equal(
        conflict('a GRPCRoute is attached to port 80 and takes its place'),
      );
      expect(only(rival, onOne).accepted.ok).to.equal(true);
      const onAll = only(http('r', [to('v1')]), rival).accepted;
      expect(onAll).to.include({ ok: true });
      expect(onAll.message).to.match(/, but for port 80, which another type of route has$/);
    });

    it('is not a GRPCRoute of another namespace', () => {
      const rival = grpc('g', [{}], { namespace: 'buyer', parents: [parentOf('web')] });
      expect(only(http('r', [to('v1')]), rival).accepted.ok).to.equal(true);
    });
  });

  it('does not accept a GRPCRoute on a port for HTTP/1, nor any route on one for another protocol', () => {
    const service = (appProtocol: string) => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web', namespace: 'shop' },
      spec: { clusterIPs: ['10.96.0.10'], ports: [{ name: 'a', port: 80, protocol: 'TCP', appProtocol }] },
    });
    const onWeb = grpc('g', [{}], { parents: [parentOf('web')] });
    expect(only(onWeb, service('http')).accepted).to.include({ ok: false, reason: 'NoMatchingParent' });
    expect(only(http('r', [to('v1')]), service('postgres')).accepted).to.include({
      ok: false,
      reason: 'NoMatchingParent',
    });
    expect(only(grpc('g', [{}], { parents: [parentOf(CALLS.service)] })).accepted.ok).to.equal(true);
  });

  describe('rules that cannot be carried out', () => {
    const broken = { filters: [{ type: 'CORS', cors: {} }], ...to('v1') };

    it('are named by a condition of their own while others hold', () => {
      const { accepted, partiallyInvalid } = only(http('r', [to('v1'), { matches: [exact('/a')], ...broken }]));
      expect(accepted.ok).to.equal(true);
      expect(partiallyInvalid).to.include({ ok: true, reason: 'UnsupportedValue' });
      expect(partiallyInvalid!.message).to.match(/^Dropped Rule: .*spec\.rules\[1\]\.filters\[0\]\.type/);
    });

    it('make the route not accepted when there are no others', () => {
      const { accepted, partiallyInvalid } = only(http('r', [broken]));
      expect(accepted).to.include({ ok: false, reason: 'UnsupportedValue' });
      expect(partiallyInvalid).to.equal(null);
    });

    it('are those with an expression that does not compile', () => {
      expect(only(http('r', [{ matches: [regex('/a(')], ...to('v1') }])).accepted.reason).to.equal('UnsupportedValue');
    });
  });

  describe('references', () => {
    const refs = (...rules: object[]) => only(http('r', rules)).resolvedRefs;
    const cases: [string, object, string, string][] = [
      ['a Service that does not exist', to('none'), 'BackendNotFound', 'Service shop/none does not exist'],
      ['a port that does not exist', to('v1', { port: 81 }), 'BackendNotFound', 'Service shop/v1 has no TCP port 81'],
      [
        'a Service of type ExternalName',
        to('outside'),
        'BackendNotFound',
        'Service shop/outside is of type ExternalName',
      ],
      [
        'another kind',
        to('v1', { group: 'example.net', kind: 'Bucket' }),
        'InvalidKind',
        'Bucket.example.net cannot be a backend',
      ],
      [
        'a mirror that does not exist',
        { filters: [mirror('none')], ...to('v1') },
        'BackendNotFound',
        'Service shop/none does not exist',
      ],
      [
        'a fault that does not exist',
        { filters: [extension('none')], ...to('v1') },
        'FilterNotFound',
        'HTTPFault shop/none does not exist',
      ],
      [
        'a filter of another kind',
        { filters: [extension('x', 'Wasm', 'a.b')], ...to('v1') },
        'InvalidKind',
        'Wasm.a.b is not a filter',
      ],
      [
        'a filter of a backend',
        { backendRefs: [backend('v1', { filters: [extension('none')] })] },
        'FilterNotFound',
        'HTTPFault shop/none does not exist',
      ],
    ];
    for (const [title, rule, reason, message] of cases) {
      it(`do not resolve with ${title}`, () => {
        expect(refs(rule)).to.deep.equal({ ok: false, reason, message });
      });
    }

    it('resolve across namespaces without a ReferenceGrant, and to a fault that exists', () => {
      expect(refs(to('far', { namespace: 'depot' })).ok).to.equal(true);
      const route = http('r', [{ filters: [extension('slow')], ...to('v1') }]);
      expect(only(route, fault('slow', { delay: { duration: '1s' } })).resolvedRefs.ok).to.equal(true);
    });
  });

  it('is repeated when a backend appears', () => {
    const route = http('r', [{ matches: [header('a', 'b')], ...to('later') }]);
    const state = clusterOf([route]);
    const record = recording(state);
    const { model } = rowOf(route).parse(route);
    expect(assessRoute(record.view, model as RouteModel)[0]!.resolvedRefs.ok).to.equal(false);
    const later = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'later', namespace: 'shop' },
      spec: { clusterIPs: ['10.96.0.99'], ports: [{ port: 80 }] },
    };
    const touched = put(state, later);
    expect([...touched].some((read) => record.reads.has(read))).to.equal(true);
  });
});
