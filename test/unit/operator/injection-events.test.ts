import { expect } from 'chai';
import { InjectionEvents } from '../../../operator/injection-events.ts';
import type { EventContent, EventSubject } from '../../../operator/kube/events.ts';
import type { RestClient } from '../../../operator/kube/rest.ts';
import type { InjectionOutcome } from '../../../webhooks/inject/webhook.ts';
import { FakeClock } from '../../fakes/clock.ts';
import { MemoryLogger } from '../../fakes/logger.ts';

const REPLICA_SET = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-7d4b9', uid: 'rs-1' };
const DEPLOYMENT = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'd-1', controller: true };

function outcome(changes: Partial<InjectionOutcome> = {}): InjectionOutcome {
  return {
    namespace: 'shop',
    podName: '',
    owner: REPLICA_SET,
    isDryRun: false,
    injected: true,
    warnings: [],
    ownerKind: 'deployment',
    annotationAt: 'namespace',
    skipReasons: [],
    ...changes,
  };
}

interface World {
  clock: FakeClock;
  log: MemoryLogger;
  events: InjectionEvents;
  told: { subject: EventSubject; content: EventContent; atMs: number }[];
  asked: string[];
}

/** `objects`: what the API server has, by path; others are not there. */
function world(objects: Record<string, unknown> = {}, answer: Promise<unknown> | null = null): World {
  const clock = new FakeClock();
  const log = new MemoryLogger();
  const told: World['told'] = [];
  const asked: string[] = [];
  const rest = {
    async json({ path }: { path: string }) {
      asked.push(path);
      if (answer !== null) return answer;
      if (objects[path] === undefined) throw new Error('404');
      return objects[path];
    },
  } as unknown as RestClient;
  const events = new InjectionEvents({
    rest,
    events: {
      async record(subject, content) {
        told.push({ subject, content, atMs: clock.nowMs() });
      },
    },
    podUid: (namespace, name) => (name === 'bare' ? `uid of ${namespace}/bare` : ''),
    clock,
    log,
  });
  return { clock, log, events, told, asked };
}

const SET_PATH = '/apis/apps/v1/namespaces/shop/replicasets/web-7d4b9';
const SET = { metadata: { uid: 'rs-1', ownerReferences: [DEPLOYMENT] } };

describe('events of injection', () => {
  it("are the Deployment's where a ReplicaSet has made the pod, with its uid", async () => {
    const { clock, events, told } = world({ [SET_PATH]: SET });
    events.offer(outcome());
    expect(told, 'nothing is done within the admission').to.deep.equal([]);
    await clock.advance(1_000);
    expect(told.map(({ subject }) => subject)).to.deep.equal([
      {
        type: { group: 'apps', version: 'v1', plural: '' },
        kind: 'Deployment',
        namespace: 'shop',
        name: 'web',
        uid: 'd-1',
      },
    ]);
    expect(told[0]!.content).to.deep.equal({
      type: 'Normal',
      reason: 'Injected',
      action: 'Inject',
      note: 'pods get a proxy',
    });
  });

  it("are the owner's own where it is another, or cannot be read", async () => {
    const { clock, events, told, asked } = world({
      [SET_PATH]: { metadata: { uid: 'another', ownerReferences: [DEPLOYMENT] } },
    });
    events.offer(outcome());
    events.offer(outcome({ owner: { ...REPLICA_SET, name: 'gone', uid: 'rs-2' } }));
    events.offer(outcome({ owner: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db', uid: 's-1' } }));
    await clock.advance(1_000);
    expect(told.map(({ subject }) => `${subject.kind}/${subject.name} ${subject.uid}`)).to.deep.equal([
      'ReplicaSet/web-7d4b9 rs-1',
      'ReplicaSet/gone rs-2',
      'StatefulSet/db s-1',
    ]);
    expect(asked).to.have.length(2);
  });

  it("are the CronJob's for a Job, the Rollout's for a ReplicaSet of Argo, and the pod's own without an owner", async () => {
    const cron = { apiVersion: 'batch/v1', kind: 'CronJob', name: 'night', uid: 'c-1', controller: true };
    const rollout = { apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', name: 'web', uid: 'r-1', controller: true };
    const { clock, events, told } = world({
      '/apis/batch/v1/namespaces/shop/jobs/night-1': { metadata: { uid: 'j-1', ownerReferences: [cron] } },
      [SET_PATH]: { metadata: { uid: 'rs-1', ownerReferences: [rollout] } },
    });
    events.offer(outcome({ owner: { apiVersion: 'batch/v1', kind: 'Job', name: 'night-1', uid: 'j-1' } }));
    events.offer(outcome());
    events.offer(outcome({ owner: null, podName: 'bare' }));
    events.offer(outcome({ owner: null, podName: '' }));
    await clock.advance(1_000);
    expect(told.map(({ subject }) => [subject.type.group, subject.kind, subject.uid])).to.deep.equal([
      ['batch', 'CronJob', 'c-1'],
      ['argoproj.io', 'Rollout', 'r-1'],
      ['', 'Pod', 'uid of shop/bare'],
    ]);
  });

  it('carry the warnings, and the reason of pods that are left alone although a proxy was asked for', async () => {
    const { clock, events, told } = world();
    events.offer(outcome({ warnings: ['a is ignored', 'b is not known'] }));
    events.offer(outcome({ injected: false, warnings: ['not injected: hostNetwork is enabled'] }));
    await clock.advance(1_000);
    expect(told.map(({ content }) => [content.type, content.reason, content.note])).to.deep.equal([
      ['Warning', 'Injected', 'pods get a proxy; a is ignored; b is not known'],
      ['Warning', 'InjectionSkipped', 'not injected: hostNetwork is enabled'],
    ]);
  });

  it('are not for dry runs, and not for pods that nobody wanted injected', async () => {
    const { clock, events, told } = world();
    events.offer(outcome({ isDryRun: true }));
    events.offer(outcome({ injected: false, skipReasons: ['injection_enable_annotation_absent'] }));
    await clock.advance(1_000);
    expect(told).to.deep.equal([]);
  });

  it('of a thousand pods of one owner are one, and another one only when there is something else to say', async () => {
    const { clock, events, told } = world({ [SET_PATH]: SET });
    for (let i = 0; i < 1_000; i += 1) events.offer(outcome());
    await clock.advance(60_000);
    for (let i = 0; i < 1_000; i += 1) events.offer(outcome());
    await clock.advance(60_000);
    expect(told).to.have.length(1);
    events.offer(outcome({ warnings: ['x is ignored'] }));
    await clock.advance(1_000);
    expect(told.map(({ content }) => content.note)).to.deep.equal([
      'pods get a proxy',
      'pods get a proxy; x is ignored',
    ]);
    await clock.advance(600_000);
    events.offer(outcome());
    await clock.advance(1_000);
    expect(told).to.have.length(3);
  });

  it('come ten a second at most, whoever creates pods, and of one owner the newest only', async () => {
    const { clock, events, told } = world();
    const owner = (i: number) => ({ apiVersion: 'apps/v1', kind: 'DaemonSet', name: `d${i}`, uid: `u${i}` });
    for (let i = 0; i < 300; i += 1) events.offer(outcome({ owner: owner(i), warnings: ['old'] }));
    for (let i = 0; i < 300; i += 1) events.offer(outcome({ owner: owner(i), warnings: ['new'] }));
    await clock.advance(10_050);
    expect(told).to.have.length(100);
    expect(new Set(told.map(({ content }) => content.note))).to.deep.equal(new Set(['pods get a proxy; new']));
    await clock.advance(30_000);
    expect(told).to.have.length(300);
  });

  it('wait in a queue of a thousand owners; what comes beyond is left out, and that is logged once', async () => {
    const { clock, events, told, log } = world();
    const owner = (i: number) => ({ apiVersion: 'apps/v1', kind: 'DaemonSet', name: `d${i}`, uid: `u${i}` });
    for (let i = 0; i < 1_500; i += 1) events.offer(outcome({ owner: owner(i) }));
    await clock.advance(200_000);
    expect(told).to.have.length(1_000);
    expect(log.messages('warn')).to.have.length(1);
  });

  it('that hang hold up the next ones for five seconds, and no shutdown', async () => {
    const { clock, events, told } = world({}, new Promise(() => {}));
    events.offer(outcome());
    events.offer(outcome({ owner: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db', uid: 's-1' } }));
    await clock.advance(4_000);
    expect(told).to.have.length(0);
    await clock.advance(2_000);
    expect(told.map(({ subject }) => subject.kind)).to.deep.equal(['StatefulSet']);
    events.offer(outcome({ warnings: ['x'], owner: { ...REPLICA_SET, uid: 'rs-9' } }));
    await clock.advance(200);
    await events.stop();
    events.offer(outcome({ owner: { ...REPLICA_SET, uid: 'rs-10' } }));
    expect(clock.timers).to.equal(0);
  });
});
