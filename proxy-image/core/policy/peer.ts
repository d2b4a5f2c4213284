import { isLoopback, parsePeerIp } from '../../../lib/ip.ts';
import { type SeriesHolder, UNRESOLVED } from '../series.ts';
import type { Gate, PolicyDecision } from './decision.ts';

/** One decision about a client: kept, so that a connection is judged once per gate, and its series is named once. */
export class Judged implements SeriesHolder {
  /** That decided; `null` = none: a probe, or a request without a route. */
  gate: Gate | null;
  decision: PolicyDecision;
  /** The recorder's. */
  series: number = UNRESOLVED;
  generation: number = UNRESOLVED;

  constructor(gate: Gate | null, decision: PolicyDecision) {
    this.gate = gate;
    this.decision = decision;
  }

  becomes(gate: Gate | null, decision: PolicyDecision): void {
    this.gate = gate;
    this.decision = decision;
    this.series = UNRESOLVED;
    this.generation = UNRESOLVED;
  }
}

/** A client that goes through more rules than this is judged again; what one connection may hold must be bounded. */
const REMEMBERED = 8;

/** Facts about the client of one inbound connection; made once at accept. Policy looks at nothing else of a client. */
export class InboundPeer {
  /** Network order, 4 or 16 bytes; v4-mapped addresses are IPv4. `null` = the text was no address: no network contains it. */
  readonly ip: Uint8Array | null;
  readonly address: string;
  /** Verified TLS identity, or `null`. */
  readonly identity: string | null;
  readonly tls: boolean;
  readonly loopback: boolean;
  #latest: Judged | null = null;
  #others: Judged[] | null = null;
  #next = 0;

  constructor(address: string, identity: string | null, tls: boolean) {
    this.address = address;
    this.ip = parsePeerIp(address);
    this.identity = identity;
    this.tls = tls;
    // Mesh connections are judged by their identity wherever they come from: only plaintext of the pod itself is its own business.
    this.loopback = !tls && this.ip !== null && isLoopback(this.ip);
  }

  /** What was decided by `gate`, if it is remembered. */
  judgedBy(gate: Gate): PolicyDecision | null {
    if (this.#latest?.gate === gate) return this.#latest.decision;
    for (const judged of this.#others ?? []) {
      if (judged.gate === gate) return judged.decision;
    }
    return null;
  }

  remember(gate: Gate, decision: PolicyDecision): PolicyDecision {
    this.#keep(gate, decision);
    return decision;
  }

  /** Where the recorder keeps the series of a decision about this client. */
  holderOf(decision: PolicyDecision): Judged {
    if (this.#latest?.decision === decision) return this.#latest;
    for (const judged of this.#others ?? []) {
      if (judged.decision === decision) return judged;
    }
    return this.#keep(null, decision);
  }

  /** The latest is asked for first: after a change of policy it is the one that counts. */
  #keep(gate: Gate | null, decision: PolicyDecision): Judged {
    const before = this.#latest;
    if (before === null) {
      this.#latest = new Judged(gate, decision);
      return this.#latest;
    }
    this.#others ??= [];
    if (this.#others.length < REMEMBERED) {
      this.#others.push(before);
      this.#latest = new Judged(gate, decision);
      return this.#latest;
    }
    this.#latest = this.#others[this.#next]!;
    this.#others[this.#next] = before;
    this.#next = (this.#next + 1) % REMEMBERED;
    this.#latest.becomes(gate, decision);
    return this.#latest;
  }
}
