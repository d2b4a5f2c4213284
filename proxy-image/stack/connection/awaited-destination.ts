import { formatAddress } from '../../contract/keys.ts';
import type { DestinationWatcher } from '../../core/state/entries.ts';
import type { HttpCall } from '../../http/call.ts';
import type { Exchange } from '../../http/exchange.ts';
import type { RequestView } from '../../http/message.ts';
import type { Timer, TimerOwner } from '../../io/transport/types.ts';
import type { OutboundClient } from '../call/outbound-call.ts';
import type { StackContext } from '../shared/context.ts';
import type { Requests } from './client-connection.ts';
import type { NamedClient } from './named-client.ts';

/**
 * A request that waits for the answer to what it is for, no longer than a connection would, and is a call from then on. Without an answer in time the stages decide
 * by that (`stages/outbound/resolve.ts`): the address serves, unless the mesh forbids it. The exchange keeps what comes of the body meanwhile.
 */
export class AwaitedDestination implements DestinationWatcher, HttpCall, TimerOwner {
  readonly #context: StackContext;
  readonly #calls: Requests<OutboundClient>;
  readonly #client: NamedClient;
  readonly #exchange: Exchange;
  readonly #head: RequestView;
  readonly #timer: Timer;

  /** `head` must outlive the event. */
  constructor(
    context: StackContext,
    calls: Requests<OutboundClient>,
    client: NamedClient,
    exchange: Exchange,
    head: RequestView,
  ) {
    this.#context = context;
    this.#calls = calls;
    this.#client = client;
    this.#exchange = exchange;
    this.#head = head;
    this.#timer = context.options.transport.timers.create(this, 'peer');
  }

  start(): void {
    const { limits, options } = this.#context;
    this.#exchange.call = this;
    options.state.watch(this.#client.destination, this);
    options.transport.timers.set(this.#timer, limits.lookupTimeoutMs);
  }

  destinationChanged(): void {
    if (this.#client.destination.entry !== null) this.#goOn();
  }

  protocolChanged(): void {}

  /** Nobody could say in time. */
  onTimer(): void {
    const { recorder, log, state } = this.#context.options;
    if (!state.settings.requireIdentity) {
      const { ip, port } = this.#client.destination;
      recorder.unseenPassedThrough();
      log.warn('destination not known in time: passed through without TLS', { destination: formatAddress(ip, port) });
    }
    this.#goOn();
  }

  #goOn(): void {
    this.#stop();
    this.#calls.begin(this.#exchange, this.#head, this.#client);
  }

  #stop(): void {
    const { state, transport } = this.#context.options;
    state.unwatch(this.#client.destination, this);
    transport.timers.clear(this.#timer);
  }

  /** The client has left, or its request turned out malformed. */
  ended(): void {
    this.#stop();
  }

  /** Nothing has been sent that these could be about. */
  responded(): boolean {
    return false;
  }

  attemptFailed(): void {}
}
