import { expect } from 'chai';
import { KINDS } from '../../../crds/kinds/registry.ts';
import type { AdmissionRequest } from '../../../webhooks/review.ts';
import { validate } from '../../../webhooks/validate/validate.ts';

interface Kind {
  group: string;
  version: string;
  kind: string;
}

const PROFILE: Kind = { group: 'linkerd.io', version: 'v1alpha2', kind: 'ServiceProfile' };
const SPLIT: Kind = { group: 'split.smi-spec.io', version: 'v1alpha1', kind: 'TrafficSplit' };
const SERVER: Kind = { group: 'policy.linkerd.io', version: 'v1beta3', kind: 'Server' };
const AUTHORIZATION: Kind = { group: 'policy.linkerd.io', version: 'v1beta1', kind: 'ServerAuthorization' };
const MESH: Kind = { group: 'weft.dev', version: 'v1alpha1', kind: 'Mesh' };

function objectOf({ group, version, kind }: Kind, name: string, spec: unknown, metadata: object = {}): object {
  return { apiVersion: `${group}/${version}`, kind, metadata: { name, namespace: 'shop', ...metadata }, spec };
}

function request(kind: Kind, object: unknown, changes: Partial<AdmissionRequest> = {}): AdmissionRequest {
  return {
    uid: 'u',
    operation: 'CREATE',
    ...kind,
    namespace: 'shop',
    name: 'x',
    dryRun: false,
    object,
    oldObject: null,
    ...changes,
  };
}

const PROFILE_NAME = 'web.shop.svc.cluster.local';
const ROUTE = { name: 'GET /', condition: { method: 'GET', pathRegex: '/' } };

const GOOD: [Kind, string, unknown][] = [
  [PROFILE, PROFILE_NAME, { routes: [ROUTE] }],
  [SPLIT, 'web', { service: 'web', backends: [{ service: 'web-v1', weight: '900m' }] }],
  [SERVER, 'web', { podSelector: { matchLabels: { app: 'web' } }, port: 'http', proxyProtocol: 'HTTP/1' }],
  [AUTHORIZATION, 'web', { server: { name: 'web' }, client: { meshTLS: { identities: ['*'] } } }],
  [MESH, 'default', { proxy: { logLevel: 'debug' } }],
];

/** Kind, spec, and the path that the refusal must name. */
const BAD: [Kind, string, unknown, string][] = [
  [PROFILE, PROFILE_NAME, { routes: [{ ...ROUTE, timeout: 'soon' }] }, 'spec.routes[0].timeout'],
  [PROFILE, PROFILE_NAME, { routes: [ROUTE, { name: 'x' }] }, 'spec.routes[1].condition'],
  [PROFILE, PROFILE_NAME, { rutes: [] }, 'spec.rutes'],
  [SPLIT, 'web', { service: 'web', backends: [{ service: 'a', weight: -1 }] }, 'spec.backends[0].weight'],
  [SERVER, 'web', { port: 0, podSelector: {} }, 'spec.port'],
  [SERVER, 'web', { port: 80, podSelector: {}, accessPolicy: 'maybe' }, 'spec.accessPolicy'],
  [
    AUTHORIZATION,
    'web',
    { server: { name: 'web' }, client: { networks: [{ cidr: '10.0.0.0/99' }], unauthenticated: true } },
    'spec.client.networks[0].cidr',
  ],
  [MESH, 'default', { proxy: { detectTimeout: '-1s' } }, 'spec.proxy.detectTimeout'],
  [MESH, 'default', { proxy: { maxHeadBytes: 16_383 } }, 'spec.proxy.maxHeadBytes'],
  [MESH, 'default', { proxy: { maxHeadBytes: 1_048_577 } }, 'spec.proxy.maxHeadBytes'],
];

describe('validation', () => {
  for (const [kind, name, spec] of GOOD) {
    it(`admits a good ${kind.kind}`, () => {
      expect(validate(request(kind, objectOf(kind, name, spec)))).to.deep.include({ allowed: true, problems: [] });
    });
  }

  for (const [kind, name, spec, path] of BAD) {
    it(`refuses a ${kind.kind} and names ${path}`, () => {
      const answer = validate(request(kind, objectOf(kind, name, spec)));
      expect(answer.allowed).to.equal(false);
      expect(answer.problems.map((problem) => problem.path)).to.deep.equal([path]);
      expect(answer.problems[0]?.message).to.match(/must|is required|is not/);
    });
  }

  it('names every wrong field of one object', () => {
    const spec = { routes: [{ ...ROUTE, timeout: 'x' }, { name: '' }], retryBudget: { ttl: '' } };
    const { problems } = validate(request(PROFILE, objectOf(PROFILE, PROFILE_NAME, spec)));
    expect(problems.length).to.be.greaterThan(3);
  });

  it('admits what is doubtful but legal, with a warning', () => {
    const spec = { podSelector: {}, port: 80, externalWorkloadSelector: undefined, accessPolicy: 'deny' };
    const external = { externalWorkloadSelector: { matchLabels: { a: 'b' } }, port: 80 };
    expect(validate(request(SERVER, objectOf(SERVER, 'web', spec))).warnings).to.deep.equal([]);
    const answer = validate(request(SERVER, objectOf(SERVER, 'web', external)));
    expect(answer.allowed).to.equal(true);
    expect(answer.warnings.join()).to.contain('spec.externalWorkloadSelector').and.contain('not supported');
  });

  it('leaves alone an invalid object whose spec an update does not touch, and one that is being deleted', () => {
    const bad = { routes: [{ name: '' }] };
    const before = objectOf(PROFILE, PROFILE_NAME, bad);
    const labelled = objectOf(PROFILE, PROFILE_NAME, structuredClone(bad), { labels: { a: 'b' } });
    const update = { operation: 'UPDATE' as const, oldObject: before };
    const answer = validate(request(PROFILE, labelled, update));
    expect(answer.allowed).to.equal(true);
    expect(answer.warnings.join()).to.contain('spec.routes[0].name');
    const deleting = objectOf(PROFILE, PROFILE_NAME, { routes: [{}] }, { deletionTimestamp: '2026-01-01T00:00:00Z' });
    expect(validate(request(PROFILE, deleting, update)).allowed).to.equal(true);
    const worse = objectOf(PROFILE, PROFILE_NAME, { routes: [{ name: '', timeout: 'x' }] });
    expect(validate(request(PROFILE, worse, update)).allowed).to.equal(false);
    expect(validate(request(PROFILE, labelled, { oldObject: before })).allowed).to.equal(false);
  });

  it('refuses kinds that it was not registered for', () => {
    const answer = validate(request({ group: 'apps', version: 'v1', kind: 'Deployment' }, {}));
    expect(answer).to.deep.include({ allowed: false, problems: [] });
    expect(answer.message).to.contain('Deployment.apps');
  });

  it('knows each kind by its plural and versions', () => {
    const validated = KINDS.filter((row) => row.validated);
    expect(validated.map(({ plural }) => plural)).to.deep.equal([
      'serviceprofiles',
      'trafficsplits',
      'servers',
      'serverauthorizations',
      'authorizationpolicies',
      'meshtlsauthentications',
      'networkauthentications',
      'httplocalratelimitpolicies',
      'httproutes',
      'httproutes',
      'grpcroutes',
      'httpfaults',
      'meshes',
    ]);
  });
});
