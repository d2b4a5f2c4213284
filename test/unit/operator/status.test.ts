import { expect } from 'chai';
import { onlyCountersDiffer, statusDiffers } from '../../../operator/status/change.ts';
import {
  type Condition,
  condition,
  type ObjectStatus,
  readConditions,
  stampConditions,
  toSeconds,
  type WantedCondition,
} from '../../../operator/status/condition.ts';
import { ACKNOWLEDGE_WITHIN_MS, type Progress, programmed, proxyShare } from '../../../operator/status/programmed.ts';
import { observedGeneration, readiness, type Verdict } from '../../../operator/status/verdict.ts';
import { kstatus } from '../../support/kstatus.ts';

const NOW_MS = 1_700_000_000_500;

/** A status as the operator would write it on an object of `generation`, over what is there. */
function write(verdict: Verdict, generation: number, present: Partial<ObjectStatus> = {}): ObjectStatus {
  return {
    observedGeneration: observedGeneration(verdict, generation, present.observedGeneration ?? -1),
    conditions: stampConditions(readiness(verdict), present.conditions ?? [], generation, NOW_MS),
  };
}

const brief = (status: ObjectStatus) =>
  status.conditions.map(({ type, status: value, reason }) => `${type}=${value} ${reason}`);

describe('outcomes of a reconcile', () => {
  const table: [string, Verdict, string[], number, ReturnType<typeof kstatus>][] = [
    [
      'first sight',
      { outcome: 'progressing' },
      ['Ready=Unknown Progressing', 'Reconciling=True Progressing'],
      -1,
      'InProgress',
    ],
    ['done', { outcome: 'ready', message: 'm' }, ['Ready=True Succeeded'], 4, 'Current'],
    [
      'waits for something likely to come',
      { outcome: 'waiting', message: 'm' },
      ['Ready=False DependencyNotReady', 'Reconciling=True ProgressingWithRetry'],
      4,
      'InProgress',
    ],
    [
      'invalid',
      { outcome: 'invalid', reason: 'BadPath', message: 'm' },
      ['Ready=False BadPath', 'Stalled=True BadPath'],
      4,
      'Failed',
    ],
    [
      'our own failure',
      { outcome: 'failed', reason: 'InternalError', message: 'm' },
      ['Ready=False InternalError', 'Reconciling=True ProgressingWithRetry'],
      -1,
      'InProgress',
    ],
    [
      'overruled',
      { outcome: 'conflicted', message: 'm' },
      ['Ready=False Conflicted', 'Stalled=True Conflicted'],
      4,
      'Failed',
    ],
  ];
  for (const [name, verdict, conditions, observed, health] of table) {
    it(`${name}: ${conditions.join(', ')}; Flux sees ${health}`, () => {
      const status = write(verdict, 4);
      expect(brief(status)).to.deep.equal(conditions);
      expect(status.observedGeneration).to.equal(observed);
      expect(kstatus({ metadata: { generation: 4 }, status })).to.equal(health);
    });
  }

  it('is never healthy by mistake: before we looked, after an edit, or while we fail on the edit', () => {
    const untouched = { metadata: { generation: 1 }, status: { observedGeneration: -1 } };
    expect(kstatus(untouched)).to.equal('InProgress');
    const done = write({ outcome: 'ready', message: 'm' }, 1);
    expect(kstatus({ metadata: { generation: 1 }, status: done })).to.equal('Current');
    expect(kstatus({ metadata: { generation: 2 }, status: done })).to.equal('InProgress');
    const failed = write({ outcome: 'failed', reason: 'InternalError', message: 'm' }, 2, done);
    expect(failed.observedGeneration).to.equal(1);
    expect(kstatus({ metadata: { generation: 2 }, status: failed })).to.equal('InProgress');
    const deleting = { metadata: { generation: 1, deletionTimestamp: '2026-01-01T00:00:00Z' }, status: done };
    expect(kstatus(deleting)).to.equal('Terminating');
    expect(kstatus({ metadata: { generation: 1 } }), 'what we avoid').to.equal('Current');
  });
});

describe('conditions', () => {
  it('keep their transition time while the status stays, whatever reason and message do', () => {
    const first = write({ outcome: 'ready', message: 'one' }, 1);
    const before = first.conditions.map((each) => ({ ...each, lastTransitionTime: '2020-01-01T00:00:00Z' }));
    const second = write({ outcome: 'ready', message: 'two' }, 2, { conditions: before });
    expect(second.conditions[0]).to.include({
      lastTransitionTime: '2020-01-01T00:00:00Z',
      message: 'two',
      observedGeneration: 2,
    });
    const third = write({ outcome: 'waiting', message: 'x' }, 2, { conditions: before });
    expect(third.conditions[0]!.lastTransitionTime).to.equal(toSeconds(NOW_MS));
  });

  it('have times without fractions, and messages within the limit of the API', () => {
    expect(toSeconds(NOW_MS)).to.equal('2023-11-14T22:13:20Z');
    expect(condition('T', 'True', 'R', 'x'.repeat(40_000)).message).to.have.length(32_768);
  });

  it('are read from anything without a throw', () => {
    for (const raw of [undefined, null, 1, 'x', [], {}, { conditions: null }, { conditions: [null, 1, {}] }]) {
      expect(readConditions(raw)).to.deep.equal([]);
    }
    const valid = { type: 'T', status: 'True', reason: 'R', message: '', lastTransitionTime: 'x' };
    expect(readConditions({ conditions: [valid, { type: 'T' }] })).to.deep.equal([{ ...valid, observedGeneration: 0 }]);
  });
});

describe('writing a status', () => {
  const wanted = write({ outcome: 'waiting', message: 'm' }, 1);
  const foreign: Condition = { ...wanted.conditions[0]!, type: 'Verified' };
  const reordered = {
    conditions: [foreign, ...wanted.conditions.toReversed()].map((each) =>
      Object.fromEntries(Object.entries(each).toReversed()),
    ),
    observedGeneration: 1,
  };

  it('is skipped where nothing would change, whatever the order of fields and whoever else has conditions there', () => {
    expect(statusDiffers(wanted, reordered)).to.equal(false);
    expect(statusDiffers({ ...wanted, routes: undefined } as ObjectStatus, reordered)).to.equal(false);
  });

  const differences: [string, unknown][] = [
    ['there is none', undefined],
    ['it was wiped', {}],
    ['the generation is another', { ...reordered, observedGeneration: 0 }],
    ['a condition is missing', { ...reordered, conditions: [wanted.conditions[0]] }],
    [
      'a message is another',
      { ...reordered, conditions: wanted.conditions.map((each) => ({ ...each, message: 'n' })) },
    ],
    [
      'a condition of ours is no longer wanted',
      { ...reordered, conditions: [...wanted.conditions, { type: 'Stalled' }] },
    ],
    ['conditions are no list', { ...reordered, conditions: {} }],
  ];
  for (const [name, present] of differences) {
    it(`is needed where ${name}`, () => expect(statusDiffers(wanted, present)).to.equal(true));
  }

  it('is needed where a field of the kind is another', () => {
    const status = { ...wanted, routes: 2, extra: { list: [1, 2] } } as ObjectStatus;
    expect(statusDiffers(status, { ...reordered, routes: 2, extra: { list: [1, 2] } })).to.equal(false);
    expect(statusDiffers(status, { ...reordered, routes: 3, extra: { list: [1, 2] } })).to.equal(true);
    expect(statusDiffers(status, { ...reordered, routes: 2, extra: { list: [1, 3] } })).to.equal(true);
    expect(statusDiffers(status, { ...reordered, routes: 2, extra: { list: { 0: 1, 1: 2 } } })).to.equal(true);
  });
});

describe('Programmed', () => {
  const progress = (overrides: Partial<Progress>): Progress => ({
    proxies: 0,
    current: 0,
    behind: [],
    sinceMs: 0,
    rejections: [],
    unseen: '',
    patienceMs: 0,
    ...overrides,
  });
  const names = ['a/1', 'a/2', 'a/3', 'a/4', 'a/5', 'a/6'];

  it('is True where no proxy needs the object', () => {
    expect(programmed(progress({}), 0, null).condition).to.include({ status: 'True', reason: 'NoSubscribers' });
  });

  it('is True where all have acknowledged', () => {
    const result = programmed(progress({ proxies: 3, current: 3 }), 0, null);
    expect(result.condition).to.include({ status: 'True', reason: 'Acknowledged', message: '3/3 proxies run with it' });
    expect(result.againInMs).to.equal(0);
  });

  it('says nothing new for 30 s, and when to look again', () => {
    const behind = progress({ proxies: 3, current: 2, behind: ['a/1'], sinceMs: 1_000 });
    const present = { status: 'True' } as Condition;
    expect(programmed(behind, 11_000, present)).to.deep.equal({ condition: null, againInMs: 20_000 });
    expect(programmed(behind, 11_000, null).condition).to.include({ status: 'Unknown', reason: 'Pending' });
  });

  it('is False after 30 s and names at most five', () => {
    const behind = progress({ proxies: 9, current: 1, behind: names, sinceMs: 1_000 });
    const { condition: result } = programmed(behind, 1_000 + ACKNOWLEDGE_WITHIN_MS, null);
    expect(result).to.include({ status: 'False', reason: 'NotAcknowledged' });
    expect(result!.message).to.equal('1/9 proxies run with it; waiting for a/1, a/2, a/3, a/4, a/5 and 3 more');
  });

  it('is False at once where a proxy refused, and says what', () => {
    const rejections = names.map((proxy) => ({
      proxy,
      key: 'service/1.2.3.4:80',
      problems: proxy === 'a/2' ? [] : ['bad'],
    }));
    const { condition: result } = programmed(progress({ proxies: 6, current: 0, behind: names, rejections }), 0, null);
    expect(result).to.include({ status: 'False', reason: 'Rejected' });
    expect(result!.message).to.contain(
      'a/1 refused service/1.2.3.4:80 (bad), a/2 refused service/1.2.3.4:80 (no reason)',
    );
    expect(result!.message).not.to.contain('a/6');
  });

  describe('where other replicas have proxies that are not seen from here', () => {
    const unseen = 'the proxies of 2 operator replicas are not known';
    const unknown = { type: 'Programmed', status: 'Unknown', reason: 'ProxiesNotVisible', message: unseen };

    it('is Unknown, whether or not those that are seen have acknowledged, and gives no number', () => {
      for (const seen of [progress({ unseen }), progress({ proxies: 3, current: 3, unseen })]) {
        expect(programmed(seen, 0, { status: 'True' } as Condition)).to.deep.equal({
          condition: unknown,
          againInMs: 0,
        });
        expect(proxyShare(seen)).to.equal('unknown');
      }
      expect(proxyShare(progress({ proxies: 3, current: 2 }))).to.equal('2/3');
    });

    it('is Unknown at once where one is behind, and False after 30 s, which is true whatever the others do', () => {
      const behind = progress({ proxies: 3, current: 2, behind: ['a/1'], sinceMs: 1_000, unseen });
      expect(programmed(behind, 11_000, { status: 'True' } as Condition)).to.deep.equal({
        condition: unknown,
        againInMs: 20_000,
      });
      const { condition: late } = programmed(behind, 1_000 + ACKNOWLEDGE_WITHIN_MS, null);
      expect(late).to.include({ status: 'False', reason: 'NotAcknowledged' });
      expect(late!.message).to.equal('2/3 proxies of the operator replicas that report run with it; waiting for a/1');
    });

    it('stays as it is for as long as that may be for a moment only, and gives no other number', () => {
      const held = { status: 'True' } as Condition;
      const seen = progress({ proxies: 3, current: 3, unseen, patienceMs: 7_000 });
      expect(programmed(seen, 0, held)).to.deep.equal({ condition: null, againInMs: 7_000 });
      expect(proxyShare(seen)).to.equal(null);
      expect(programmed(seen, 0, null).condition).to.include({ status: 'Unknown', reason: 'Pending' });
      const behind = { ...seen, current: 2, behind: ['a/1'], sinceMs: 1_000 };
      expect(programmed(behind, 26_000, held)).to.deep.equal({ condition: null, againInMs: 5_000 });
      expect(programmed(behind, 31_000, held).condition).to.include({ status: 'False', reason: 'NotAcknowledged' });
    });

    it('is False where one refused', () => {
      const rejections = [{ proxy: 'a/1', key: 'trust', problems: ['bad'] }];
      const refused = progress({ proxies: 1, current: 0, behind: ['a/1'], rejections, unseen });
      expect(programmed(refused, 0, null).condition).to.include({ status: 'False', reason: 'Rejected' });
    });
  });

  it('may wait where only the number of proxies is another, and not where anything else is', () => {
    const said = (proxies: string, programmed: WantedCondition, generation = 1) => {
      const wantedConditions = [condition('Ready', 'True', 'Succeeded', 'm'), programmed];
      return {
        observedGeneration: generation,
        proxies,
        conditions: stampConditions(wantedConditions, [], generation, NOW_MS),
      };
    };
    const done = (message: string) => condition('Programmed', 'True', 'Acknowledged', message);
    const held = said('1/2', done('1/2'));
    expect(onlyCountersDiffer(said('2/2', done('2/2')), held)).to.equal(true);
    expect(onlyCountersDiffer(said('0/0', condition('Programmed', 'True', 'NoSubscribers', '')), held)).to.equal(true);
    expect(onlyCountersDiffer(said('1/2', condition('Programmed', 'False', 'Rejected', '')), held)).to.equal(false);
    expect(onlyCountersDiffer(said('2/2', done('2/2'), 2), held), 'another generation').to.equal(false);
    const lacking = (status: 'True' | 'False', message: string) => condition('PodsInjected', status, 'Reason', message);
    const some = said('2/2', lacking('False', '12 pods'));
    expect(onlyCountersDiffer(said('2/2', lacking('False', '13 pods')), some)).to.equal(true);
    expect(onlyCountersDiffer(said('2/2', lacking('True', 'none')), some)).to.equal(false);
    expect(onlyCountersDiffer({ ...said('2/2', done('2/2')), other: 1 } as ObjectStatus, held)).to.equal(false);
    for (const nothing of [null, undefined, 7, {}, { conditions: 7 }]) {
      expect(onlyCountersDiffer(held, nothing)).to.equal(false);
    }
  });
});
