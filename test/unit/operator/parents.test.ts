import { expect } from 'chai';
import { ROUTE_PROGRAMMED } from '../../../crds/kinds/row.ts';
import { condition } from '../../../operator/status/condition.ts';
import { CONTROLLER_NAME, parentsToWrite, type WantedParent } from '../../../operator/status/parents.ts';

const NOW = Date.parse('2026-01-02T03:04:05.678Z');
const LATER = NOW + 60_000;
const WEB = { group: 'core', kind: 'Service', name: 'web', port: 80 };
const API = { kind: 'Service', name: 'api' };

function wanted(parentRef: WantedParent['parentRef'], status: 'True' | 'False' = 'True'): WantedParent {
  return {
    parentRef,
    conditions: [condition('Accepted', status, status === 'True' ? 'Accepted' : 'NoMatchingParent', 'm')],
  };
}

const foreign = {
  parentRef: { name: 'gateway' },
  controllerName: 'example.net/gateway',
  conditions: [
    {
      type: 'Accepted',
      status: 'False',
      reason: 'X',
      message: '',
      lastTransitionTime: '2020-01-01T00:00:00Z',
      extra: 1,
    },
  ],
  unknown: true,
};

function toWrite(...given: Parameters<typeof parentsToWrite>): unknown[] | null {
  return parentsToWrite(...given)?.parents ?? null;
}

describe('status.parents of routes', () => {
  it('says of each parent what holds, with the reference as it was written', () => {
    expect(toWrite([wanted(WEB)], undefined, 3, NOW)).to.deep.equal([
      {
        parentRef: WEB,
        controllerName: CONTROLLER_NAME,
        conditions: [
          {
            type: 'Accepted',
            status: 'True',
            reason: 'Accepted',
            message: 'm',
            lastTransitionTime: '2026-01-02T03:04:05Z',
            observedGeneration: 3,
          },
        ],
      },
    ]);
  });

  it('is not written again when it says the same already', () => {
    const parents = toWrite([wanted(WEB), wanted(API)], undefined, 3, NOW);
    expect(toWrite([wanted(WEB), wanted(API)], { parents }, 3, LATER)).to.equal(null);
  });

  it('tells whether only the number of proxies is another, which may wait', () => {
    const said = (status: 'True' | 'False', reason: string, message: string, accepted = 'True' as 'True' | 'False') => [
      {
        parentRef: WEB,
        conditions: [...wanted(WEB, accepted).conditions, condition(ROUTE_PROGRAMMED, status, reason, message)],
      },
    ];
    const parents = toWrite(said('True', 'Acknowledged', '1/2'), undefined, 3, NOW);
    const differs = (...next: Parameters<typeof said>) =>
      parentsToWrite(said(...next), { parents }, 3, LATER)?.onlyCounters;
    expect(differs('True', 'Acknowledged', '1/2')).to.equal(undefined);
    expect(differs('True', 'Acknowledged', '2/2')).to.equal(true);
    expect(differs('True', 'NoSubscribers', '')).to.equal(true);
    expect(differs('False', 'Rejected', '1/2')).to.equal(false);
    expect(differs('True', 'Acknowledged', '2/2', 'False')).to.equal(false);
    const [of] = [parentsToWrite(said('True', 'Acknowledged', '2/2'), { parents }, 4, LATER)];
    expect(of?.onlyCounters, 'another generation').to.equal(false);
  });

  it('moves a transition time only with the status', () => {
    const parents = toWrite([wanted(WEB)], undefined, 3, NOW);
    const timeOf = (written: unknown[] | null) =>
      (written![0] as { conditions: { lastTransitionTime: string }[] }).conditions[0]!.lastTransitionTime;
    expect(timeOf(toWrite([wanted(WEB)], { parents }, 4, LATER))).to.equal('2026-01-02T03:04:05Z');
    expect(timeOf(toWrite([wanted(WEB, 'False')], { parents }, 4, LATER))).to.equal('2026-01-02T03:05:05Z');
  });

  it('does not believe in a generation that the object never had', () => {
    const parents = toWrite([wanted(WEB)], undefined, 7, NOW);
    expect(parentsToWrite([wanted(WEB)], { parents }, 6, LATER)?.onlyCounters, 'at once').to.equal(false);
    const [mended] = toWrite([wanted(WEB)], { parents }, 6, LATER)!;
    const { conditions } = mended as { conditions: { observedGeneration: number }[] };
    expect(new Set(conditions.map(({ observedGeneration }) => observedGeneration))).to.deep.equal(new Set([6]));
  });

  it('leaves the entries of other controllers as they are', () => {
    const written = toWrite([wanted(WEB)], { parents: [foreign] }, 1, NOW);
    expect(written).to.have.length(2);
    expect(written![0]).to.deep.equal(foreign);
    expect(toWrite([wanted(WEB)], { parents: written }, 1, LATER)).to.equal(null);
  });

  it('keeps conditions of other types in entries of its own', () => {
    const [entry] = toWrite([wanted(WEB)], undefined, 1, NOW) as { conditions: object[] }[];
    const other = {
      type: 'example.net/Seen',
      status: 'True',
      reason: 'A',
      message: '',
      lastTransitionTime: '2020-01-01T00:00:00Z',
      observedGeneration: 1,
    };
    const parents = [{ ...entry, conditions: [other, ...entry!.conditions] }];
    expect(toWrite([wanted(WEB)], { parents }, 1, LATER)).to.equal(null);
    const [changed] = toWrite([wanted(WEB, 'False')], { parents }, 2, LATER) as { conditions: unknown[] }[];
    expect(changed!.conditions).to.deep.include(other);
  });

  it('takes away entries of parents that the route no longer has', () => {
    const parents = [foreign, ...toWrite([wanted(WEB), wanted(API)], undefined, 1, NOW)!];
    const written = toWrite([wanted(API)], { parents }, 2, LATER) as { parentRef: unknown }[];
    expect(written.map(({ parentRef }) => parentRef)).to.deep.equal([foreign.parentRef, API]);
    expect(toWrite([], { parents }, 2, LATER)).to.deep.equal([foreign]);
  });

  it('takes away a condition of its own that no longer holds', () => {
    const partly = [
      condition('Accepted', 'True', 'Accepted', ''),
      condition('PartiallyInvalid', 'True', 'UnsupportedValue', 'Dropped Rule'),
      // As a release before called it.
      condition('Programmed', 'Unknown', 'Pending', ''),
    ];
    const parents = toWrite([{ parentRef: WEB, conditions: partly }], undefined, 1, NOW);
    const [entry] = toWrite([wanted(WEB)], { parents }, 2, LATER) as { conditions: { type: string }[] }[];
    expect(entry!.conditions.map(({ type }) => type)).to.deep.equal(['Accepted']);
  });

  it('is not written on a route that has no parent of ours and never had one', () => {
    for (const status of [undefined, {}, { parents: [] }, { parents: [foreign] }]) {
      expect(toWrite([], status, 1, NOW), JSON.stringify(status)).to.equal(null);
    }
  });

  it('survives whatever stands in the status', () => {
    for (const status of [null, 7, { parents: 7 }, { parents: [null, 7, {}, { controllerName: CONTROLLER_NAME }] }]) {
      expect(toWrite([wanted(WEB)], status, 1, NOW), JSON.stringify(status)).to.not.equal(null);
    }
  });
});
