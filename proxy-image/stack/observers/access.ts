import type { InboundPeer } from '../../core/policy/authorize.ts';
import type { Exchange } from '../../http/exchange.ts';
import type { RequestView } from '../../http/message.ts';
import type { AccessLog, AccessLogEntry } from '../../io/telemetry/access-log.ts';

/** Fields that carry the identifier of a trace, in order of preference (linkerd2-proxy: http access log). */
const TRACE_FIELDS = ['x-b3-traceid', 'x-request-id', 'x-amzn-trace-id'];

/** What the access log will say about a request; made only where there is an access log. */
export class AccessRecord {
  readonly #log: AccessLog;
  readonly #entry: AccessLogEntry;
  /** The request was handed to the application, and its answer began; monotonic milliseconds. */
  #sentMs = 0;
  #answeredMs = 0;

  constructor(log: AccessLog, head: RequestView, peer: InboundPeer, remotePort: number, wallMs: number) {
    this.#log = log;
    this.#entry = {
      clientAddr: peer.address.includes(':') ? `[${peer.address}]:${remotePort}` : `${peer.address}:${remotePort}`,
      clientId: peer.identity,
      wallMs,
      method: head.method,
      uri: head.target,
      version: head.version,
      host: head.host,
      userAgent: head.first('user-agent'),
      traceId: traceOf(head),
      requestBytes: 0,
      status: 0,
      grpcStatus: -1,
      responseBytes: 0,
      totalNs: 0,
      processingNs: 0,
    };
  }

  sent(nowMs: number): void {
    this.#sentMs = nowMs;
  }

  answered(nowMs: number): void {
    this.#answeredMs = nowMs;
  }

  ended(exchange: Exchange, nowMs: number): void {
    const totalMs = nowMs - exchange.startedMs;
    const awaitedMs = this.#answeredMs === 0 ? 0 : this.#answeredMs - this.#sentMs;
    this.#entry.requestBytes = exchange.requestBytes;
    this.#entry.responseBytes = exchange.responseBytes;
    this.#entry.status = exchange.status;
    this.#entry.grpcStatus = exchange.grpcStatus;
    this.#entry.totalNs = totalMs * 1e6;
    this.#entry.processingNs = (totalMs - awaitedMs) * 1e6;
    this.#log.record(this.#entry);
  }
}

function traceOf(head: RequestView): string {
  for (const name of TRACE_FIELDS) {
    const value = head.first(name);
    if (value !== '') return value;
  }
  return '';
}
