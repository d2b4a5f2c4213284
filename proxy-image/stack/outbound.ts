import type { Exchange } from '../http/exchange.ts';
import type { RequestView } from '../http/message.ts';
import type { OutboundError } from '../io/telemetry/recorder.ts';
import { type Observers, together } from './call/observer.ts';
import { OutboundCall, type OutboundClient, type OutboundObserver, type OutboundStages } from './call/outbound-call.ts';
import { inOrder } from './call/stage.ts';
import { EndpointHosts } from './endpoints/endpoint-hosts.ts';
import { OutboundMetrics } from './observers/outbound-metrics.ts';
import type { StackContext } from './shared/context.ts';
import { Attempts } from './stages/outbound/attempts.ts';
import { Deadline } from './stages/outbound/deadline.ts';
import { Dispatch } from './stages/outbound/dispatch.ts';
import { Filter } from './stages/outbound/filter.ts';
import { Identify } from './stages/outbound/identify.ts';
import { Lease } from './stages/outbound/lease.ts';
import { Mirror } from './stages/outbound/mirror.ts';
import { Pick } from './stages/outbound/pick.ts';
import { Queue } from './stages/outbound/queue.ts';
import { Resolve } from './stages/outbound/resolve.ts';
import { Retry } from './stages/outbound/retry.ts';
import { Route } from './stages/outbound/route.ts';
import { Split } from './stages/outbound/split.ts';

/** Who hears of every outbound call. */
function observersOf({ options }: StackContext, more: readonly OutboundObserver[]): OutboundObserver[] {
  return [new OutboundMetrics(options.recorder), ...more];
}

/** What is done with an outbound call, from top to bottom. */
function stagesOf(context: StackContext, observer: OutboundObserver, attempts: Attempts<OutboundCall>) {
  const { options } = context;
  const filter = new Filter<OutboundCall>(options.rng);
  return {
    identify: new Identify<OutboundCall>(),
    resolve: new Resolve<OutboundCall>(context, observer),
    route: new Route<OutboundCall>(options.rng, observer),
    filter,
    deadline: new Deadline<OutboundCall>(attempts),
    retry: new Retry<OutboundCall>(options, attempts, observer),
    split: new Split<OutboundCall>(options.rng, attempts),
    filterShare: filter.ofShare,
    dispatch: new Dispatch<OutboundCall>(attempts),
    queue: new Queue<OutboundCall>(),
    pick: new Pick<OutboundCall>(new EndpointHosts(options, context.outboundPool), attempts),
    lease: new Lease<OutboundCall>(context, attempts),
  };
}

const MAX_IDLE_CALLS = 256;

/** Makes the calls of all outbound requests. */
export class OutboundCalls {
  /** Another may join them, and leave. */
  readonly observers: Observers<OutboundCall, OutboundError>;
  readonly #context: StackContext;
  readonly #stages: OutboundStages;
  readonly #idle: OutboundCall[] = [];

  /** `observers`: beside those that every stack has. */
  constructor(context: StackContext, observers: readonly OutboundObserver[]) {
    const observer = together(observersOf(context, observers));
    this.observers = observer;
    const attempts = new Attempts<OutboundCall>(context.options, observer);
    const stages = stagesOf(context, observer, attempts);
    inOrder<OutboundCall>(Object.values(stages));
    stages.resolve.toEndpoint = stages.pick;
    stages.resolve.toAddress = stages.lease;
    stages.dispatch.toEndpoint = stages.pick;
    stages.retry.repeater = stages.pick;
    stages.pick.toAddress = stages.lease;
    this.#context = context;
    const mirror = new Mirror<OutboundCall>(context.http.outbound.exchanges, () => this.#take());
    mirror.next = stages.dispatch;
    this.#stages = { ...stages, mirror, observer, attempts, ended: (call) => this.#give(call) };
  }

  begin(exchange: Exchange, head: RequestView, client: OutboundClient): void {
    this.#take().start(exchange, head, client);
  }

  #take(): OutboundCall {
    return this.#idle.pop() ?? new OutboundCall(this.#context.options, this.#stages);
  }

  #give(call: OutboundCall): void {
    if (this.#idle.length < MAX_IDLE_CALLS) this.#idle.push(call);
  }
}
