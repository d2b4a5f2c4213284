import { expect } from 'chai';
import { ready, waiting } from '../../../crds/kinds/assessment.ts';
import { KINDS } from '../../../crds/kinds/registry.ts';
import type { AssessedStatus } from '../../../crds/kinds/row.ts';
import { serviceOf } from '../../../crds/kinds/service/queries.ts';
import { TRAFFIC_SPLIT_ROW } from '../../../crds/kinds/traffic-split/kind.ts';
import { TRAFFIC_SPLIT, type TrafficSplitModel } from '../../../crds/kinds/traffic-split/model.ts';
import { ClusterState } from '../../../crds/state/cluster-state.ts';
import { AssessedReconciler } from '../../../operator/reconcilers/assessed-kind.ts';
import { Assessments } from '../../../operator/reconcilers/assessments.ts';
import { ConditionsForm } from '../../../operator/reconcilers/conditions-form.ts';
import { feed } from '../../../operator/reconcilers/feed.ts';
import type { Seen } from '../../../operator/reconcilers/seen.ts';
import { RequestError } from '../../../operator/runtime/errors.ts';
import { type Condition, condition, type WantedCondition } from '../../../operator/status/condition.ts';
import { rowOf } from '../../support/kinds.ts';
import { IDLE, KEY, rawSplit, recordingPublisher, resourceOf, seenService, signal } from './status-rig.ts';

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
  const given = {
    state,
    assessments,
    progress: { progress: () => progress.now, forget: () => undefined },
    clock: parts.clock,
  };
  const reconciler = new AssessedReconciler(kind, form, given);
  const run = () => reconciler.reconcile(queue, KEY, signal);
  const last = () => parts.written.at(-1)!.status;
  const find = (type: string) => last().conditions.find((each) => each.type === type);
  return { ...parts, state, assessments, held, queued, queue, progress, run, last, find };
}

describe('Events of an object that stalls', () => {
  const broken = () => resourceOf(rawSplit([{ service: 'v1', weight: 'heavy' }]));

  it('come before the status, and are not told again when that could not be written at once', async () => {
    const t = setup();
    const looked = { conditions: [condition('Ready', 'Unknown', 'Progressing', '')].map(stamped) };
    t.held.set(KEY, { ...broken(), status: looked });
    t.failure.next = new RequestError('Transient', 'no answer');
    expect(await t.run().catch(String)).to.contain('no answer');
    expect([t.events.length, t.written.length]).to.deep.equal([1, 0]);
    await t.run();
    expect([t.events.length, t.written.length]).to.deep.equal([1, 1]);
  });

  it('do not hold the status up, and are told with the next look', async () => {
    const t = setup();
    const looked = { conditions: [condition('Ready', 'Unknown', 'Progressing', '')].map(stamped) };
    t.held.set(KEY, { ...broken(), status: looked });
    t.failure.nextEvent = new RequestError('Throttled', 'too many Events');
    expect(await t.run().catch(String)).to.contain('too many Events');
    expect([t.events.length, t.written.length]).to.deep.equal([0, 1]);
    await t.run();
    await t.run();
    expect([t.events.length, t.written.length]).to.deep.equal([1, 1]);
  });
});

function stamped(of: WantedCondition): Condition {
  return { ...of, lastTransitionTime: '2026-01-01T00:00:00Z', observedGeneration: 1 };
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
    const object = { kind: TRAFFIC_SPLIT_ROW, namespace: 'shop', name: 'web', uid: 'u1' };
    expect(t.written[0]!.target).to.deep.equal({ ...object, resourceVersion: '5' });
    expect(t.written[1]!.target, 'what the first write has made of it').to.deep.equal({
      ...object,
      resourceVersion: 'after 5',
    });
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

  it('says of which generation Programmed is: kubectl wait does not take that of before for the present one', async () => {
    const t = setup();
    t.held.set(KEY, resourceOf(rawSplit()));
    t.progress.now = { ...IDLE, proxies: 2, current: 2 };
    await t.run();
    t.progress.now = { ...t.progress.now, current: 1, behind: ['shop/a'], sinceMs: t.clock.nowMs() };
    t.held.set(KEY, resourceOf(rawSplit(undefined, { generation: 2, resourceVersion: '6' }), t.last()));
    await t.run();
    expect(t.last()).to.include({ observedGeneration: 2 });
    expect(t.find('Ready')).to.include({ status: 'True', observedGeneration: 2 });
    expect(t.find('Programmed')).to.include({ status: 'True', observedGeneration: 1 });
    t.progress.now = { ...IDLE, proxies: 2, current: 2 };
    await t.run();
    expect(t.find('Programmed')).to.include({ status: 'True', observedGeneration: 2 });
  });

  it('writes counters every 10 s at the most, the newest; what somebody may wait for at once', async () => {
    const t = setup();
    t.held.set(KEY, resourceOf(rawSplit()));
    await t.run();
    const counts = (current: number, proxies: number) => {
      const behind = current < proxies ? ['shop/a'] : [];
      t.progress.now = { ...IDLE, proxies, current, behind, sinceMs: t.clock.nowMs() };
      return t.run();
    };
    await counts(1, 1);
    expect(t.last(), 'the first at once').to.include({ proxies: '1/1' });
    const writes = t.written.length;
    await t.clock.advance(4_000);
    expect(await counts(2, 2)).to.deep.equal({ requeueAfterMs: 6_000 });
    await t.clock.advance(5_000);
    expect(await counts(3, 3)).to.deep.equal({ requeueAfterMs: 1_000 });
    expect(t.written).to.have.length(writes);
    await t.clock.advance(1_000);
    expect(await t.run()).to.equal(undefined);
    expect(t.last()).to.include({ proxies: '3/3' });
    t.progress.now = {
      ...t.progress.now,
      current: 2,
      behind: ['shop/a'],
      rejections: [{ proxy: 'shop/a', key: 'k', problems: ['no'] }],
    };
    await t.run();
    expect(t.find('Programmed'), 'another status').to.include({ status: 'False', reason: 'Rejected' });
    t.held.set(KEY, resourceOf(rawSplit(undefined, { generation: 2, resourceVersion: '6' }), t.last()));
    await t.run();
    expect(t.last(), 'another generation').to.include({ observedGeneration: 2, proxies: '2/3' });
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
