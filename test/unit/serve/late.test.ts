import { expect } from 'chai';
import { KINDS } from '../../../crds/kinds/registry.ts';
import { ClusterState } from '../../../crds/state/cluster-state.ts';
import { silentLog } from '../../../operator/runtime/log.ts';
import { HEARING_MS } from '../../../operator/runtime/peer-deadline.ts';
import { Distribution } from '../../../operator/serve/distribution.ts';
import { HeldLeaf } from '../../../operator/serve/leaf.ts';
import { DEFAULT_LIMITS } from '../../../operator/serve/limits.ts';
import { NO_METRICS } from '../../../operator/serve/metrics.ts';
import type { Peer, PeerHandler } from '../../../operator/serve/peer.ts';
import { Progress } from '../../../operator/serve/progress.ts';
import type { Hello } from '../../../proxy-image/contract/messages.ts';
import { FakeClock } from '../../fakes/clock.ts';
import { createTestAuthority } from '../../support/certificates.ts';

const HELLO: Hello = {
  type: 'hello',
  revision: 1,
  namespace: 'shop',
  pod: 'web-1',
  node: 'node-1',
  proxyVersion: '1',
  held: [],
};

class FakePeer implements Peer {
  readonly identity = 'web.shop.serviceaccount.identity.linkerd.cluster.local';
  readonly expiresAtMs = Number.POSITIVE_INFINITY;
  readonly address = '10.1.0.1:4';
  readonly writable = true;
  readonly closed: string[] = [];
  readonly leaf = new HeldLeaf(createTestAuthority().anchor.certificate);
  askForRenewal(): void {}
  write(): void {}
  pong(): void {}
  pause(): void {}
  resume(): void {}
  close(code: string, detail: string): void {
    if (this.closed.length === 0) this.closed.push(`${code} ${detail}`);
  }
}

/** A stream server whose process comes late to its looks at the proxies. */
describe('configuration stream of a starved operator', () => {
  let clock: FakeClock;
  let distribution: Distribution;
  let peer: FakePeer;
  let handler: PeerHandler;

  beforeEach(() => {
    clock = new FakeClock();
    const limits = { ...DEFAULT_LIMITS, podTimeoutMs: Number.POSITIVE_INFINITY };
    const state = new ClusterState(KINDS);
    const shared = { state, clock, log: silentLog, metrics: NO_METRICS, limits };
    distribution = new Distribution(shared, new Progress(undefined, clock));
    distribution.storesSynced();
    peer = new FakePeer();
    handler = distribution.accept(peer);
  });

  /** Looks each second, on time. */
  async function attentive(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second++) {
      await clock.advance(1000);
      distribution.sweep(0);
    }
  }

  it('does not count against a proxy the time in which nobody could hear it', async () => {
    await attentive(5);
    await clock.advance(60_000);
    distribution.sweep(59_000);
    await clock.advance(HEARING_MS);
    expect(peer.closed).to.deep.equal([]);
    await attentive(5);
    expect(peer.closed).to.deep.equal(['WEFT_SERVE_SILENT no hello']);
  });

  it('hears what has arrived meanwhile before it judges', async () => {
    handler.received(HELLO);
    await attentive(49);
    expect(peer.closed).to.deep.equal([]);
    await clock.advance(5000);
    distribution.sweep(4000);
    handler.received({ type: 'ping' });
    await clock.advance(HEARING_MS);
    expect(peer.closed).to.deep.equal([]);
  });

  it('ends a silent proxy although it is always late', async () => {
    for (let look = 0; look < 12; look++) {
      await clock.advance(5000);
      distribution.sweep(4000);
    }
    await clock.advance(HEARING_MS);
    expect(peer.closed).to.deep.equal(['WEFT_SERVE_SILENT no hello']);
  });
});
