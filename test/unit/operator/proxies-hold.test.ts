import { expect } from 'chai';
import { allHold, type ReplicaHolds, trustHeldPath } from '../../../operator/proxies-hold.ts';
import type { ReplicaAnswers } from '../../../operator/viz/api/replica-client.ts';
import { namespace, pod, TestCluster } from '../../support/models.ts';

const GENERATION = 'g';
/** Of every pod of a test. */
const CREATED_MS = Date.parse(pod('any', '10.0.0.1').meta.creationTimestamp);

describe('what proxies of all replicas have of the published trust', () => {
  function world() {
    const cluster = new TestCluster();
    cluster.apply('Namespace', namespace('app'));
    for (const [name, fields] of [
      ['here', {}],
      ['there', {}],
      ['plain', { meshed: false }],
      ['over', { phase: 'Succeeded' as const }],
    ] as const) {
      cluster.apply('Pod', pod(name, `10.1.0.${name.length}`, { meta: { namespace: 'app' }, ...fields }));
    }
    cluster.apply('Pod', pod('coming', '10.1.0.9', { meta: { namespace: 'app' }, ips: [] }));
    return cluster.state;
  }

  const own = { names: ['app/here'], connected: 1, anchors: 1, leaves: 0 };
  const given = { trust: { current: null, generation: GENERATION }, sessions: { trustHeld: () => own }, view: world() };
  const there: ReplicaHolds = { generation: GENERATION, names: ['app/there'], connected: 1, anchors: 0, leaves: 1 };
  const hold = (answers: unknown[], missing: string[] = []) =>
    allHold(given, async (): Promise<ReplicaAnswers> => ({ asked: [], answers, missing }), GENERATION);

  it('is the sum over replicas, and names the pods that no replica has a connection of', async () => {
    expect(await hold([there])).to.deep.equal({ connected: 2, anchors: 1, leaves: 1, absent: [] });
    expect(await hold([])).to.deep.equal({
      connected: 1,
      anchors: 1,
      leaves: 0,
      absent: [{ name: 'app/there', createdMs: CREATED_MS }],
    });
  });

  it('is not known while one does not answer, publishes another trust, or does not understand the question', async () => {
    expect(await hold([there], ['op-2'])).to.equal(null);
    expect(await hold([{ ...there, generation: 'another' }])).to.equal(null);
    expect(await hold([{}])).to.equal(null);
    expect(await hold([null])).to.equal(null);
  });

  it('is told to another replica as it is here', async () => {
    const [handler] = Object.values(trustHeldPath(given));
    const answer = await handler!(new URLSearchParams(), new AbortController().signal);
    expect(answer).to.deep.equal({ generation: GENERATION, ...own });
  });
});
