import { isDefaultLabel } from '../contract/access-policy.ts';
import { authorizeRequest, InboundPeer } from '../core/policy/authorize.ts';
import {
  ADMIN_BODY_BYTES,
  ADMIN_FORBIDDEN,
  type AdminHandler,
  type AdminResponse,
  isAdminProbe,
} from '../io/admin/admin.ts';
import { errorAnswer } from '../io/http/answer.ts';
import type { HttpCall } from '../io/http/call.ts';
import type { Exchange } from '../io/http/exchange.ts';
import type { RequestView } from '../io/http/message.ts';
import type { HttpService } from '../io/http/service.ts';
import { ServerConnection } from '../io/http1/server-connection.ts';
import { Outbox } from '../io/tcp/outbox.ts';
import type { Acceptor, Connection, ConnectionHandler } from '../io/transport/types.ts';
import type { StackContext } from './context.ts';

/** The admin port, served by the proxy's own codec. */
export class AdminAcceptor implements Acceptor {
  readonly #context: StackContext;
  readonly #handler: AdminHandler;

  constructor(context: StackContext, handler: AdminHandler) {
    this.#context = context;
    this.#handler = handler;
  }

  accept(connection: Connection): ConnectionHandler {
    const peer = new InboundPeer(connection.remote.ip, null, false);
    const service = new AdminService(this.#context, this.#handler, peer, connection.local.port);
    return new ServerConnection(new Outbox(connection), service, this.#context.http);
  }
}

class AdminService implements HttpService {
  readonly tellsErrors = false;
  readonly #context: StackContext;
  readonly #handler: AdminHandler;
  readonly #peer: InboundPeer;
  readonly #port: number;

  constructor(context: StackContext, handler: AdminHandler, peer: InboundPeer, port: number) {
    this.#context = context;
    this.#handler = handler;
    this.#peer = peer;
    this.#port = port;
  }

  begin(exchange: Exchange, head: RequestView): void {
    const allowed = this.#allows(head);
    const request = { method: head.method, target: head.target, host: head.host, fromLoopback: this.#peer.loopback };
    exchange.call = new AdminCall(exchange, (body) =>
      allowed ? this.#handler({ ...request, body }) : ADMIN_FORBIDDEN,
    );
    exchange.collect(exchange.framing === 'chunked' ? -1 : Math.max(0, head.contentLength), ADMIN_BODY_BYTES);
  }

  /**
   * A Server that selects this port judges what is asked here, as Linkerd's does; the probes of our own container pass, for without them no pod becomes
   * ready. Default policies say nothing here, unlike Linkerd's: under `deny` everybody would have to write that metrics may be read.
   */
  #allows(head: RequestView): boolean {
    const { state, recorder, log } = this.#context.options;
    const { policy } = state.inboundPort(this.#port);
    if (isDefaultLabel(policy.server) || isAdminProbe(head.method, head.target)) return true;
    const decision = authorizeRequest(policy, this.#peer, head.method, head.target, false);
    recorder.inboundAuthorized('http', policy, this.#peer, decision);
    if (!decision.allowed) {
      const { address } = this.#peer;
      log.info('request denied', {
        client: address,
        identity: null,
        port: this.#port,
        server: policy.server.name,
        reason: decision.reason,
      });
    }
    return decision.allowed;
  }

  released(): void {}
}

class AdminCall implements HttpCall {
  readonly #exchange: Exchange;
  readonly #respond: (body: string) => AdminResponse;

  constructor(exchange: Exchange, respond: (body: string) => AdminResponse) {
    this.#exchange = exchange;
    this.#respond = respond;
  }

  collected(body: Buffer | null): void {
    if (body === null) {
      this.#exchange.answer(errorAnswer(413, 'body too large', false));
      return;
    }
    const { status, headers, body: text } = this.#respond(body.toString('utf8'));
    this.#exchange.answer({ status, fields: headers, body: text, reason: '' });
  }

  responded(): boolean {
    return false;
  }

  tryFailed(): void {}
  ended(): void {}
}
