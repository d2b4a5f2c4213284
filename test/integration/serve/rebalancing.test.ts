import { expect } from 'chai';
import { Reporting } from '../../../operator/replicas/followers.ts';
import { Mover } from '../../../operator/replicas/mover.ts';
import { Rebalancing } from '../../../operator/replicas/rebalancing.ts';
import { ReplicaReports } from '../../../operator/replicas/reports.ts';
import { systemClock } from '../../../operator/runtime/clock.ts';
import { silentLog } from '../../../operator/runtime/log.ts';
import { createLeaf, createTestAuthority } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import { pod, webCluster } from '../../support/models.ts';
import { RoamingProxy } from './roaming-proxy.ts';
import { identityOf, ServeBench } from './serve-bench.ts';

const OPERATOR = 'weft-operator.test';
const WEB = 'service/10.0.0.1:80';
const PROXIES = 60;
const TIMING = { settledMs: 600, minAgeMs: 500, everyMs: 50 };

/** A replica with its server for proxies, as `operator/replica-status.ts` puts them together. */
interface Replica {
  name: string;
  bench: ServeBench;
  mover: Mover;
  /** How many were asked to connect anew, each time. */
  moves: number[];
}

describe('configuration stream: replicas with uneven numbers of proxies', function () {
  this.timeout(60_000);
  const authority = createTestAuthority();
  const cluster = webCluster();
  for (let i = 0; i < PROXIES; i++) cluster.apply('Pod', pod(`p${i}`, `10.3.0.${i + 1}`));
  const own = createLeaf(authority, OPERATOR);
  const leaf = createLeaf(authority, identityOf('web', 'app'));
  const replicas: Replica[] = [];
  const proxies: RoamingProxy[] = [];
  let leader: ReplicaReports;
  let rebalancing: Rebalancing;

  async function add(name: string): Promise<Replica> {
    const moves: number[] = [];
    const given = { clock: systemClock, log: silentLog };
    const mover = new Mover({ ...TIMING, clock: systemClock, moved: (count) => moves.push(count) });
    const followers = new Reporting({
      ...given,
      replica: name,
      ownIdentity: () => OPERATOR,
      mover,
      positions: () => [],
      refused: () => undefined,
      sent: () => undefined,
    });
    const replica = { name, bench: await ServeBench.start({ cluster, authority, followers }), mover, moves };
    replicas.push(replica);
    return replica;
  }

  before(async () => {
    const first = await add('op-0');
    const quiet = () => undefined;
    leader = new ReplicaReports({
      replicas: {
        get followed() {
          return replicas.slice(1).map(({ name, bench: { port } }) => {
            return { name, address: '127.0.0.1', port, ready: true, terminating: false };
          });
        },
        areKnown: true,
      },
      podName: 'op-0',
      servesProxies: true,
      own: () => first.bench.server.facts,
      credentials: () => ({ keyPem: own.keyPem, certPem: own.chainPem, anchorsPem: authority.anchorsPem }),
      ownIdentity: () => OPERATOR,
      mover: first.mover,
      progressed: quiet,
      visibilityChanged: quiet,
      failed: quiet,
      foundTwice: quiet,
      clock: systemClock,
      random: Math.random,
      log: silentLog,
    });
    rebalancing = new Rebalancing({
      ...TIMING,
      counts: () => leader.counts(),
      keep: (replica, count) => leader.keep(replica, count),
      clock: systemClock,
      log: silentLog,
    });
    await leader.start();
    await rebalancing.start();
    for (let i = 0; i < PROXIES; i++) {
      const { keyPem, chainPem } = leaf;
      const service = () => replicas.map(({ name, bench: { port } }) => ({ replica: name, port }));
      const tls = { anchorsPem: authority.anchorsPem, keyPem, chainPem, serverName: OPERATOR };
      proxies.push(new RoamingProxy({ ...tls, namespace: 'app', pod: `p${i}`, service }, [WEB]));
    }
    for (const proxy of proxies) proxy.start();
    await eventually('all have what they want', () => proxies.every((each) => each.settled), 20_000);
  });

  after(async () => {
    await rebalancing.stop();
    await leader.stop();
    await Promise.all(proxies.map((proxy) => proxy.stop()));
    await Promise.all(replicas.map(({ bench }) => bench.stop()));
  });

  const on = (name: string) => proxies.filter(({ replica }) => replica === name).length;
  const rests = async () => {
    const asked = () => replicas.flatMap(({ moves }) => moves).length;
    let last = -1;
    await eventually(
      'nobody is moved any more',
      async () => {
        const before = last;
        last = asked();
        await new Promise((resolve) => setTimeout(resolve, 2 * TIMING.settledMs));
        return before === last;
      },
      30_000,
    );
  };

  it('a replica that is added gets its share, one proxy at a time, and none of them is sent anything', async () => {
    expect(on('op-0')).to.equal(PROXIES);
    const startMs = performance.now();
    await add('op-1');
    leader.endpointsChanged();
    await eventually('a share', () => on('op-1') >= 13 && on('op-0') + on('op-1') === PROXIES, 30_000);
    await rests();
    const { moves } = replicas[0]!;
    expect(new Set(moves)).to.deep.equal(new Set([1]));
    expect(performance.now() - startMs).to.be.above(moves.length * TIMING.everyMs * 0.9);
    // 30, and what chance may have added: two deviations, and two.
    expect(on('op-0')).to.be.at.most(30 + 13);
    expect(replicas[1]!.moves).to.deep.equal([]);
    expect(proxies.flatMap(({ ends }) => ends).filter((code) => code === 'WEFT_SERVE_MOVED')).to.have.length(
      moves.length,
    );
    expect(proxies.flatMap(({ changesAfterResume }) => changesAfterResume)).to.deep.equal([]);
  });

  it('a third one as well, from those that have too many', async () => {
    await add('op-2');
    leader.endpointsChanged();
    await eventually(
      'a share for all',
      () => {
        const counts = replicas.map(({ name }) => on(name));
        return Math.max(...counts) <= 41 && counts.reduce((a, b) => a + b) === PROXIES;
      },
      30_000,
    );
    await rests();
    await eventually('all are connected', () => proxies.every((each) => each.settled));
    expect(replicas.map(({ bench }) => bench.server.connections().connected).reduce((a, b) => a + b)).to.equal(PROXIES);
    expect(proxies.flatMap(({ changesAfterResume }) => changesAfterResume)).to.deep.equal([]);
  });
});
