import { Histograms } from './histogram.ts';

const ONLY = 0;

/** One port of the operator (`io/control/dial.ts` declares the same shape). */
interface Peer {
  host: string;
  port: number;
  identity: string;
}

/** What was asked of one port of the operator, and what came of it. A configuration stream is one request, and its end the end of the response. */
export class ControlCalls {
  /** For `control_dns_resolutions_total`. */
  readonly client: 'identity' | 'configuration';
  readonly peer: Peer;
  requests = 0;
  succeeded = 0;
  failed = 0;
  resolved = 0;
  unresolved = 0;
  /** One histogram: milliseconds from the request to the first answer. */
  readonly latencies: Histograms = new Histograms();

  constructor(client: 'identity' | 'configuration', peer: Peer) {
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
