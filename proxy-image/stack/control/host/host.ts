import type { Acceptor } from '../../../io/transport/types.ts';
import type { InboundObserver } from '../../call/inbound-call.ts';
import type { OutboundObserver } from '../../call/outbound-call.ts';
import type { StackContext } from '../../shared/context.ts';

/** Where an observer may come and go while calls are under way; `null` = nobody is there, and nothing is spent. */
export interface ObserverPlace<O> {
  late: O | null;
}

/** What answers of the control port are made from. */
export interface ControlHost {
  /** TLS identity of the control plane: who has another is refused. */
  readonly identity: string;
  readonly context: StackContext;
  readonly outbound: ObserverPlace<OutboundObserver>;
  readonly inbound: ObserverPlace<InboundObserver>;
}

export interface ControlPort extends Acceptor {
  readonly startsTls: true;
  /** Ends every connection. */
  stop(): void;
}

/** What the control port takes to be there. Given by proxies that have one; `load` is called for the first connection, for most proxies are never asked anything. */
export interface ControlAccess {
  readonly identity: string;
  load(): { createControlPort(host: ControlHost): ControlPort };
}
