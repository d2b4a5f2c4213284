import { isLoopback, parseIp } from '../core/net/ip.ts';
import { ADMIN_BODY_BYTES, type AdminHandler, type AdminResponse } from '../io/admin/admin.ts';
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
    const ip = parseIp(connection.remote.ip);
    const service = new AdminService(this.#handler, ip !== null && isLoopback(ip));
    return new ServerConnection(new Outbox(connection), service, this.#context.http);
  }
}

class AdminService implements HttpService {
  readonly tellsErrors = false;
  readonly #handler: AdminHandler;
  readonly #fromLoopback: boolean;

  constructor(handler: AdminHandler, fromLoopback: boolean) {
    this.#handler = handler;
    this.#fromLoopback = fromLoopback;
  }

  begin(exchange: Exchange, head: RequestView): void {
    const request = { method: head.method, target: head.target, host: head.host, fromLoopback: this.#fromLoopback };
    exchange.call = new AdminCall(exchange, (body) => this.#handler({ ...request, body }));
    exchange.collect(exchange.framing === 'chunked' ? -1 : Math.max(0, head.contentLength), ADMIN_BODY_BYTES);
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
