import type { Outbox } from '../io/tcp/outbox.ts';
import type { Exchange, ExchangeServer } from './exchange.ts';
import type { ExchangePool } from './exchange-pool.ts';

/** The client's side of an exchange that nobody waits for: what comes back is dropped. */
export class Discard implements ExchangeServer {
  readonly framed = true;
  readonly reading = false;
  readonly protocol: ExchangeServer['protocol'];
  readonly #exchanges: ExchangePool;
  readonly #ended: () => void;

  /** `protocol`: of the client that the request came from. `ended` is called once, when the exchange is over. */
  constructor(protocol: ExchangeServer['protocol'], exchanges: ExchangePool, ended: () => void) {
    this.protocol = protocol;
    this.#exchanges = exchanges;
    this.#ended = ended;
  }

  holdRequest(): void {}
  resumeRequest(): void {}
  interim(): void {}
  respond(): void {}
  endResponse(): void {}

  write(): boolean {
    return true;
  }

  flush(): boolean {
    return true;
  }

  takeBack(): boolean {
    return false;
  }

  writeAnswer(): boolean {
    return true;
  }

  /** A copy asks for no tunnel. */
  tunnel(upstream: Outbox): void {
    upstream.connection.reset();
  }

  exchangeEnded(exchange: Exchange): void {
    this.#ended();
    this.#exchanges.give(exchange);
  }
}
