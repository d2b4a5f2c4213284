import { errorFields } from '../io/control/error-fields.ts';
import type { Acceptor, Connection, ConnectionHandler, Listener as Opened } from '../io/transport/types.ts';
import { AdminAcceptor } from './admin.ts';
import type { InboundObserver } from './call/inbound-call.ts';
import type { OutboundObserver } from './call/outbound-call.ts';
import { InboundMeshAcceptor, InboundPlainAcceptor } from './connection/inbound-accept.ts';
import { OutboundAcceptor } from './connection/outbound-connection.ts';
import type { ControlAccess, ControlHost, ControlPort } from './control/host/host.ts';
import { InboundCalls } from './inbound.ts';
import { OutboundCalls } from './outbound.ts';
import { createContext, type StackContext } from './shared/context.ts';
import type { Listener, OpenListener } from './shared/listeners.ts';
import type { StackOptions } from './shared/options.ts';

/** The data plane of one proxy. */
export interface Stack {
  /** Opens the listeners for administration: they answer before anything else is there. */
  startAdmin(): Promise<OpenListener[]>;
  /** Opens all others; to be called once there is a certificate. */
  startTraffic(): Promise<OpenListener[]>;
  /** Resolves when nothing is in flight. Listeners stay open, also afterwards: others may not have heard yet. May be called again. */
  drain(): Promise<void>;
  /** Client connections of both sides since the start. */
  readonly arrivals: number;
  /** Brings the byte counts of open connections up to date: to be called before metrics are written. */
  report(): void;
  /** Closes everything at once. */
  stop(): void;
}

/** Takes the connections of listeners by name. Given by proxies that have one (`connection/named-connection.ts`): others are not to read it. */
export type NamedAcceptors = new (
  context: StackContext,
  listener: Extract<Listener, { kind: 'named' }>,
  calls: OutboundCalls,
) => Acceptor;

/** Who hears of calls beside the stack itself. */
export interface StackObservers {
  readonly outbound?: readonly OutboundObserver[];
  readonly inbound?: readonly InboundObserver[];
}

/** `Named`: needed where a listener is `named`; `control`: where one is `control`. */
export function createStack(
  options: StackOptions,
  observers: StackObservers = {},
  control?: ControlAccess,
  Named?: NamedAcceptors,
): Stack {
  return new ProxyStack(options, observers, control, Named);
}

/** The control port, which is not there before somebody comes. */
class LateControlPort implements ControlPort {
  readonly startsTls = true;
  readonly #access: ControlAccess;
  readonly #host: ControlHost;
  #port: ControlPort | null = null;

  constructor(access: ControlAccess, host: ControlHost) {
    this.#access = access;
    this.#host = host;
  }

  accept(connection: Connection): ConnectionHandler {
    this.#port ??= this.#access.load().createControlPort(this.#host);
    return this.#port.accept(connection);
  }

  stop(): void {
    this.#port?.stop();
  }
}

class ProxyStack implements Stack {
  readonly #context: StackContext;
  readonly #outboundCalls: OutboundCalls;
  readonly #inboundCalls: InboundCalls;
  readonly #Named: NamedAcceptors | undefined;
  readonly #control: ControlPort | undefined;
  readonly #opened: Opened[] = [];

  constructor(
    options: StackOptions,
    observers: StackObservers,
    control: ControlAccess | undefined,
    Named: NamedAcceptors | undefined,
  ) {
    this.#Named = Named;
    this.#context = createContext(options);
    this.#outboundCalls = new OutboundCalls(this.#context, observers.outbound ?? []);
    this.#inboundCalls = new InboundCalls(this.#context, observers.inbound ?? []);
    this.#control = control && new LateControlPort(control, this.#controlHost(control.identity));
  }

  #controlHost(identity: string): ControlHost {
    const context = this.#context;
    return { identity, context, outbound: this.#outboundCalls.observers, inbound: this.#inboundCalls.observers };
  }

  startAdmin(): Promise<OpenListener[]> {
    return this.#open(true);
  }

  startTraffic(): Promise<OpenListener[]> {
    return this.#open(false);
  }

  async #open(isAdmin: boolean): Promise<OpenListener[]> {
    const { transport, listeners } = this.#context.options;
    const open: OpenListener[] = [];
    for (const listener of listeners) {
      if ((listener.kind === 'admin') !== isAdmin) continue;
      const acceptor = this.#acceptor(listener);
      const addresses = [];
      for (const address of listener.bind) {
        const opened = await transport.listen(address, acceptor).catch((error) => this.#notOpened(listener, error));
        if (opened === null) continue;
        this.#opened.push(opened);
        addresses.push(opened.address);
        if (listener.isOwnPort) this.#context.ownPorts.add(opened.address.port);
      }
      open.push({ listener, addresses });
    }
    return open;
  }

  /** Without its control port a proxy does all that it is there for. */
  #notOpened({ kind }: Listener, error: unknown): null {
    if (kind !== 'control') throw error;
    this.#context.options.log.warn('control port is not open', errorFields(error));
    return null;
  }

  #acceptor(listener: Listener): Acceptor {
    const context = this.#context;
    switch (listener.kind) {
      case 'transparent':
        return new OutboundAcceptor(context, listener, this.#outboundCalls);
      case 'named':
        return new this.#Named!(context, listener, this.#outboundCalls);
      case 'inbound-plain':
        return new InboundPlainAcceptor(context, listener.identifier, this.#inboundCalls);
      case 'inbound-mesh':
        return new InboundMeshAcceptor(context, this.#inboundCalls);
      case 'control':
        return this.#control!;
      case 'admin':
        return new AdminAcceptor(context);
    }
  }

  drain(): Promise<void> {
    return this.#context.live.drain();
  }

  get arrivals(): number {
    return this.#context.live.arrivals;
  }

  report(): void {
    this.#context.live.report();
  }

  stop(): void {
    for (const opened of this.#opened) opened.stop();
    this.#control?.stop();
    this.#context.live.abort();
  }
}
