import type { RouteMemo } from '../../core/route/request.ts';
import { isMeshField } from '../../http/fields.ts';
import { countsForwards, MAX_FORWARDS, parseMaxForwards } from '../../http/max-forwards.ts';
import type { ExtraFields, RequestFraming, RequestMessage } from '../../http/message.ts';
import { isIdempotent } from '../../http/methods.ts';
import { isAuthority, sameAuthority } from './authority.ts';
import { isPseudo, type RegularFields } from './fields.ts';
import type { BlockWriter } from './hpack/encode.ts';
import type { HeaderList } from './hpack/header-list.ts';
import type { RequestPseudo } from './pseudo.ts';
import { HOST_MISMATCH, MALFORMED_HOST } from './rejection.ts';
import type { Http2Scratch } from './scratch.ts';

/** A valid request head of HTTP/2 (RFC 9113 section 8.3.1), worked out once per header list: by `requestOf`. */
export class Http2Request implements RequestMessage {
  readonly version = 'HTTP/2.0';
  readonly list: HeaderList;
  readonly method: string;
  readonly scheme: string;
  readonly host: string;
  readonly target: string;
  /** `:protocol` of an extended CONNECT (RFC 8441); empty otherwise. */
  readonly protocol: string;
  readonly contentLength: number;
  readonly isGrpc: boolean;
  readonly isHead: boolean;
  readonly idempotent: boolean;
  readonly maxForwards: number;
  readonly routeMemo: RouteMemo = { table: null, rule: 0, portRules: null, portRule: 0 };
  #extra: ExtraFields | null = null;
  #block: Buffer | null = null;

  constructor(list: HeaderList, head: RequestPseudo, fields: RegularFields) {
    this.list = list;
    this.method = head.method;
    this.scheme = head.scheme;
    this.host = head.authority === '' ? fields.host : head.authority;
    this.target = head.path;
    this.protocol = head.protocol;
    this.contentLength = fields.contentLength;
    this.isGrpc = fields.isGrpc;
    this.isHead = head.method === 'HEAD';
    this.idempotent = isIdempotent(head.method);
    this.maxForwards = countsForwards(head.method) ? parseMaxForwards(list.first(MAX_FORWARDS) ?? '') : -1;
  }

  get tunnels(): boolean {
    return this.protocol !== '';
  }

  /** HTTP/2 has no upgrade, and no CONNECT but the extended one (`requestOf`). */
  get upgrade(): boolean {
    return false;
  }

  get connect(): boolean {
    return false;
  }

  get lacksHost(): boolean {
    return false;
  }

  get framing(): RequestFraming {
    return 'data';
  }

  /** HTTP/2 has scheme and authority apart from the path, and goes on as origin form. */
  get absoluteForm(): boolean {
    return false;
  }

  first(name: string): string {
    return this.list.first(name) ?? '';
  }

  joined(name: string): string | null {
    return this.list.joined(name);
  }

  /** The block for the next hop: without what belongs to the mesh (`l5d-*`), with `extra`. Remembered for the last `extra`, whichever object says it. */
  forwardBlock(extra: ExtraFields, writer: BlockWriter): Buffer {
    const before = this.#extra;
    if (this.#block !== null && (before === extra || before?.lines === extra.lines)) return this.#block;
    const block = this.#encode(extra, writer);
    this.#extra = extra;
    this.#block = block;
    return block;
  }

  #encode(extra: ExtraFields, writer: BlockWriter): Buffer {
    const { names, values, sensitive } = this.list;
    writer.begin();
    let i = 0;
    let hasAuthority = false;
    for (; i < names.length && isPseudo(names[i]!); i++) {
      hasAuthority ||= names[i] === ':authority';
      writer.field(names[i]!, values[i]!, sensitive?.has(i) ?? false);
    }
    // `:authority` is what the next hop shall see, and it alone: two names for one thing are a hole (RFC 9113 section 8.3.1).
    if (!hasAuthority) writer.field(':authority', this.host, sensitive?.has(names.indexOf('host')) ?? false);
    for (; i < names.length; i++) {
      if (names[i] === 'host' || isMeshField(names[i]!)) continue;
      const counted = this.maxForwards > 0 && names[i] === MAX_FORWARDS;
      const value = counted ? String(this.maxForwards - 1) : values[i]!;
      writer.field(names[i]!, value, sensitive?.has(i) ?? false);
    }
    for (let k = 0; k < extra.names.length; k++) writer.field(extra.names[k]!, extra.values[k]!, false);
    return writer.end();
  }
}

/** What the list says as a request, or why it says nothing (`rejection.ts`). Remembered with the list. */
export function requestOf(list: HeaderList, { pseudo, regular }: Http2Scratch): Http2Request | number {
  if (list.meaning instanceof Http2Request) return list.meaning;
  const refused = pseudo.read(list) || regular.read(list, pseudo.count) || checkHost(pseudo, regular);
  if (refused < 0) return refused;
  const request = new Http2Request(list, pseudo, regular);
  list.meaning = request;
  return request;
}

/** Some authority must be there, as `Host` must in HTTP/1.1, and both must be the same. */
function checkHost({ authority, scheme }: RequestPseudo, { host }: RegularFields): number {
  if (host === '') return authority === '' ? MALFORMED_HOST : 0;
  if (!isAuthority(host)) return MALFORMED_HOST;
  return authority === '' || sameAuthority(authority, host, scheme) ? 0 : HOST_MISMATCH;
}
