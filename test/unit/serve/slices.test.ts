import { expect } from 'chai';
import type { Clock } from '../../../operator/runtime/clock.ts';
import { silentLog } from '../../../operator/runtime/log.ts';
import { Distribution } from '../../../operator/serve/distribution.ts';
import { HeldLeaf } from '../../../operator/serve/leaf.ts';
import { DEFAULT_LIMITS } from '../../../operator/serve/limits.ts';
import { NO_METRICS } from '../../../operator/serve/metrics.ts';
import type { Peer } from '../../../operator/serve/peer.ts';
import { Progress } from '../../../operator/serve/progress.ts';
import { createTestAuthority } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import { mesh, service, TestCluster } from '../../support/models.ts';

const SERVICES = 2_000;
const PROXIES = 300;
/** What compiling and writing take here, of a clock that stands still otherwise. */
const COMPILE_MS = 1;
const WRITE_MS = 1;

/** A cluster whose every resource is compiled anew, and whose every proxy is written to, when the Mesh changes. */
class Storm {
  compiled = 0;
  written = 0;
  readonly #cluster = new TestCluster();
  readonly #distribution: Distribution;
  #nowMs = 0;

  constructor() {
    for (let at = 0; at < SERVICES; at++)
      this.#cluster.apply('Service', service(`s${at}`, `10.9.${at >> 8}.${at & 255}`));
    const clock: Clock = { nowMs: () => this.#nowMs, wallMs: () => 0, schedule: () => ({ cancel: () => undefined }) };
    const metrics = {
      ...NO_METRICS,
      compiled: () => {
        this.compiled += 1;
        this.#nowMs += COMPILE_MS;
      },
    };
    const limits = { ...DEFAULT_LIMITS, podTimeoutMs: Number.POSITIVE_INFINITY };
    const shared = { state: this.#cluster.state, clock, log: silentLog, metrics, limits };
    this.#distribution = new Distribution(shared, new Progress(undefined, clock));
    this.#distribution.storesSynced();
    this.#cluster.state.applyTrust({ anchorsPem: 'PEM', resourceVersion: '1' });
    const leaf = new HeldLeaf(createTestAuthority().anchor.certificate);
    for (let at = 0; at < PROXIES; at++) this.#connect(at, leaf);
  }

  change(): void {
    this.compiled = 0;
    this.written = 0;
    this.#distribution.invalidate(this.#cluster.apply('Mesh', mesh({ clusterDomain: 'other.example' })));
  }

  get connections(): { connected: number; current: number } {
    return this.#distribution.connections();
  }

  #connect(at: number, leaf: HeldLeaf): void {
    const handler = this.#distribution.accept(
      this.#peer(leaf, (seq) => setImmediate(() => handler.received({ type: 'ack', seq }))),
    );
    const hello = { revision: 2, namespace: 'app', pod: `p${at}`, node: 'n', proxyVersion: '1', held: [] };
    handler.received({ type: 'hello', ...hello });
    const keys = Array.from({ length: 20 }, (_, index) => (at * 7 + index * 97) % SERVICES);
    handler.received({ type: 'subscribe', keys: keys.map((key) => `service/10.9.${key >> 8}.${key & 255}:80`) });
  }

  #peer(leaf: HeldLeaf, acknowledge: (seq: number) => void): Peer {
    return {
      identity: 'web.app.serviceaccount.identity.linkerd.cluster.local',
      expiresAtMs: Number.POSITIVE_INFINITY,
      address: '10.1.0.1:4',
      writable: true,
      leaf,
      write: (parts) => {
        this.written += 1;
        this.#nowMs += WRITE_MS;
        const [, seq] = /"seq":([0-9]+)/.exec(Buffer.concat(parts).toString('latin1'))!;
        acknowledge(Number(seq));
      },
      askForRenewal: () => undefined,
      pong: () => undefined,
      pause: () => undefined,
      resume: () => undefined,
      close: () => undefined,
    };
  }
}

/** Somebody else in the same process, such as a webhook: what was done between two of its turns. */
class Neighbour {
  mostCompiled = 0;
  mostWritten = 0;
  turns = 0;
  #stopped = false;

  constructor(storm: Storm) {
    let before = { compiled: 0, written: 0 };
    const turn = () => {
      const { compiled, written } = storm;
      this.mostCompiled = Math.max(this.mostCompiled, compiled - before.compiled);
      this.mostWritten = Math.max(this.mostWritten, written - before.written);
      this.turns += 1;
      before = { compiled, written };
      if (!this.#stopped) setImmediate(turn);
    };
    setImmediate(turn);
  }

  stop(): void {
    this.#stopped = true;
  }
}

describe('a storm of changes', function () {
  this.timeout(30_000);

  it('leaves turns to others: 5 ms of compiling and 40 of writing, however much is to be done', async () => {
    const storm = new Storm();
    const current = () => storm.connections.current === PROXIES;
    await eventually('all have everything', current, 20_000);
    storm.change();
    const neighbour = new Neighbour(storm);
    await eventually('all are told', () => storm.written > PROXIES && current(), 20_000);
    neighbour.stop();
    expect(storm.compiled).to.be.above(1_000);
    const { compileSliceMs, writeSliceMs } = DEFAULT_LIMITS;
    expect(neighbour.mostCompiled).to.be.within(2, compileSliceMs / COMPILE_MS);
    expect(neighbour.mostWritten).to.be.within(2, writeSliceMs / WRITE_MS);
    expect(neighbour.turns).to.be.at.least(storm.compiled / compileSliceMs);
  });
});
