import { Exchange, type ExchangeContext } from './exchange.ts';

/** As many exchanges as were ever under way at once wait here, up to a bound: a burst must not be remembered forever. */
const MAX_IDLE = 256;

export class ExchangePool {
  readonly #context: ExchangeContext;
  readonly #idle: Exchange[] = [];

  constructor(context: ExchangeContext) {
    this.#context = context;
  }

  take(): Exchange {
    return this.#idle.pop() ?? new Exchange(this.#context);
  }

  give(exchange: Exchange): void {
    if (this.#idle.length < MAX_IDLE) this.#idle.push(exchange);
  }
}
