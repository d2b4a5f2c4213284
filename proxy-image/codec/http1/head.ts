import { HEAD_BYTES } from '../../contract/head-bytes.ts';
import { NO_GRPC_STATUS } from '../../contract/policy/grpc-status.ts';
import type { RouteMemo } from '../../core/route/request.ts';
import { MESSAGE_LIMITS } from '../../http/limits.ts';
import type { RequestFraming, RequestMessage, ResponseMessage } from '../../http/message.ts';
import { IDEMPOTENT } from '../../http/methods.ts';
import { equalsIgnoringCase } from '../../http/octets.ts';
import { CONNECTION } from './fields.ts';

const NONE: readonly string[] = [];
/** What is between the members of a list of tokens. */
const NO_TOKEN = /[^!#$%&'*+\-.^_`|~0-9a-z]+/;

/** The body of a message, as its head announces it. */
export type BodyKind = 'none' | 'length' | 'chunked' | 'until-close';

/**
 * A parsed message head: offsets into the bytes it was parsed from, valid as long as those are. One record serves a whole side of the proxy,
 * because a head is parsed, judged and written on within one event.
 */
export class Head {
  bytes: Buffer = Buffer.alloc(0);
  /** The head is `bytes[start..end)`, with its empty line. */
  start = 0;
  end = 0;
  /** Where the field lines begin. */
  fields = 0;
  count = 0;
  /** A head that is longer is refused; a line may be as long. To be set before it is parsed where it is another. */
  maxBytes: number = HEAD_BYTES.fallback;
  /** Most field lines that it has room for. */
  readonly capacity: number;
  readonly nameStart: Int32Array;
  readonly nameEnd: Int32Array;
  readonly valueStart: Int32Array;
  readonly valueEnd: Int32Array;
  readonly ids: Uint8Array;
  /** 1 = the line is not passed on. */
  readonly dropped: Uint8Array;
  droppedCount = 0;

  /** 0 or 1 of HTTP/1.x. */
  minorVersion = 1;
  /** -1 = no such field. */
  contentLength = -1;
  chunked = false;
  /** From `Connection`. */
  close = false;
  keepAlive = false;
  connectionUpgrade = false;
  /** Index of the last `Connection`, `Upgrade`, `Host` field; -1 = none. */
  upgradeField = -1;
  hostField = -1;
  proxyErrorField = -1;
  /** `TE` lists `trailers`: whoever sent this takes them. */
  wantsTrailers = false;
  /** `timeout` of `Keep-Alive`, in seconds; -1 = not said. */
  keepAliveS = -1;
  /** `Connection` names fields beyond the ones that are dropped anyway. */
  nominates = false;

  constructor(capacity: number = MESSAGE_LIMITS.fieldCount) {
    this.capacity = capacity;
    this.nameStart = new Int32Array(capacity + 1);
    this.nameEnd = new Int32Array(capacity);
    this.valueStart = new Int32Array(capacity);
    this.valueEnd = new Int32Array(capacity);
    this.ids = new Uint8Array(capacity);
    this.dropped = new Uint8Array(capacity);
  }

  reset(bytes: Buffer, start: number): void {
    this.bytes = bytes;
    this.start = start;
    this.count = 0;
    this.droppedCount = 0;
    this.minorVersion = 1;
    this.contentLength = -1;
    this.chunked = false;
    this.close = false;
    this.keepAlive = false;
    this.connectionUpgrade = false;
    this.upgradeField = -1;
    this.hostField = -1;
    this.proxyErrorField = -1;
    this.wantsTrailers = false;
    this.keepAliveS = -1;
    this.nominates = false;
  }

  drop(field: number): void {
    if (this.dropped[field] === 1) return;
    this.dropped[field] = 1;
    this.droppedCount++;
  }

  keep(field: number): void {
    if (this.dropped[field] === 0) return;
    this.dropped[field] = 0;
    this.droppedCount--;
  }

  /** Names (lower case) that `Connection` lists beyond the ones that are dropped anyway. Nearly always none. */
  get nominated(): readonly string[] {
    if (!this.nominates) return NONE;
    const named: string[] = [];
    for (let field = 0; field < this.count; field++) {
      if (this.ids[field] === CONNECTION) named.push(...this.value(field).toLowerCase().split(NO_TOKEN));
    }
    return named;
  }

  /** Where the line of a field ends, with its CR LF. */
  lineEnd(field: number): number {
    return field + 1 < this.count ? this.nameStart[field + 1]! : this.end - 2;
  }

  /** Value of the first field of that (lower-case) name, whatever becomes of its line; empty when there is none. Not for the common path. */
  first(name: string): string {
    for (let field = 0; field < this.count; field++) {
      if (equalsIgnoringCase(this.bytes, this.nameStart[field]!, this.nameEnd[field]!, name)) return this.value(field);
    }
    return '';
  }

  /** All values of the (lower-case) name, joined as RFC 9110 section 5.3 wants it; `null` where there is none. */
  joined(name: string): string | null {
    let value: string | null = null;
    for (let field = 0; field < this.count; field++) {
      if (!equalsIgnoringCase(this.bytes, this.nameStart[field]!, this.nameEnd[field]!, name)) continue;
      value = value === null ? this.value(field) : `${value}, ${this.value(field)}`;
    }
    return value;
  }

  /** Lower case. */
  name(field: number): string {
    return this.bytes.toString('latin1', this.nameStart[field], this.nameEnd[field]).toLowerCase();
  }

  value(field: number): string {
    return this.bytes.toString('latin1', this.valueStart[field], this.valueEnd[field]);
  }
}

const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'PATCH', 'OPTIONS'];

export class RequestHead extends Head implements RequestMessage {
  readonly routeMemo: RouteMemo | null = null;
  /** gRPC needs HTTP/2 (gRPC over HTTP2, protocol description). */
  readonly isGrpc: boolean = false;
  methodEnd = 0;
  targetStart = 0;
  targetEnd = 0;
  /** Origin form: where path and query begin within the target (after the authority of an absolute form), and what goes before them. */
  pathStart = 0;
  pathPrefix = '';
  absoluteForm = false;
  /** Asks for a tunnel: the target is an authority (RFC 9112 section 3.2.3). */
  connect = false;
  /** Of an absolute form, and of CONNECT: it is the host, whatever `Host` says. */
  authorityStart = 0;
  authorityEnd = 0;
  /** `Upgrade` is to be passed on (not to h2c, HTTP/1.1, named by `Connection`). */
  upgrade = false;
  maxForwards = -1;
  isHead = false;
  /** Tunnels of HTTP/1 begin as an upgrade or a CONNECT. */
  readonly tunnels = false;

  get framing(): RequestFraming {
    return this.chunked ? 'chunked' : 'length';
  }

  get method(): string {
    const { bytes, start, methodEnd } = this;
    for (const known of METHODS) {
      if (known.length === methodEnd - start && matches(bytes, start, known)) return known;
    }
    return bytes.toString('latin1', start, methodEnd);
  }

  /** RFC 9110 section 9.2.2. */
  get idempotent(): boolean {
    const { bytes, start, methodEnd } = this;
    for (const known of IDEMPOTENT) {
      if (known.length === methodEnd - start && matches(bytes, start, known)) return true;
    }
    return false;
  }

  /** The request target in origin form (`*` of OPTIONS as it is): what is judged is what is forwarded. */
  get target(): string {
    const { bytes, pathStart, targetEnd, pathPrefix } = this;
    const rest = bytes.toString('latin1', pathStart, targetEnd);
    return pathPrefix === '' ? rest : pathPrefix + rest;
  }

  /** `Host` is missing or empty, and the target does not say it either. */
  get lacksHost(): boolean {
    const field = this.hostField;
    return !this.absoluteForm && !this.connect && (field === -1 || this.valueStart[field] === this.valueEnd[field]);
  }

  get version(): string {
    return this.minorVersion === 0 ? 'HTTP/1.0' : 'HTTP/1.1';
  }

  get host(): string {
    if (this.absoluteForm || this.connect) return this.bytes.toString('latin1', this.authorityStart, this.authorityEnd);
    return this.hostField === -1 ? '' : this.value(this.hostField);
  }
}

export class ResponseHead extends Head implements ResponseMessage {
  readonly grpcStatus: number = NO_GRPC_STATUS;
  status = 0;
  /** Where its body ends. Set by whoever passes it on. */
  body: BodyKind = 'none';
  /** A 204 that announced a body: whether one follows is anybody's guess. */
  forbiddenBody = false;

  /** No body follows, or an empty one. */
  get ends(): boolean {
    return this.body === 'none' || (this.body === 'length' && this.contentLength === 0);
  }

  /** What a proxy of the mesh says in it goes on to the client. */
  keepProxyError(): void {
    if (this.proxyErrorField !== -1) this.keep(this.proxyErrorField);
  }

  get proxyError(): string {
    return this.proxyErrorField === -1 ? '' : this.value(this.proxyErrorField);
  }
}

function matches(bytes: Uint8Array, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
}
