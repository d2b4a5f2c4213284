import { expect } from 'chai';
import { Registry } from 'prom-client';
import { KINDS } from '../../../crds/kinds/registry.ts';
import { ClusterState } from '../../../crds/state/cluster-state.ts';
import { ReplicaStatus, type ReplicaStatusOptions } from '../../../operator/replica-status.ts';
import { PATIENCE_MS } from '../../../operator/replicas/reports.ts';
import { replicaMetrics } from '../../../operator/telemetry/replica-metrics.ts';
import { FakeClock } from '../../fakes/clock.ts';
import { MemoryLogger } from '../../fakes/logger.ts';

describe('what there is of the replicas of the operator', () => {
  it('has the times of its own, whatever else the parts that it is made with have', () => {
    const parts = { clock: new FakeClock(), random: () => 0, log: new MemoryLogger(), timing: { auditMs: 600_000 } };
    const { reports } = new ReplicaStatus({
      ...parts,
      config: { namespace: 'weft-system', podName: 'op-0', roles: new Set(['controllers']) },
      kinds: KINDS,
      state: new ClusterState(KINDS),
      certificates: {} as ReplicaStatusOptions['certificates'],
      own: () => null,
      progressed: () => undefined,
      visibilityChanged: () => undefined,
      metrics: replicaMetrics(new Registry(), () => ({}) as never),
      refused: () => undefined,
    });
    expect(reports.connections().patienceMs).to.equal(PATIENCE_MS);
  });
});
