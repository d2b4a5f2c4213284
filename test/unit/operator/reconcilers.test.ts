import { expect } from 'chai';
import { ready, waiting } from '../../../crds/kinds/assessment.ts';
import { MESH_ROW } from '../../../crds/kinds/mesh/kind.ts';
import { DEFAULT_MESH } from '../../../crds/kinds/mesh/parse.ts';
import { KINDS } from '../../../crds/kinds/registry.ts';
import type { AssessedStatus } from '../../../crds/kinds/row.ts';
import { SERVER_ROW } from '../../../crds/kinds/server/kind.ts';
import { parseServer } from '../../../crds/kinds/server/parse.ts';
import { serversIn } from '../../../crds/kinds/server/queries.ts';
import type { ServiceModel } from '../../../crds/kinds/service/model.ts';
import { reduceService } from '../../../crds/kinds/service/parse.ts';
import { serviceOf } from '../../../crds/kinds/service/queries.ts';
import { TRAFFIC_SPLIT_ROW } from '../../../crds/kinds/traffic-split/kind.ts';
import { TRAFFIC_SPLIT, type TrafficSplitModel } from '../../../crds/kinds/traffic-split/model.ts';
import { parseTrafficSplit } from '../../../crds/kinds/traffic-split/parse.ts';
import { SPLITS_OF_SERVICE, splitOf } from '../../../crds/kinds/traffic-split/queries.ts';
import { readKubernetesMeta } from '../../../crds/parse/kubernetes-object.ts';
import { ClusterState } from '../../../crds/state/cluster-state.ts';
import { indexRead } from '../../../crds/state/reads.ts';
import { AssessedReconciler } from '../../../operator/reconcilers/assessed-kind.ts';
import { Assessments } from '../../../operator/reconcilers/assessments.ts';
import { ConditionsForm } from '../../../operator/reconcilers/conditions-form.ts';
import { feed } from '../../../operator/reconcilers/feed.ts';
import { isOtherInjector } from '../../../operator/reconcilers/injectors.ts';
import { type MeshFacts, meshReport, reconcileMesh } from '../../../operator/reconcilers/mesh.ts';
import type { Seen } from '../../../operator/reconcilers/seen.ts';
import { StatusPublisher, type StatusTarget, type TargetKind } from '../../../operator/reconcilers/status-publisher.ts';
import { reconcileConfigurations } from '../../../operator/reconcilers/webhook-configurations.ts';
import { RequestError } from '../../../operator/runtime/errors.ts';
import type { HeldAuthority } from '../../../operator/status/authority.ts';
import type { ObjectStatus } from '../../../operator/status/condition.ts';
import type { Progress } from '../../../operator/status/programmed.ts';
import { KindFeed } from '../../../proxy-image/io/config-source/kubernetes/feed.ts';
import { FakeClock } from '../../fakes/clock.ts';
import { rowOf } from '../../support/kinds.ts';

const KEY = 'shop/web';
const { signal } = new AbortController();
const IDLE: Progress = { proxies: 0, current: 0, behind: [], sinceMs: 0, rejections: [], unseen: '' };

function rawServer(name: string, accessPolicy: string, metadata: object) {
  return {
    metadata: { namespace: 'shop', name, generation: 1, ...metadata },
    spec: { podSelector: {}, port: 80, accessPolicy },
  };
}

function rawSplit(backends: unknown = [{ service: 'v1', weight: 1 }], metadata: object = {}) {
  return {
    metadata: { namespace: 'shop', name: 'web', uid: 'u1', resourceVersion: '5', generation: 1, ...metadata },
    spec: { service: 'web', backends },
  };
}

function resourceOf(raw: ReturnType<typeof rawSplit>, status: unknown = undefined): Seen<TrafficSplitModel> {
  const parsed = parseTrafficSplit(raw);
  const meta = { labels: {}, annotations: {}, creationTimestamp: '', ...raw.metadata };
  return { meta: meta as Seen<TrafficSplitModel>['meta'], deleting: false, parsed, status };
}

function seenService(raw: unknown): Seen<ServiceModel> {
  const model = reduceService(raw);
  return { meta: model.meta, deleting: false, parsed: { model, problems: [] }, status: undefined };
}

/** A publisher whose writes and events are kept. */
function recordingPublisher(kind: TargetKind = TRAFFIC_SPLIT_ROW) {
  const written: { target: StatusTarget; status: ObjectStatus }[] = [];
  const events: string[] = [];
  const failure: { next: Error | null } = { next: null };
  const writer = {
    async write(target: StatusTarget, status: ObjectStatus) {
      const error = failure.next;
      failure.next = null;
      if (error !== null) throw error;
      written.push({ target, status });
    },
  };
  const sink = {
    record: async (_: StatusTarget, event: { type: string; reason: string; note: string }) => {
      events.push(`${event.type} ${event.reason}: ${event.note}`);
    },
  };
  const clock = new FakeClock();
  return { publisher: new StatusPublisher(kind, writer, sink, clock), written, events, failure, clock };
}

function setup(assess: AssessedStatus<TrafficSplitModel>['assess'] = () => ready('all is well')) {
  const parts = recordingPublisher();
  const state = new ClusterState(KINDS);
  const assessments = new Assessments();
  const held = new Map<string, Seen<TrafficSplitModel>>();
  const queued: string[] = [];
  const queue = { add: (key: string) => void queued.push(key) };
  const progress = { now: IDLE };
  const kind = { id: TRAFFIC_SPLIT.id, find: (key: string) => held.get(key) };
  const form = new ConditionsForm({ form: 'conditions', assess }, parts.publisher);
  const given = { state, assessments, progress: () => progress.now, clock: parts.clock };
  const reconciler = new AssessedReconciler(kind, form, given);
  const run = () => reconciler.reconcile(queue, KEY, signal);
  const last = () => parts.written.at(-1)!.status;
  const find = (type: string) => last().conditions.find((each) => each.type === type);
  return { ...parts, state, assessments, held, queued, queue, progress, run, last, find };
}

describe('status of an assessed object', () => {
  it('says that it looks before it looks, then what it found, once', async () => {
    const t = setup();
    t.held.set(KEY, resourceOf(rawSplit()));
    await t.run();
    expect(t.written.map(({ status }) => status.conditions[0]!.reason)).to.deep.equal(['Progressing', 'Succeeded']);
    expect(t.written[0]!.status.observedGeneration).to.equal(-1);
    expect(t.last()).to.include({ observedGeneration: 1, proxies: '0/0' });
    expect(t.last().conditions.map(({ type }) => type)).to.deep.equal([
      'Ready',
      'Accepted',
      'ResolvedRefs',
      'Programmed',
    ]);
    await t.run();
    expect(t.written, 'the cache does not show the write yet').to.have.length(2);
    t.held.set(KEY, resourceOf(rawSplit(undefined, { resourceVersion: '6' }), t.last()));
    await t.run();
    expect(t.written, 'the cache shows the write').to.have.length(2);
    expect(t.written[0]!.target).to.deep.equal({ kind: TRAFFIC_SPLIT_ROW, namespace: 'shop', name: 'web', uid: 'u1' });
  });

  it('writes again when somebody wiped it', async () => {
    const t = setup();
    t.held.set(KEY, resourceOf(rawSplit()));
    await t.run();
    t.held.set(KEY, resourceOf(rawSplit(undefined, { resourceVersion: '7' }), {}));
    await t.run();
    expect(t.written).to.have.length(4);
  });

  it('names every wrong field of an object that does not parse, and tells an Event once', async () => {
    const t = setup();
    t.held.set(KEY, resourceOf(rawSplit([{ service: 'v1', weight: 'heavy' }])));
    await t.run();
    expect(t.find('Ready')).to.include({ status: 'False', reason: 'Invalid' });
    expect(t.find('Ready')!.message).to.contain('spec.backends[0].weight');
    expect(t.find('Stalled')).to.include({ status: 'True', reason: 'Invalid' });
    expect(t.find('Accepted')).to.include({ status: 'False' });
    expect(t.events).to.have.length(1);
    expect(t.events[0]).to.match(/^Warning Invalid: spec\.backends\[0\]\.weight/);
    await t.run();
    expect(t.events).to.have.length(1);
  });

  it('repeats warnings on the condition Accepted', async () => {
    const t = setup();
    t.held.set(KEY, resourceOf(rawSplit([{ service: 'v1', weight: 0 }])));
    await t.run();
    expect(t.find('Accepted')).to.include({ status: 'True', reason: 'AcceptedWithWarnings' });
    expect(t.find('Accepted')!.message).to.contain('spec.backends');
  });

  it('is looked at again when something that its assessment read has changed, and only then', async () => {
    const t = setup((view) =>
      serviceOf(view, 'shop', 'v1') === null ? waiting('ServiceNotFound', ['no v1']) : ready('ok'),
    );
    t.held.set(KEY, resourceOf(rawSplit()));
    await t.run();
    expect(t.find('ResolvedRefs')).to.include({ status: 'False', reason: 'ServiceNotFound' });
    expect(t.find('Reconciling')).to.include({ status: 'True' });
    const fed = feed(t.state, rowOf('Service'), (reads) => t.assessments.changed(reads));
    const service = (name: string) =>
      seenService({ metadata: { namespace: 'shop', name, resourceVersion: '9' }, spec: {} });
    fed.added!(service('other'), false);
    expect(t.queued).to.deep.equal([]);
    fed.added!(service('v1'), false);
    expect(t.queued).to.deep.equal([KEY]);
    await t.run();
    expect(t.find('Ready')).to.include({ status: 'True' });
    t.held.delete(KEY);
    await t.run();
    fed.deleted!(service('v1'), '12');
    expect(t.queued, 'a deleted object is not looked at').to.deep.equal([KEY]);
  });

  it('says so when looking fails, keeps the old generation, and fails so that it is tried again', async () => {
    const t = setup(() => {
      throw new TypeError('a defect');
    });
    t.held.set(KEY, resourceOf(rawSplit(undefined, { generation: 2 }), { observedGeneration: 1, conditions: [] }));
    const error = await t.run().catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(TypeError);
    expect(t.find('Ready')).to.include({ status: 'False', reason: 'InternalError', message: 'a defect' });
    expect(t.last().observedGeneration).to.equal(1);
  });

  it('asks to be run again while proxies are behind, and keeps what Programmed said meanwhile', async () => {
    const t = setup();
    t.held.set(KEY, resourceOf(rawSplit()));
    t.progress.now = { ...IDLE, proxies: 2, current: 2 };
    expect(await t.run()).to.equal(undefined);
    expect(t.find('Programmed')).to.include({ status: 'True', reason: 'Acknowledged' });
    t.progress.now = { ...IDLE, proxies: 2, current: 1, behind: ['shop/a'], sinceMs: 0 };
    expect(await t.run()).to.deep.equal({ requeueAfterMs: 30_000 });
    expect(t.find('Programmed')).to.include({ status: 'True', reason: 'Acknowledged' });
    expect(t.last()).to.include({ proxies: '1/2' });
    await t.clock.advance(30_000);
    expect(await t.run()).to.equal(undefined);
    expect(t.find('Programmed')).to.include({ status: 'False', reason: 'NotAcknowledged' });
    expect(t.find('Ready'), 'readiness never waits for proxies').to.include({ status: 'True' });
  });

  it('leaves alone what is being deleted, was deleted, or was created anew under the same name', async () => {
    const t = setup();
    await t.run();
    t.held.set(KEY, { ...resourceOf(rawSplit()), deleting: true });
    await t.run();
    expect(t.written).to.deep.equal([]);
    for (const failure of ['NotFound', 'Conflict'] as const) {
      t.held.set(
        KEY,
        resourceOf(rawSplit(), {
          conditions: [{ type: 'Ready', status: 'True', reason: 'x', message: '', lastTransitionTime: '' }],
        }),
      );
      t.failure.next = new RequestError(failure, 'gone');
      await t.run();
    }
    t.failure.next = new RequestError('Transient', 'away');
    const error = await t.run().catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(RequestError);
  });
});

describe('feeding the state', () => {
  it('keeps the last good state of an object in force while it is invalid, and forgets it when it is deleted', () => {
    const state = new ClusterState(KINDS);
    const changed: string[][] = [];
    const fed = feed(state, rowOf('TrafficSplit'), (reads) => changed.push([...reads]));
    const read = indexRead(SPLITS_OF_SERVICE, 'shop/web');
    const weights = () => splitOf(state, 'shop', 'web')?.backends.map(({ weight }) => weight);
    fed.added!(resourceOf(rawSplit([{ service: 'v1', weight: 'heavy' }])), false);
    expect(weights(), 'without an earlier version it is as if absent').to.equal(undefined);
    fed.updated!(
      resourceOf(rawSplit()),
      resourceOf(rawSplit([{ service: 'v1', weight: 3 }], { resourceVersion: '6' })),
    );
    expect(weights()).to.deep.equal([3_000]);
    expect(changed.at(-1)).to.include(read);
    changed.length = 0;
    fed.updated!(
      resourceOf(rawSplit()),
      resourceOf(rawSplit([{ service: 'v1', weight: -1 }], { resourceVersion: '7' })),
    );
    expect(weights()).to.deep.equal([3_000]);
    expect(changed).to.deep.equal([]);
    fed.deleted!(resourceOf(rawSplit([{ service: 'v1', weight: -1 }], { resourceVersion: '7' })), '9');
    expect(weights()).to.equal(undefined);
    expect(changed.at(-1)).to.include(read);
    expect(state.departed(read), 'the version of the deletion counts').to.equal('9');
  });

  it('an invalid Server keeps its last good state, and denies where there is none; a new one of its name owes nothing to the old', () => {
    const state = new ClusterState(KINDS);
    const fed = feed(state, rowOf('Server'), () => {});
    const put = (resourceVersion: string, accessPolicy: string, uid = 'u1') => {
      const raw = rawServer('web', accessPolicy, { uid, resourceVersion });
      const meta = readKubernetesMeta(raw);
      fed.added!({ meta, deleting: false, parsed: parseServer(raw), status: { conditions: [] } }, false);
    };
    const policies = () => serversIn(state, 'shop').map(({ accessPolicy }) => accessPolicy);
    put('5', 'denny');
    expect(policies()).to.deep.equal(['deny']);
    put('6', 'all-authenticated');
    put('7', 'denny');
    expect(policies()).to.deep.equal(['all-authenticated']);
    put('8', 'denny', 'u2');
    expect(policies()).to.deep.equal(['deny']);
  });

  it('in direct mode too: what cannot be used takes nothing away', () => {
    const state = new ClusterState(KINDS);
    const feed = new KindFeed(SERVER_ROW, state, { touched: () => {}, listed: () => {} });
    const raw = (resourceVersion: string, name: string, accessPolicy: string) =>
      rawServer(name, accessPolicy, { uid: name, resourceVersion });
    const policies = () =>
      Object.fromEntries(serversIn(state, 'shop').map((each) => [each.meta.name, each.accessPolicy]));
    feed.stored(raw('5', 'a', 'all-authenticated'));
    feed.stored(raw('6', 'a', 'denny'));
    feed.stored(raw('7', 'b', 'denny'));
    expect(policies()).to.deep.equal({ a: 'all-authenticated', b: 'deny' });
    feed.listStarted();
    feed.page([raw('6', 'a', 'denny')]);
    feed.listEnded('9');
    expect(policies()).to.deep.equal({ a: 'all-authenticated' });
    feed.deleted(raw('10', 'a', 'denny'));
    expect(policies()).to.deep.equal({});
  });

  it('advances by lists, bookmarks and invalid objects', () => {
    const state = new ClusterState(KINDS);
    const fed = feed(state, rowOf('Pod'), () => {});
    fed.advanced!('77');
    expect(state.position(), 'other kinds have seen nothing').to.equal('');
  });
});

describe('status of the Mesh', () => {
  const DAY_MS = 86_400_000;
  const authority = (name: HeldAuthority['name'], dates: Omit<HeldAuthority, 'name' | 'secret'>): HeldAuthority => ({
    name,
    secret: `secret-of-${name}`,
    ...dates,
  });
  const kept = authority('issuer', { notAfterMs: 100 * DAY_MS, renewAtMs: null, warnAtMs: 70 * DAY_MS });
  const facts = (overrides: Partial<MeshFacts> = {}): MeshFacts => ({
    certificates: {
      anchorNotAfterMs: 1_000 * DAY_MS,
      issuerNotAfterMs: 100 * DAY_MS,
      trustedAnchors: 1,
      isCrossing: false,
    },
    authorities: [
      authority('anchor', { notAfterMs: 1_000 * DAY_MS, renewAtMs: 700 * DAY_MS, warnAtMs: 850 * DAY_MS }),
      authority('issuer', { notAfterMs: 100 * DAY_MS, renewAtMs: 70 * DAY_MS, warnAtMs: 85 * DAY_MS }),
      authority('webhook-ca', { notAfterMs: 1_000 * DAY_MS, renewAtMs: 700 * DAY_MS, warnAtMs: 850 * DAY_MS }),
    ],
    certificateProblems: [],
    renewalProblems: [],
    proxies: { connected: 5, current: 4 },
    unseen: '',
    definitionProblems: [],
    operatorReplicas: 2,
    otherInjectors: [],
    ...overrides,
  });
  const mesh = {
    meta: rawSplit().metadata,
    deleting: false,
    parsed: { model: DEFAULT_MESH, problems: [] },
    status: undefined,
  };
  const resource = mesh as unknown as Parameters<typeof meshReport>[0];
  const find = (report: ReturnType<typeof meshReport>, type: string) =>
    report.conditions.find((each) => each.type === type);

  it('counts proxies and replicas and tells when certificates end', () => {
    const report = meshReport(resource, facts(), 0);
    expect(report.verdict.outcome).to.equal('ready');
    expect(report.fields).to.deep.equal({
      proxies: '4/5',
      operatorReplicas: 2,
      anchorExpiry: '1972-09-27T00:00:00Z',
      issuerExpiry: '1970-04-11T00:00:00Z',
      anchorRenewal: '1971-12-02T00:00:00Z',
      issuerRenewal: '1970-03-12T00:00:00Z',
      trustedAnchors: 1,
    });
    expect(find(report, 'CertificatesValid')).to.include({ status: 'True', reason: 'Valid' });
  });

  const certificates: [string, Partial<MeshFacts>, number, object][] = [
    ['is due and may still be renewed', {}, 71 * DAY_MS, { status: 'True', reason: 'Valid' }],
    ['was not renewed long after it was due', {}, 85 * DAY_MS, { status: 'True', reason: 'ExpiresSoon' }],
    [
      'could not be renewed',
      { renewalProblems: ['no right'] },
      71 * DAY_MS,
      { status: 'True', reason: 'RenewalFailed' },
    ],
    ['is kept by others and ends', { authorities: [kept] }, 70 * DAY_MS, { status: 'True', reason: 'ExpiresSoon' }],
    [
      'follows a new anchor',
      { certificates: { anchorNotAfterMs: 9e11, issuerNotAfterMs: 9e11, trustedAnchors: 2, isCrossing: true } },
      0,
      { status: 'True', reason: 'AnchorRenewal' },
    ],
    ['has ended', {}, 100 * DAY_MS, { status: 'False', reason: 'Expired' }],
    ['is not there yet', { certificates: null }, 0, { status: 'Unknown', reason: 'Pending' }],
    ['cannot be read', { certificateProblems: ['no key'] }, 0, { status: 'False', reason: 'SecretUnusable' }],
  ];
  for (const [name, overrides, nowMs, expected] of certificates) {
    it(`says when the issuer ${name}`, () => {
      expect(find(meshReport(resource, facts(overrides), nowMs), 'CertificatesValid')).to.include(expected);
    });
  }

  it('names the Secret that somebody else has to renew, and gives no time of renewal for it', () => {
    const report = meshReport(resource, facts({ authorities: [kept] }), 71 * DAY_MS);
    expect(find(report, 'CertificatesValid')!.message).to.contain('secret-of-issuer').and.contain('1970-04-11');
    expect(report.fields).not.to.have.property('issuerRenewal');
    expect(report.verdict.outcome).to.equal('ready');
  });

  it('waits for certificates, and for the issuer that was asked for', () => {
    expect(meshReport(resource, facts({ certificates: null }), 0).verdict).to.deep.equal({
      outcome: 'waiting',
      message: 'there is no issuer yet',
    });
    expect(meshReport(resource, facts({ certificateProblems: ['a', 'b'] }), 0).verdict).to.include({ message: 'a; b' });
  });

  it('names other injectors and what that means', () => {
    const condition = find(meshReport(resource, facts({ otherInjectors: ['linkerd'] }), 0), 'SingleInjector');
    expect(condition).to.include({ status: 'False', reason: 'OtherInjectorFound' });
    expect(condition!.message).to.contain('weft.dev/mesh=weft');
  });

  it('gives no number of proxies where some may be connected to another replica', () => {
    const report = meshReport(resource, facts({ unseen: '1 other operator replica may have proxies' }), 0);
    expect(report.fields).to.include({ proxies: 'unknown', operatorReplicas: 2 });
  });

  it('says which definitions have no status, and what replaces them, and stays ready', () => {
    const report = meshReport(resource, facts({ definitionProblems: ['servers.policy.linkerd.io has no status'] }), 0);
    const condition = find(report, 'DefinitionsComplete');
    expect(condition).to.include({ status: 'False', reason: 'DefinitionOfOthers' });
    expect(condition!.message).to.match(/servers\.policy\.linkerd\.io has no status.*--upgrade-crds/);
    expect(report.verdict.outcome).to.equal('ready');
    expect(find(meshReport(resource, facts(), 0), 'DefinitionsComplete')).to.include({ status: 'True' });
  });

  it('is Stalled where its settings are wrong', () => {
    const problems = [{ severity: 'error' as const, path: 'spec.x', message: 'must not be' }];
    const wrong = { ...resource, parsed: { model: null, problems } };
    const report = meshReport(wrong, facts(), 0);
    expect(report.verdict).to.deep.equal({ outcome: 'invalid', reason: 'Invalid', message: 'spec.x: must not be' });
    expect(find(report, 'Accepted')).to.include({ status: 'False' });
  });

  it('is brought up to date every ten seconds, while there is a Mesh', async () => {
    const { publisher, written, clock } = recordingPublisher(MESH_ROW);
    const held = new Map([['default', resource]]);
    const given = { find: (key: string) => held.get(key), facts: () => facts(), publisher, clock };
    expect(await reconcileMesh(given, 'default', signal)).to.deep.equal({ requeueAfterMs: 10_000 });
    expect(written.at(-1)!.status).to.include({ proxies: '4/5' });
    held.clear();
    expect(await reconcileMesh(given, 'default', signal)).to.equal(undefined);
  });
});

describe('webhook configurations', () => {
  it('are applied again every minute, and waited for while there is no CA', async () => {
    const applied: string[] = [];
    const apply = async ({ kind }: { kind: string }) => void applied.push(kind);
    const one = { kind: 'MutatingWebhookConfiguration', metadata: { name: 'a' }, webhooks: [] };
    expect(await reconcileConfigurations({ wanted: async () => null, apply }, signal)).to.deep.equal({
      requeueAfterMs: 500,
    });
    expect(applied).to.deep.equal([]);
    const outcome = await reconcileConfigurations({ wanted: async () => [one, one], apply }, signal);
    expect(outcome).to.deep.equal({ requeueAfterMs: 60_000 });
    expect(applied).to.have.length(2);
  });

  const rule = { operations: ['CREATE'], resources: ['pods'] };
  const configuration = (name: string, webhook: string, rules: unknown = [rule]) => ({
    metadata: { name },
    webhooks: [{ name: webhook, rules }],
  });
  const cases: [string, unknown, boolean][] = [
    [
      "Linkerd's injector",
      configuration('linkerd-proxy-injector-webhook-config', 'linkerd-proxy-injector.linkerd.io'),
      true,
    ],
    [
      'the same with wildcards',
      configuration('x', 'linkerd-proxy-injector.linkerd.io', [{ operations: ['*'], resources: ['*'] }]),
      true,
    ],
    ['our own', configuration('weft-injector', 'injector.webhooks.weft.dev'), false],
    ['our own, named like theirs', configuration('weft-injector', 'linkerd-proxy-injector.linkerd.io'), false],
    ["Linkerd's tap injector", configuration('linkerd-tap-injector', 'tap-injector.linkerd.io'), false],
    ['a policy engine', configuration('kyverno', 'mutate.kyverno.svc'), false],
    [
      'one that looks at other things',
      configuration('x', 'linkerd-proxy-injector.linkerd.io', [{ operations: ['CREATE'], resources: ['jobs'] }]),
      false,
    ],
    ['nonsense', { webhooks: 'x' }, false],
    ['nothing', null, false],
  ];
  for (const [name, input, expected] of cases) {
    it(`${name} is ${expected ? '' : 'no '}other injector`, () => expect(isOtherInjector(input)).to.equal(expected));
  }
});
