import { expect } from 'chai';
import { compile } from '../../../crds/compile/compile.ts';
import { parseKey } from '../../../proxy-image/contract/keys.ts';
import type { Change } from '../../../proxy-image/contract/messages.ts';
import { authorizeConnection, InboundPeer } from '../../../proxy-image/core/policy/authorize.ts';
import type { ServiceEntry } from '../../../proxy-image/core/state/entries.ts';
import {
  authorization,
  override,
  pod,
  profile,
  route,
  server,
  service,
  split,
  type TestCluster,
  webCluster,
} from '../../support/models.ts';
import { balanceOf, ManualClock, newState } from './fixtures.ts';

/** What the compiler writes, the state reads: both sides of the contract in one test. */
function compiled(cluster: TestCluster, ...keys: string[]): Change[] {
  return keys.map((key) => {
    const parsed = parseKey(key);
    const result = parsed === null ? null : compile(cluster.state, parsed, 'app').compiled;
    if (result === null) throw new Error(`${key} does not compile`);
    return { op: 'set', key, version: result.version, body: JSON.parse(result.text) };
  });
}

describe('resources as the compiler writes them', () => {
  it('are accepted: service with profile and endpoints', () => {
    const cluster = webCluster();
    cluster.apply('ServiceProfile', profile('web', { routes: [route('list', { isRetryable: true, timeoutMs: 250 })] }));
    const state = newState(new ManualClock(), { namespace: 'app' });
    const [service] = compiled(cluster, 'service/10.0.0.1:80');
    const names = (service as Extract<Change, { op: 'set' }>).body;
    if (!('policy' in names)) throw new Error('no service');
    const keys = names.policy.backends.flatMap(({ dispatch }) =>
      dispatch.type === 'balance' ? [dispatch.endpoints] : [],
    );
    expect(state.apply([...compiled(cluster, ...keys), service!])).to.deep.equal([]);
    const entry = state.destination('10.0.0.1', 80).entry as ServiceEntry;
    expect(balanceOf(entry).pool.endpoints.length).to.be.greaterThan(0);
    expect(entry.routes.entries.map(({ name }) => name)).to.deep.equal(['list']);
    const { retry, timeouts, origin } = entry.routes.entries[0]!.policy;
    expect([retry?.type, timeouts.requestMs, timeouts.untilResponse]).to.deep.equal(['budget', 250, true]);
    expect([origin.kind, origin.name]).to.deep.equal(['ServiceProfile', 'web.app.svc.cluster.local']);
  });

  it('are accepted: every annotation about traffic', () => {
    const cluster = webCluster();
    const annotations = {
      'balancer.linkerd.io/failure-accrual': 'unified',
      'balancer.alpha.linkerd.io/penalize-failures': 'true',
      'balancer.weft.dev/algorithm': 'consistent-hash',
      'balancer.weft.dev/hash-key': 'header:x-user',
      'balancer.weft.dev/slow-start': '1.5us',
      'retry.linkerd.io/http': '5xx',
      'retry.linkerd.io/grpc': 'unavailable',
      'timeout.linkerd.io/request': '24h',
    };
    cluster.apply('Service', service('web', '10.0.0.1', { meta: { annotations } }));
    const state = newState(new ManualClock(), { namespace: 'app' });
    const changes = compiled(cluster, 'service/10.0.0.1:80');
    expect(state.apply(changes)).to.deep.equal([]);
    const entry = state.destination('10.0.0.1', 80).entry as ServiceEntry;
    const balance = balanceOf(entry);
    const { retry, timeouts } = entry.routes.fallback.policy;
    expect(balance.balancer).to.deep.equal({ type: 'consistentHash', key: { type: 'header', name: 'x-user' } });
    expect([balance.slowStartMs, balance.breaker?.type, balance.penalty?.penaltyMs]).to.deep.equal([
      1,
      'unified',
      5_000,
    ]);
    expect(retry).to.deep.equal({
      type: 'statuses',
      http: [[500, 599]],
      grpc: [14],
      limit: 1,
      timeoutMs: 0,
      backoffMs: 25,
    });
    expect([timeouts.requestMs, timeouts.untilResponse]).to.deep.equal([86_400_000, false]);
  });

  it('are accepted: splits and overrides, with backends that do not exist', () => {
    for (const apply of [
      (cluster: TestCluster) => cluster.apply('TrafficSplit', split('web', 'web', { web: 900_000, ghost: 100_000 })),
      (cluster: TestCluster) =>
        cluster.apply(
          'ServiceProfile',
          profile('web', { dstOverrides: [override('web', 900), override('ghost', 100)] }),
        ),
    ]) {
      const cluster = webCluster();
      apply(cluster);
      const state = newState(new ManualClock());
      expect(state.apply(compiled(cluster, 'service/10.0.0.1:80'))).to.deep.equal([]);
      const entry = state.destination('10.0.0.1', 80).entry as ServiceEntry;
      expect(entry.backends.map(({ meta, dispatch }) => [meta.name, dispatch.type])).to.deep.equal([
        ['web', 'balance'],
        ['ghost', 'fail'],
      ]);
    }
  });

  it('are accepted: unknown, forbidden, pod', () => {
    const cluster = webCluster();
    cluster.apply('Pod', pod('web-7', '10.1.0.77'));
    const state = newState(new ManualClock());
    const keys = ['service/9.9.9.9:80', 'service/10.0.0.1:81', 'service/10.1.0.77:8080'];
    expect(state.apply(compiled(cluster, ...keys))).to.deep.equal([]);
    const kinds = [
      state.destination('9.9.9.9', 80),
      state.destination('10.0.0.1', 81),
      state.destination('10.1.0.77', 8080),
    ].map((destination) => destination.entry?.kind);
    expect(kinds).to.deep.equal(['unknown', 'forbidden', 'pod']);
  });

  it('are accepted and enforced: workload with Server and ServerAuthorization', () => {
    const cluster = webCluster();
    cluster.apply('Pod', pod('web-7', '10.1.0.77'));
    cluster.apply('Server', server('web'));
    cluster.apply('ServerAuthorization', authorization('web'));
    const state = newState(new ManualClock(), { namespace: 'app', pod: 'web-7' });
    expect(state.apply(compiled(cluster, 'workload/app/web-7'))).to.deep.equal([]);
    const { policy } = state.inboundPort(8080);
    expect(policy.server.name).to.equal('web');
    const stranger = new InboundPeer('10.1.0.9', null, false);
    expect(authorizeConnection(policy, stranger).allowed).to.equal(false);
    expect(authorizeConnection(policy, new InboundPeer('127.0.0.1', null, false)).allowed).to.equal(true);
  });
});
