import { expect } from 'chai';
import { Definitions } from '../../../operator/definitions.ts';
import type { Served } from '../../../operator/kube/discovery.ts';
import { FakeClock, settle } from '../../fakes/clock.ts';
import { MemoryLogger } from '../../fakes/logger.ts';

const SERVERS = { group: 'policy.linkerd.io', version: 'v1beta3', plural: 'servers', optional: false };
const SPLITS = { group: 'split.smi-spec.io', version: 'v1alpha1', plural: 'trafficsplits', optional: false };
const ROUTES = { group: 'gateway.networking.k8s.io', version: 'v1', plural: 'httproutes', optional: true };

function rig() {
  const clock = new FakeClock();
  const served: Record<string, Served | Error> = { servers: 'status', trafficsplits: 'status', httproutes: 'absent' };
  let told = 0;
  let asked = 0;
  const definitions = new Definitions({
    types: [SERVERS, SPLITS, ROUTES],
    async discover({ plural }) {
      asked++;
      const answer = served[plural]!;
      if (answer instanceof Error) throw answer;
      return answer;
    },
    clock,
    log: new MemoryLogger(),
    changed: () => told++,
  });
  return { definitions, served, clock, told: () => told, asked: () => asked };
}

describe('custom resource definitions', () => {
  it('are complete where every kind has a status, but for optional ones that are not there', async () => {
    const { definitions, told } = rig();
    await definitions.start();
    await settle();
    expect(definitions.problems).to.deep.equal([]);
    expect(told()).to.equal(0);
    await definitions.stop();
  });

  it('are named with what they lack, and forgotten once they have it', async () => {
    const { definitions, served, clock, told } = rig();
    served['servers'] = 'without-status';
    served['trafficsplits'] = 'absent';
    await definitions.start();
    await settle();
    expect(definitions.problems).to.have.length(2);
    expect(definitions.problems[0]).to.contain('servers.policy.linkerd.io has no status subresource');
    expect(definitions.problems[1]).to.contain(
      'trafficsplits.split.smi-spec.io is not served as split.smi-spec.io/v1alpha1',
    );
    served['servers'] = 'status';
    served['trafficsplits'] = 'status';
    await clock.advance(60_000);
    expect(definitions.problems).to.deep.equal([]);
    expect(told()).to.equal(2);
    await definitions.stop();
  });

  it('are looked at a second after a status could not be written, once for many', async () => {
    const { definitions, served, clock, asked } = rig();
    await definitions.start();
    await settle();
    served['servers'] = 'without-status';
    for (let i = 0; i < 100; i++) definitions.doubted();
    await clock.advance(1_000);
    expect(definitions.problems).to.have.length(1);
    expect(asked(), 'three kinds, twice').to.equal(6);
    await definitions.stop();
  });

  it('keep what is known of them while the API server does not answer', async () => {
    const { definitions, served, clock, told } = rig();
    served['servers'] = 'without-status';
    await definitions.start();
    await settle();
    served['servers'] = new Error('connect ECONNREFUSED');
    await clock.advance(180_000);
    expect(definitions.problems).to.have.length(1);
    expect(told()).to.equal(1);
    await definitions.stop();
  });
});
