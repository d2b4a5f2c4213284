import { Histograms } from '../telemetry/histogram.ts';
import type { ControlPeer } from './dial.ts';

const ONLY = 0;

/** What was asked of one port of the operator, and what came of it. A configuration stream is one request, and its end the end of the response. */
export class ControlCalls {
  /** For `control_dns_resolutions_total`. */
  readonly client: 'identity' | 'configuration';
  readonly peer: ControlPeer;
  requests = 0;
  succeeded = 0;
  failed = 0;
  resolved = 0;
  unresolved = 0;
  /** One histogram: milliseconds from the request to the first answer. */
  readonly latencies: Histograms = new Histograms();

  constructor(client: 'identity' | 'configuration', peer: ControlPeer) {
    this.client = client;
    this.peer = peer;
    this.latencies.open(ONLY);
  }

  answered(afterMs: number): void {
    this.latencies.record(ONLY, afterMs);
  }

  ended(error: unknown): void {
    if (error === null) this.succeeded++;
    else this.failed++;
  }

  /** The addresses that `found` brings, or its rejection. */
  async lookup(found: Promise<string[]>): Promise<string[]> {
    try {
      const addresses = await found;
      this.resolved++;
      return addresses;
    } catch (error) {
      this.unresolved++;
      throw error;
    }
  }
}
