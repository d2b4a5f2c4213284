import type { BackendEntry, OutboundRouteEntry, ServiceEntry } from '../../../core/state/entries.ts';
import { NO_OUTBOUND_ROUTE } from '../../../core/state/no-route.ts';
import { Discard } from '../../../http/discard.ts';
import type { Exchange } from '../../../http/exchange.ts';
import type { ExchangePool } from '../../../http/exchange-pool.ts';
import { REPLAY_LIMITS } from '../../../http/replay.ts';
import { REQUEST } from '../../call/call-deadlines.ts';
import type { Filtering } from '../../call/filtering.ts';
import type { OutboundClient } from '../../call/outbound-call.ts';
import { Stage } from '../../call/stage.ts';

/** Copies under way at once, so that what a slow shadow keeps waiting is 4 MiB at most (64 KiB each). What comes beyond is not copied. */
const MAX_COPIES = 64;
/** A copy that takes longer is given up: nobody waits for it. */
const COPY_TIMEOUT_MS = 10_000;

interface Mirrored {
  exchange: Exchange;
  readonly client: OutboundClient;
  readonly filtering: Filtering | null;
  entry: ServiceEntry | null;
  backend: BackendEntry | null;
  route: OutboundRouteEntry;
  /** Takes the place of the call's, as if it had come with the copy. */
  restart(exchange: Exchange, client: OutboundClient): void;
  setDeadline(kind: number, delayMs: number): void;
}

/**
 * Sends copies of requests to the backends that filters name, and drops what they answer. A copy is made when all of the request has been handed to an attempt, if
 * the body has been kept whole, which bodies up to 64 KiB are; longer ones, upgrades and tunnels are not mirrored. Whatever becomes of a copy, the request that it
 * was made of is not touched: it has been sent already, and shares nothing with it but the bytes that were copied (hack/adr/0028-a-call-as-stages.md).
 */
export class Mirror<C extends Mirrored> extends Stage<C> {
  readonly #exchanges: ExchangePool;
  readonly #take: () => C;
  readonly #ended = (): void => {
    this.#underWay--;
  };
  #underWay = 0;

  /** `take`: a record for the copy. */
  constructor(exchanges: ExchangePool, take: () => C) {
    super();
    this.#exchanges = exchanges;
    this.#take = take;
  }

  /** The request of `call` is on its way, as a whole. */
  run(call: C): void {
    const { exchange } = call;
    const filtering = call.filtering!;
    const backends = [...(filtering.rule?.mirrors ?? []), ...(filtering.share?.mirrors ?? [])];
    if (filtering.mirrored || backends.length === 0) return;
    filtering.mirrored = true;
    if (!exchange.replayable || exchange.upgrade || exchange.tunnels) return;
    // What came before there was a connection has been kept whatever its length.
    if (exchange.requestBytes > REPLAY_LIMITS.requestBytes) return;
    for (const index of backends) {
      const backend = call.entry!.backends[index];
      if (backend !== undefined && this.#underWay < MAX_COPIES) this.#send(call, backend);
    }
  }

  #send(original: C, backend: BackendEntry): void {
    const exchange = this.#exchanges.take();
    const { exchange: of, client, entry } = original;
    this.#underWay++;
    of.copyTo(exchange, new Discard(of.server!.protocol, this.#exchanges, this.#ended));
    const copy = this.#take();
    copy.restart(exchange, client);
    copy.entry = entry;
    copy.backend = backend;
    copy.route = NO_OUTBOUND_ROUTE;
    copy.setDeadline(REQUEST, COPY_TIMEOUT_MS);
    this.next.run(copy);
  }
}
