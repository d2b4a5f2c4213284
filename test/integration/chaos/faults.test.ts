import { expect } from 'chai';
import { Applier } from '../../../operator/kube/apply.ts';
import { RestClient } from '../../../operator/kube/rest.ts';
import { failureOf } from '../../../operator/runtime/errors.ts';
import { ANCHOR_SECRET, ISSUER_SECRET, WEBHOOK_AUTHORITY_SECRET } from '../../../proxy-image/contract/names.ts';
import { EVERY_FAULT, historyOf, told } from '../../chaos/history.ts';
import { FIRST_SECRET, LEADER_STEPS, loseLeaderAt, MOMENTS } from '../../chaos/leader-steps.ts';
import { NAMESPACE } from '../../chaos/objects.ts';
import { type Moment, World } from '../../chaos/world.ts';
import { API_SERVER_START_MS } from '../../support/apiserver-shared.ts';
import { eventually } from '../../support/eventually.ts';
import { TYPES } from '../operator/plane.ts';

/** `make chaos` has some hundreds of histories more, and a leader lost at every step at both moments. */
const OPERATORS = 2;
const DAY_MS = 86_400_000;
const SIX_HOURS_MS = 6 * 3_600_000;
const START_MS = 30_000;

describe('operators that share an API server, whatever fails', function () {
  this.timeout(120_000);
  let world: World;

  before(async function () {
    this.timeout(API_SERVER_START_MS);
    world = await World.start({ operators: OPERATORS, trap: FIRST_SECRET });
  });

  after(() => world?.stop());

  it('a leader that ends as it makes the first Secret: its successor makes all of them', async () => {
    expect(world.isSet).to.equal(false);
    for (const name of [ANCHOR_SECRET, ISSUER_SECRET, WEBHOOK_AUTHORITY_SECRET])
      await world.cluster.read(`/api/v1/namespaces/weft-system/secrets/${name}`);
  });

  it('a status that was made for another version of its object, or for one that was created anew since, is refused by the API server', async () => {
    const applier = new Applier(new RestClient(world.cluster.config), 'late');
    const found = { ...TYPES.servers, namespace: NAMESPACE, name: 'late' };
    const server = { spec: { podSelector: {}, port: 1 } };
    const { metadata } = await world.cluster.apply('servers', NAMESPACE, found.name, server);
    const write = (resourceVersion: string) =>
      applier.applyStatus({ ...found, resourceVersion }, { proxies: 'late' }, AbortSignal.timeout(5_000)).then(
        () => 'taken',
        (error) => failureOf(error),
      );
    expect(await write('1')).to.equal('Conflict');
    await world.cluster.delete('servers', NAMESPACE, found.name);
    await world.cluster.apply('servers', NAMESPACE, found.name, server);
    expect(await write(metadata.resourceVersion)).to.equal('Conflict');
    await world.cluster.delete('servers', NAMESPACE, found.name);
  });

  for (const [at, step] of LEADER_STEPS.entries()) {
    const moment: Moment = at % 2 === 0 ? 'unheard' : 'unsent';
    it(`a leader that ends as it ${step.what}, ${MOMENTS[moment]}: its successor leaves everything right`, async () => {
      expect(await loseLeaderAt(step, moment, world, at)).to.deep.equal([]);
    });
  }

  it('an operator that starts by a clock that is six hours ahead serves as soon as that is set right', async () => {
    await world.begin();
    const before = world.replicas[0];
    world.kill(0);
    const replica = await eventually('another one starts', () => world.replicas[0] !== before && world.replicas[0]);
    replica.clock.jump(SIX_HOURS_MS);
    await eventually('it listens', () => replica.port !== undefined, START_MS);
    const endsMs = await replica.plane.metric('weft_certificate_expiry_timestamp_seconds{certificate="control"}');
    expect(endsMs * 1_000, 'made by the wrong clock').to.be.greaterThan(Date.now() + DAY_MS + SIX_HOURS_MS / 2);
    replica.clock.set();
    expect(await world.end()).to.deep.equal([]);
    await world.clear();
  });

  for (const seed of EVERY_FAULT) {
    it(`all is as if it were compiled from scratch, no two lead, no event is missed: history ${seed}`, async () => {
      const history = historyOf(seed, OPERATORS);
      const { violations } = await world.run(history);
      expect(violations, told(history)).to.deep.equal([]);
    });
  }
});
