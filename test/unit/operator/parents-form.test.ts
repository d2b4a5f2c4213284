import { expect } from 'chai';
import { HTTP_ROUTE_ROW } from '../../../crds/kinds/http-route/kind.ts';
import { assessRoute } from '../../../crds/kinds/route/assess/parents.ts';
import type { RouteModel } from '../../../crds/kinds/route/model.ts';
import { readMeta } from '../../../crds/parse/metadata.ts';
import { AssessedReconciler } from '../../../operator/reconcilers/assessed-kind.ts';
import { Assessments } from '../../../operator/reconcilers/assessments.ts';
import { ParentsForm, type WriteParents } from '../../../operator/reconcilers/parents-form.ts';
import type { Seen } from '../../../operator/reconcilers/seen.ts';
import { RequestError } from '../../../operator/runtime/errors.ts';
import { FakeClock } from '../../fakes/clock.ts';
import { clusterOf, put } from '../../support/routes/cluster.ts';
import { http, parentOf, to } from '../../support/routes/world.ts';
import { IDLE, signal } from './status-rig.ts';

const KEY = 'shop/r';

interface Entry {
  parentRef: unknown;
  conditions: { type: string; status: string; reason: string; observedGeneration: number }[];
}

function setup() {
  const state = clusterOf([]);
  const clock = new FakeClock();
  const held = new Map<string, Seen<RouteModel>>();
  const writes: Entry[][] = [];
  const failure: { next: Error | null } = { next: null };
  const progress = { now: IDLE };
  const queued: string[] = [];
  const assessments = new Assessments();
  const write: WriteParents = async (_, parents) => {
    const error = failure.next;
    failure.next = null;
    if (error !== null) throw error;
    writes.push(parents as Entry[]);
  };
  const reconciler = new AssessedReconciler(
    { id: HTTP_ROUTE_ROW.id, find: (key: string) => held.get(key) },
    new ParentsForm<RouteModel>({ form: 'parents', assess: assessRoute }, write, clock),
    { state, assessments, progress: { progress: () => progress.now, forget: () => undefined }, clock },
  );
  const queue = { add: (key: string) => void queued.push(key) };
  const see = (raw: object, status: unknown = undefined) => {
    put(state, raw);
    held.set(KEY, { meta: readMeta(raw), deleting: false, parsed: HTTP_ROUTE_ROW.parse(raw), status });
  };
  const run = () => reconciler.reconcile(queue, KEY, signal);
  const conditionsOf = (at = 0) =>
    writes.at(-1)![at]!.conditions.map(({ type, status, reason }) => `${type}=${status}/${reason}`);
  return { state, clock, assessments, held, writes, failure, progress, queued, see, run, conditionsOf };
}

describe('status of routes', () => {
  it('is written once, and again only when something changes', async () => {
    const t = setup();
    t.see(http('r', [to('v1')]));
    await t.run();
    expect(t.conditionsOf()).to.deep.equal([
      'Accepted=True/Accepted',
      'ResolvedRefs=True/ResolvedRefs',
      'weft.dev/Programmed=True/NoSubscribers',
    ]);
    t.see(http('r', [to('v1')]), { parents: t.writes[0] });
    await t.run();
    expect(t.writes).to.have.length(1);
    t.see(http('r', [to('none')]), { parents: t.writes[0] });
    await t.run();
    expect(t.conditionsOf()[1]).to.equal('ResolvedRefs=False/BackendNotFound');
  });

  it('says nothing of proxies where the route has no effect', async () => {
    const t = setup();
    t.see(http('r', [to('v1')], { parents: [parentOf('none')] }));
    await t.run();
    expect(t.conditionsOf()).to.deep.equal(['Accepted=False/NoMatchingParent', 'ResolvedRefs=True/ResolvedRefs']);
  });

  it('does not wait for proxies, and then says how far they are', async () => {
    const t = setup();
    t.progress.now = { ...IDLE, proxies: 2, current: 1, behind: ['shop/a'] };
    t.see(http('r', [to('v1')]));
    expect(await t.run()).to.have.property('requeueAfterMs');
    expect(t.conditionsOf()).to.include.members(['Accepted=True/Accepted', 'weft.dev/Programmed=Unknown/Pending']);
    t.progress.now = { ...IDLE, proxies: 2, current: 2 };
    t.see(http('r', [to('v1')]), { parents: t.writes[0] });
    await t.run();
    expect(t.conditionsOf()).to.include('weft.dev/Programmed=True/Acknowledged');
  });

  it('is written for the number of proxies alone every 10 s at the most', async () => {
    const t = setup();
    const counts = (proxies: number) => {
      t.progress.now = { ...IDLE, proxies, current: proxies };
      t.see(http('r', [to('v1')]), t.writes.length === 0 ? undefined : { parents: t.writes.at(-1) });
      return t.run();
    };
    await counts(1);
    await counts(2);
    expect(t.writes, 'the first at once').to.have.length(2);
    expect(await counts(3)).to.deep.equal({ requeueAfterMs: 10_000 });
    expect(t.writes).to.have.length(2);
    await t.clock.advance(10_000);
    expect(await counts(3)).to.equal(undefined);
    expect(JSON.stringify(t.writes.at(-1))).to.contain('3/3 proxies');
  });

  it('leaves a route of other controllers alone', async () => {
    const t = setup();
    t.see(http('r', [to('v1')], { parents: [{ name: 'gateway' }] }));
    await t.run();
    expect(t.writes).to.deep.equal([]);
  });

  it('is queued again when what it depends on changes', async () => {
    const t = setup();
    t.see(http('r', [to('later')]));
    await t.run();
    const later = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'later', namespace: 'shop' },
      spec: { ports: [{ port: 80 }] },
    };
    t.assessments.changed(put(t.state, later));
    expect(t.queued).to.deep.equal([KEY]);
  });

  it('leaves it to the next event when somebody else was faster, and fails with any other error', async () => {
    const t = setup();
    t.see(http('r', [to('v1')]));
    t.failure.next = new RequestError('Conflict', 'x', { status: 409 });
    await t.run();
    expect(t.writes).to.deep.equal([]);
    t.failure.next = new Error('broken');
    let caught: unknown;
    await t.run().catch((error: unknown) => {
      caught = error;
    });
    expect(String(caught)).to.contain('broken');
  });

  it('forgets an object that is gone', async () => {
    const t = setup();
    t.see(http('r', [to('v1')]));
    await t.run();
    t.held.clear();
    await t.run();
    t.assessments.changed(
      put(t.state, { apiVersion: 'v1', kind: 'Service', metadata: { name: 'v1', namespace: 'shop' }, spec: {} }),
    );
    expect(t.queued).to.deep.equal([]);
  });
});
