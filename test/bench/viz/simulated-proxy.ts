import type { Reporter } from '../../../crds/viz/dimensions.ts';
import { encodeFrame } from '../../../proxy-image/contract/framing.ts';
import { COUNTER, FIRST_BUCKET } from '../../../proxy-image/contract/traffic/counters.ts';
import { OVERFLOW_SERIES, type SeriesLabels } from '../../../proxy-image/contract/traffic/labels.ts';
import { TRAFFIC_VERSION, type TrafficReport } from '../../../proxy-image/contract/traffic/report.ts';
import { Xoshiro } from '../../../proxy-image/core/rng.ts';

const FIRST_NUMBER = OVERFLOW_SERIES.length;
const NAMESPACES = 20;
const SUFFIX = 'serviceaccount.identity.linkerd.cluster.local';
/** Buckets around the usual one of a series in which its responses fall, and one slow response now and then. */
const BUCKET_SPREAD = 5;
const LAST_BUCKET = 20;

/** A pod that is called by some workloads and calls others: an eighth of its series are connections, half of the others inbound. */
export class SimulatedProxy {
  readonly #rng: Xoshiro;
  readonly #labels: SeriesLabels[];
  readonly #at: number;
  #seq = 0;

  constructor(at: number, { series, workloads }: { series: number; workloads: number }) {
    this.#at = at;
    this.#rng = new Xoshiro(at + 1);
    this.#labels = Array.from({ length: series }, (_, number) => this.#labelsOf(number, workloads));
  }

  #labelsOf(number: number, workloads: number): SeriesLabels {
    const peer = workload((this.#at + number * 7 + 1) % workloads);
    const peerIdentity = `${peer.name}.${peer.namespace}.${SUFFIX}`;
    if (number % 2 === 0) {
      return {
        direction: 'inbound',
        counted: number % 8 === 0 ? 'connections' : 'requests',
        tls: 'true',
        peerIdentity,
        serverKind: 'Server',
        serverName: 'http',
        serverPort: '8080',
        routeKind: 'HTTPRoute',
        routeName: `route-${number % 5}`,
        authorizationKind: 'AuthorizationPolicy',
        authorizationName: 'callers',
      };
    }
    return {
      direction: 'outbound',
      counted: number % 8 === 1 ? 'connections' : number % 4 === 1 ? 'requests' : 'attempts',
      tls: 'true',
      peerNamespace: peer.namespace,
      peerKind: 'Deployment',
      peerName: peer.name,
      peerPod: `${peer.name}-6d4cf56db6-${number}`,
      peerIdentity,
      authority: `${peer.name}.${peer.namespace}.svc.cluster.local:8080`,
      serviceNamespace: peer.namespace,
      serviceName: peer.name,
      servicePort: '8080',
    };
  }

  /** The frame of the next report: all series have changed, some 200 requests each. */
  report(overMs: number): Uint8Array {
    this.#seq += 1;
    const report: TrafficReport = {
      type: 'traffic',
      version: TRAFFIC_VERSION,
      run: `run-${this.#at}`,
      seq: this.#seq,
      overMs,
      agoMs: 0,
      declared: this.#seq === 1 ? this.#labels.map((labels, at) => [FIRST_NUMBER + at, labels]) : [],
      changed: this.#labels.map(({ counted }, at) => this.#change(at, counted === 'connections')),
    };
    return encodeFrame(report);
  }

  #change(at: number, isConnection: boolean): number[] {
    const change = [FIRST_NUMBER + at];
    if (isConnection) {
      const [opened, read, written] = [this.#below(10), this.#below(1_000_000), this.#below(1_000_000)];
      change.push(COUNTER.opened, opened, COUNTER.closed, opened, COUNTER.open, 5);
      change.push(COUNTER.readBytes, read, COUNTER.writtenBytes, written);
      return change;
    }
    change.push(COUNTER.success, 195 + this.#below(10));
    if (this.#below(4) === 0) change.push(COUNTER.failure, 1 + this.#below(3));
    if (this.#below(100) === 0) change.push(COUNTER.timedOut, 1);
    const usual = at % 12;
    for (let bucket = usual; bucket < usual + BUCKET_SPREAD; bucket++) {
      change.push(FIRST_BUCKET + bucket, 20 + this.#below(40));
    }
    if (this.#below(10) === 0) change.push(FIRST_BUCKET + usual + BUCKET_SPREAD + this.#below(LAST_BUCKET - usual), 1);
    return change;
  }

  #below(bound: number): number {
    return this.#rng.uint32() % bound;
  }
}

function workload(at: number): { namespace: string; name: string } {
  return { namespace: `team-${at % NAMESPACES}`, name: `app-${at}` };
}

/** Whose proxy it is, as the operator knows it. */
export function reporterOf(at: number, workloads: number): Reporter {
  const { namespace, name } = workload(at % workloads);
  return {
    namespace,
    kind: 'Deployment',
    name,
    pod: `${name}-6d4cf56db6-${at}`,
    identity: `${name}.${namespace}.${SUFFIX}`,
  };
}
