import type { Exchange } from '../http/exchange.ts';
import type { RequestView } from '../http/message.ts';
import type { InboundError } from '../io/telemetry/recorder.ts';
import { InboundCall, type InboundClient, type InboundObserver, type InboundStages } from './call/inbound-call.ts';
import { type Observers, together } from './call/observer.ts';
import { inOrder } from './call/stage.ts';
import { AccessLogging } from './observers/access-logging.ts';
import { InboundMetrics } from './observers/inbound-metrics.ts';
import type { StackContext } from './shared/context.ts';
import { Authorize } from './stages/inbound/authorize.ts';
import { Filter } from './stages/inbound/filter.ts';
import { Identify } from './stages/inbound/identify.ts';
import { Lease } from './stages/inbound/lease.ts';
import { LimitRate } from './stages/inbound/limit-rate.ts';
import { Route } from './stages/inbound/route.ts';

/** Who hears of every inbound call. */
function observersOf({ options }: StackContext, more: readonly InboundObserver[]): InboundObserver[] {
  const { recorder, accessLog } = options;
  return [
    new InboundMetrics(recorder),
    ...(accessLog === null ? [] : [new AccessLogging(accessLog, options)]),
    ...more,
  ];
}

/** What is done with an inbound call, from top to bottom. */
function stagesOf({ options }: StackContext, observer: InboundObserver) {
  const { log, transport } = options;
  return {
    identify: new Identify<InboundCall>(),
    route: new Route<InboundCall>(),
    authorize: new Authorize<InboundCall>(log, observer),
    limitRate: new LimitRate<InboundCall>(transport.timers, observer),
    filter: new Filter<InboundCall>(options.rng),
    lease: new Lease<InboundCall>(transport.timers, observer),
  };
}

const MAX_IDLE_CALLS = 256;

/** Makes the calls of all inbound requests. */
export class InboundCalls {
  /** Another may join them, and leave. */
  readonly observers: Observers<InboundCall, InboundError>;
  readonly #stages: InboundStages;
  readonly #idle: InboundCall[] = [];

  /** `observers`: beside those that every stack has. */
  constructor(context: StackContext, observers: readonly InboundObserver[]) {
    const observer = together(observersOf(context, observers));
    this.observers = observer;
    const stages = stagesOf(context, observer);
    inOrder<InboundCall>(Object.values(stages));
    this.#stages = { ...stages, observer, ended: (call) => this.#give(call) };
  }

  begin(exchange: Exchange, head: RequestView, client: InboundClient): void {
    const call = this.#idle.pop() ?? new InboundCall(this.#stages);
    call.start(exchange, head, client);
  }

  #give(call: InboundCall): void {
    if (this.#idle.length < MAX_IDLE_CALLS) this.#idle.push(call);
  }
}
