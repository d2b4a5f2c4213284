import { expect } from 'chai';
import { rowOf } from '../../support/kinds.ts';
import { shippedChecks } from './checks.ts';
import { falselyHealthy } from './falseness.ts';
import { BUILD_LIMIT_MS, type Health, Judge } from './judge.ts';
import { truths } from './oracle.ts';
import type { Version } from './recorder.ts';
import type { Seen } from './variants.ts';

const ROW = rowOf('TrafficSplit.split.smi-spec.io');

function version(revision: number, generation: number, observed: number, backends: unknown = []): Version {
  const lastTransitionTime = '2026-01-01T00:00:00Z';
  const ready = { type: 'Ready', status: 'True', reason: 'Succeeded', message: '', lastTransitionTime };
  const conditions = [{ ...ready, observedGeneration: observed }];
  const raw = {
    apiVersion: 'split.smi-spec.io/v1alpha1',
    kind: 'TrafficSplit',
    metadata: { namespace: 'shop', name: 'web', uid: 'u', resourceVersion: String(revision), generation },
    spec: { service: 'web', backends },
    status: { observedGeneration: observed, conditions },
  };
  return { row: ROW, raw, revision };
}

describe('what histories are held against finds', function () {
  this.timeout(BUILD_LIMIT_MS);
  let judge: Judge<Health>;
  const found = (versions: Version[], absences: { from: number; to: number }[] = []) =>
    falselyHealthy(versions, absences, judge);

  before(async () => {
    judge = await Judge.start<Health>('health', shippedChecks());
  });
  after(() => judge?.stop());

  it('nothing where an operator has looked at each generation', async () => {
    const versions = [version(5, 1, -1), version(6, 1, 1), version(7, 2, 1), version(9, 2, 2)];
    expect(await found(versions, [{ from: 6, to: 8 }])).to.deep.equal([]);
  });

  it('a first version that is healthy, and a healthy one of a new generation', async () => {
    for (const versions of [[version(5, 1, 1)], [version(5, 1, -1), version(6, 1, 1), version(7, 2, 2)]]) {
      const [said, ...more] = await found(versions);
      expect(said).to.contain('kstatus, flux, argo').and.to.contain('nobody can have looked at it');
      expect(more).to.deep.equal([]);
    }
  });

  it('one that became healthy while no operator ran, not one that was healthy before', async () => {
    const versions = [version(5, 1, -1), version(7, 1, 1), version(8, 1, 1)];
    expect(await found(versions, [{ from: 7, to: 9 }])).to.deep.equal([]);
    expect((await found(versions, [{ from: 6, to: 9 }])).join()).to.contain('no operator ran');
  });

  it('one that cannot be accepted', async () => {
    expect((await found([version(5, 1, -1), version(6, 1, 1, 'none')])).join()).to.contain('it cannot be accepted');
  });

  it('what holds, from scratch: a split is ready with its Services, and not without', () => {
    const service = (name: string): Seen & Record<string, unknown> => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { namespace: 'shop', name, uid: name, resourceVersion: '1' },
      spec: { clusterIP: '10.0.0.1', ports: [{ name: 'http', port: 80, protocol: 'TCP' }] },
    });
    const split = version(5, 1, -1, [{ service: 'v2', weight: 1 }]).raw;
    const slice = (name: string): Seen & Record<string, unknown> => ({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        ...{ namespace: 'shop', name, uid: name, resourceVersion: '1' },
        ...{ labels: { 'kubernetes.io/service-name': name } },
      },
      addressType: 'IPv4',
      ports: [{ name: 'http', port: 80 }],
      endpoints: [{ addresses: ['10.1.0.1'], conditions: { ready: true } }],
    });
    const holds = (...services: string[]) =>
      truths(
        new Map<Version['row'], Seen[]>([
          [rowOf('Service'), services.map(service)],
          [rowOf('EndpointSlice'), services.map(slice)],
          [ROW, [split]],
        ]),
      ).map(({ isHealthy }) => isHealthy);
    expect(holds('web', 'v2')).to.deep.equal([true]);
    expect(holds('web')).to.deep.equal([false]);
  });
});
