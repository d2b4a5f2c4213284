import { formatAddress } from '../../contract/keys.ts';
import type { InboundProtocol } from '../../contract/policy/protocol.ts';
import { peerOf } from '../../core/overload/peer.ts';
import { authorizeAgain, authorizeConnection, type InboundPeer } from '../../core/policy/authorize.ts';
import type { PolicyDecision } from '../../core/policy/policy.ts';
import type { InboundPort, InboundPortWatcher } from '../../core/state/entries.ts';
import { type HttpProtocol, protocolAtFirst, type SessionProtocol } from '../../core/state/protocol.ts';
import type { Exchange } from '../../http/exchange.ts';
import { ExtraFields, NO_EXTRA_FIELDS, type RequestView } from '../../http/message.ts';
import type { DialContext } from '../../io/pool/dial.ts';
import type { Host } from '../../io/pool/host.ts';
import type { Detection } from '../../io/telemetry/connection-recorder.ts';
import type { TransportLabels } from '../../io/telemetry/recorder.ts';
import type { Address, Connection } from '../../io/transport/types.ts';
import type { InboundClient } from '../call/inbound-call.ts';
import type { StackContext } from '../shared/context.ts';
import { inboundLabels } from '../shared/transport-labels.ts';
import { ClientConnection, type ConnectionPlan, type Requests } from './client-connection.ts';
import type { StreamTargets } from './stream.ts';
import { applicationTarget, applicationTargets } from './targets.ts';

/** What the acceptors (`inbound-accept.ts`) have found out about a connection. */
export interface InboundArrival {
  readonly connection: Connection;
  readonly peer: InboundPeer;
  /** The pod's own address as the client reached it, and the port that it wants. */
  readonly target: Address;
  /** From the transport header; `null` for redirected plaintext. */
  readonly session: SessionProtocol | null;
}

/**
 * What an inbound connection is judged by once its target port is known, top to bottom:
 *
 *   Server policy of the port → protocol → each request judged (`stack/inbound.ts`), or the connection judged and spliced (`stream.ts`)
 *   → the original address of the pod
 */
export class InboundConnection implements ConnectionPlan, InboundClient, InboundPortWatcher {
  readonly side = 'inbound';
  /** `l5d-client-id` for the application; only ever from a verified certificate. */
  readonly extra: ExtraFields;
  readonly peer: InboundPeer;
  readonly port: InboundPort;
  readonly dial: DialContext;
  readonly #context: StackContext;
  readonly #calls: Requests<InboundClient>;
  readonly #arrival: InboundArrival;
  readonly #connection: Connection;
  readonly #life: ClientConnection;
  #hosts: Record<HttpProtocol, Host | null> = { http1: null, http2: null };
  /** What has let the requests in that may have become tunnels. */
  readonly #opened: PolicyDecision[] = [];

  constructor(context: StackContext, calls: Requests<InboundClient>, arrival: InboundArrival) {
    this.#context = context;
    this.#calls = calls;
    this.#arrival = arrival;
    this.#connection = arrival.connection;
    this.dial = context.inboundDial;
    this.peer = arrival.peer;
    this.port = context.options.state.inboundPort(arrival.target.port);
    const { identity } = arrival.peer;
    this.extra = identity === null ? NO_EXTRA_FIELDS : new ExtraFields([['l5d-client-id', identity]]);
    this.#life = new ClientConnection(context, arrival.connection, this);
  }

  /** 1. Which policy is it judged by, and what does it speak? `firstBytes` are behind the transport header. */
  start(firstBytes: Buffer): void {
    this.#life.start();
    this.#context.options.state.watchPort(this.port, this);
    this.#life.goOn(protocolAtFirst(this.declared, this.#arrival.session), firstBytes);
  }

  get declared(): InboundProtocol {
    return this.port.policy.protocol;
  }

  detected(result: Detection, tookMs: number): void {
    this.#context.options.recorder.connections().inboundDetected(this.port.policy, result, tookMs);
  }

  /** Our reasons are for other proxies of the mesh, not for strangers. */
  get tellsErrors(): boolean {
    return this.peer.identity !== null;
  }

  /** 2a. Requests, each judged by the policy of its time. */
  begin(exchange: Exchange, head: RequestView): void {
    this.#calls.begin(exchange, head, this);
  }

  get authority(): string {
    const { target } = this.#arrival;
    return formatAddress(target.ip, target.port);
  }

  get remotePort(): number {
    return this.#connection.remote.port;
  }

  /** The application behind the port. */
  host(protocol: HttpProtocol): Host {
    const known = this.#hosts[protocol];
    if (known !== null && !known.retired) return known;
    const host = this.#context.inboundPool.host(applicationTarget(this.#arrival.target, protocol));
    this.#hosts[protocol] = host;
    return host;
  }

  /** 2b. Bytes: the connection itself is judged, now and whenever the policy changes. */
  streamTargets(): StreamTargets | null {
    const decision = this.#judge();
    this.#context.options.recorder.inboundAuthorized('tcp', this.port.policy, this.peer, decision);
    if (decision.allowed) return applicationTargets(this.#arrival.target);
    this.#logDenied(decision);
    return null;
  }

  #judge(): PolicyDecision {
    return authorizeConnection(this.port.policy, this.peer);
  }

  /** Requests are judged one by one; a stream (an upgraded connection is one too) that is not allowed any more ends. */
  policyChanged(): void {
    if (!this.#life.streams) return;
    const decision = this.#opened.length === 0 ? this.#judge() : this.#tunnelsAgain();
    if (decision.allowed) return;
    this.#context.options.recorder.inboundTerminated(this.port.policy, this.peer, decision);
    this.#logDenied(decision);
    this.#life.abortStreams();
  }

  opens(decision: PolicyDecision): void {
    if (!this.#life.streams) this.#opened.length = 0;
    if (!this.#opened.includes(decision)) this.#opened.push(decision);
  }

  /** All that is open, each under the policy as it is now: what refuses one of them, or what allows the last. */
  #tunnelsAgain(): PolicyDecision {
    let decision = this.#judge();
    for (const granted of this.#opened) {
      decision = authorizeAgain(this.port.policy, this.peer, granted);
      if (!decision.allowed) break;
    }
    return decision;
  }

  #logDenied(decision: PolicyDecision): void {
    this.#context.options.log.info('connection denied', {
      client: this.peer.address,
      identity: this.peer.identity,
      port: this.port.port,
      server: decision.server.name,
      reason: decision.reason,
    });
  }

  get from(): string {
    return peerOf(this.peer.address);
  }

  get subject(): string {
    return this.peer.address;
  }

  get client(): string {
    return this.peer.address;
  }

  released(): void {
    this.#context.options.state.unwatchPort(this.port, this);
  }

  get labels(): TransportLabels {
    return inboundLabels(this.authority, this.#arrival.peer);
  }
}
