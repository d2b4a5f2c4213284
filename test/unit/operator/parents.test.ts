import { expect } from 'chai';
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

describe('status.parents of routes', () => {
  it('says of each parent what holds, with the reference as it was written', () => {
    expect(parentsToWrite([wanted(WEB)], undefined, 3, NOW)).to.deep.equal([
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
    const parents = parentsToWrite([wanted(WEB), wanted(API)], undefined, 3, NOW);
    expect(parentsToWrite([wanted(WEB), wanted(API)], { parents }, 3, LATER)).to.equal(null);
  });

  it('moves a transition time only with the status', () => {
    const parents = parentsToWrite([wanted(WEB)], undefined, 3, NOW);
    const timeOf = (written: unknown[] | null) =>
      (written![0] as { conditions: { lastTransitionTime: string }[] }).conditions[0]!.lastTransitionTime;
    expect(timeOf(parentsToWrite([wanted(WEB)], { parents }, 4, LATER))).to.equal('2026-01-02T03:04:05Z');
    expect(timeOf(parentsToWrite([wanted(WEB, 'False')], { parents }, 4, LATER))).to.equal('2026-01-02T03:05:05Z');
  });

  it('never goes back to an earlier generation', () => {
    const parents = parentsToWrite([wanted(WEB)], undefined, 7, NOW);
    expect(parentsToWrite([wanted(WEB, 'False')], { parents }, 6, LATER)).to.equal(null);
  });

  it('leaves the entries of other controllers as they are', () => {
    const written = parentsToWrite([wanted(WEB)], { parents: [foreign] }, 1, NOW);
    expect(written).to.have.length(2);
    expect(written![0]).to.deep.equal(foreign);
    expect(parentsToWrite([wanted(WEB)], { parents: written }, 1, LATER)).to.equal(null);
  });

  it('keeps conditions of other types in entries of its own', () => {
    const [entry] = parentsToWrite([wanted(WEB)], undefined, 1, NOW) as { conditions: object[] }[];
    const other = {
      type: 'example.net/Seen',
      status: 'True',
      reason: 'A',
      message: '',
      lastTransitionTime: '2020-01-01T00:00:00Z',
      observedGeneration: 1,
    };
    const parents = [{ ...entry, conditions: [other, ...entry!.conditions] }];
    expect(parentsToWrite([wanted(WEB)], { parents }, 1, LATER)).to.equal(null);
    const [changed] = parentsToWrite([wanted(WEB, 'False')], { parents }, 2, LATER) as { conditions: unknown[] }[];
    expect(changed!.conditions).to.deep.include(other);
  });

  it('takes away entries of parents that the route no longer has', () => {
    const parents = [foreign, ...parentsToWrite([wanted(WEB), wanted(API)], undefined, 1, NOW)!];
    const written = parentsToWrite([wanted(API)], { parents }, 2, LATER) as { parentRef: unknown }[];
    expect(written.map(({ parentRef }) => parentRef)).to.deep.equal([foreign.parentRef, API]);
    expect(parentsToWrite([], { parents }, 2, LATER)).to.deep.equal([foreign]);
  });

  it('takes away a condition of its own that no longer holds', () => {
    const partly = [
      condition('Accepted', 'True', 'Accepted', ''),
      condition('PartiallyInvalid', 'True', 'UnsupportedValue', 'Dropped Rule'),
    ];
    const parents = parentsToWrite([{ parentRef: WEB, conditions: partly }], undefined, 1, NOW);
    const [entry] = parentsToWrite([wanted(WEB)], { parents }, 2, LATER) as { conditions: { type: string }[] }[];
    expect(entry!.conditions.map(({ type }) => type)).to.deep.equal(['Accepted']);
  });

  it('is not written on a route that has no parent of ours and never had one', () => {
    for (const status of [undefined, {}, { parents: [] }, { parents: [foreign] }]) {
      expect(parentsToWrite([], status, 1, NOW), JSON.stringify(status)).to.equal(null);
    }
  });

  it('survives whatever stands in the status', () => {
    for (const status of [null, 7, { parents: 7 }, { parents: [null, 7, {}, { controllerName: CONTROLLER_NAME }] }]) {
      expect(parentsToWrite([wanted(WEB)], status, 1, NOW), JSON.stringify(status)).to.not.equal(null);
    }
  });
});
