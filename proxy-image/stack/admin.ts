import { ServerConnection } from '../codec/http1/server-connection.ts';
import { isDefaultLabel } from '../contract/access-policy.ts';
import { UNKNOWN } from '../contract/policy/grpc-status.ts';
import { type Client, Clients } from '../core/overload/clients.ts';
import { peerOf } from '../core/overload/peer.ts';
import { authorizeRequest, InboundPeer } from '../core/policy/authorize.ts';
import type { Rng } from '../core/rng.ts';
import { errorAnswer } from '../http/answer.ts';
import type { HttpCall } from '../http/call.ts';
import type { Exchange } from '../http/exchange.ts';
import { FAILURES } from '../http/failures.ts';
import type { RequestView } from '../http/message.ts';
import type { HttpService } from '../http/service.ts';
import {
  ADMIN_BODY_BYTES,
  ADMIN_FORBIDDEN,
  ADMIN_NO_ROUTE,
  type AdminRequest,
  type AdminResponse,
  isAdminProbe,
} from '../io/admin/admin.ts';
import { Outbox } from '../io/tcp/outbox.ts';
import type { Acceptor, Connection, ConnectionHandler } from '../io/transport/types.ts';
import type { StackContext } from './shared/context.ts';
import type { Refusals } from './shared/refusals.ts';

/**
 * Connections to the admin port, which has no descriptors but those that are kept for it. Of too many the oldest of whoever has most makes room, whatever it does: most
 * answers wait for nothing but their reader. Those that wait for the application (relayed probes) go last.
 */
class AdminRoom {
  readonly clients: Clients<AdminClient>;
  /** All others wait for the application too. */
  pressed = false;

  constructor(limit: number, rng: Rng) {
    this.clients = new Clients(limit, rng);
  }

  /** For one more. */
  make(): void {
    if (this.clients.admits()) return;
    this.pressed = true;
    this.clients.admits();
    this.pressed = false;
  }
}

/** The admin port, served by the proxy's own codec. */
export class AdminAcceptor implements Acceptor {
  readonly #context: StackContext;
  readonly #room: AdminRoom;

  constructor(context: StackContext) {
    this.#context = context;
    this.#room = new AdminRoom(context.limits.adminConnections, context.options.rng);
  }

  accept(connection: Connection): ConnectionHandler {
    this.#room.make();
    const peer = new InboundPeer(connection.remote.ip, null, false);
    const client = new AdminClient(connection, peer.address, this.#room, this.#context.refusals);
    const service = new AdminService(this.#context, peer, connection.local.port, client);
    return new ServerConnection(new Outbox(connection), service, this.#context.http.admin);
  }
}

class AdminClient implements Client {
  slot = 0;
  arrival = 0;
  readonly #connection: Connection;
  readonly #address: string;
  readonly #room: AdminRoom;
  readonly #refusals: Refusals;
  /** Its answer is not there yet. */
  waits = false;

  constructor(connection: Connection, address: string, room: AdminRoom, refusals: Refusals) {
    this.#connection = connection;
    this.#address = address;
    this.#room = room;
    this.#refusals = refusals;
    room.clients.add(this);
  }

  get expendable(): boolean {
    return !this.waits || this.#room.pressed;
  }

  get from(): string {
    return peerOf(this.#address);
  }

  makeRoom(): void {
    this.#refusals.admin('made_room', this.#address);
    this.abort();
  }

  abort(): void {
    this.#connection.reset();
  }

  removed(): void {
    this.#room.clients.removed(this);
  }
}

class AdminService implements HttpService {
  readonly takesConnect = false;
  readonly tellsErrors = false;
  readonly #context: StackContext;
  readonly #peer: InboundPeer;
  readonly #port: number;
  readonly #client: AdminClient;

  constructor(context: StackContext, peer: InboundPeer, port: number, client: AdminClient) {
    this.#context = context;
    this.#peer = peer;
    this.#port = port;
    this.#client = client;
  }

  begin(exchange: Exchange, head: RequestView): void {
    const refusal = this.#refusal(head);
    const request = { method: head.method, target: head.target, host: head.host, fromLoopback: this.#peer.loopback };
    const respond = (body: string) => refusal ?? this.#respond({ ...request, body });
    exchange.call = new AdminCall(exchange, respond, this.#client);
    exchange.collect(exchange.framing === 'chunked' ? -1 : Math.max(0, head.contentLength), ADMIN_BODY_BYTES);
  }

  #respond(request: AdminRequest): Reply {
    const { probeRelay, admin } = this.#context.options;
    if (probeRelay?.has(request.method, request.target) === true) return probeRelay.ask(request.target);
    return admin(request);
  }

  /**
   * A Server that selects this port judges what is asked here, as Linkerd's does; the probes of our own container pass, for without them no pod becomes
   * ready. Default policies say nothing here, unlike Linkerd's: under `deny` everybody would have to write that metrics may be read. Filters are not carried out:
   * a rule that has one that answers refuses.
   */
  #refusal(head: RequestView): AdminResponse | null {
    const { state, recorder, log } = this.#context.options;
    const { policy } = state.inboundPort(this.#port);
    if (isDefaultLabel(policy.server) || isAdminProbe(head.method, head.target)) return null;
    const decision = authorizeRequest(policy, this.#peer, head);
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
    if (decision.reason === 'no_route') return ADMIN_NO_ROUTE;
    const answers = decision.rule?.filters.some(({ type }) => type === 'fail' || type === 'redirect') === true;
    return decision.allowed && !answers ? null : ADMIN_FORBIDDEN;
  }

  requestRefused(answer: string, reason: string): void {
    this.#context.refusals.request('admin', answer, reason, this.#peer.address);
  }

  headShed(): void {
    this.#client.makeRoom();
  }

  released(): void {
    this.#client.removed();
  }
}

/** `null`: the connection ends without an answer. */
type Reply = AdminResponse | Promise<AdminResponse | null>;

class AdminCall implements HttpCall {
  readonly #exchange: Exchange;
  readonly #respond: (body: string) => Reply;
  readonly #client: AdminClient;
  #over = false;

  constructor(exchange: Exchange, respond: (body: string) => Reply, client: AdminClient) {
    this.#exchange = exchange;
    this.#respond = respond;
    this.#client = client;
  }

  collected(body: Buffer | null): void {
    if (body === null) {
      this.#exchange.answer(errorAnswer(FAILURES.body_too_large, false));
      return;
    }
    const response = this.#respond(body.toString('utf8'));
    if (response instanceof Promise) {
      this.#client.waits = true;
      void response.then((late) => this.#answer(late));
    } else this.#answer(response);
  }

  /** The exchange belongs to somebody else once its client has gone. */
  #answer(response: AdminResponse | null): void {
    this.#client.waits = false;
    if (this.#over) return;
    if (response === null) {
      this.#client.abort();
      return;
    }
    const { status, headers, body } = response;
    this.#exchange.answer({ status, grpcStatus: UNKNOWN, fields: headers, body, reason: '' });
  }

  responded(): boolean {
    return false;
  }

  attemptFailed(): void {}

  ended(): void {
    this.#over = true;
  }
}
