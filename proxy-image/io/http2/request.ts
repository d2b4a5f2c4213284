import type { ExtraFields, RequestView, RouteMemo } from '../http/message.ts';
import type { HeaderList } from './hpack/header-list.ts';

/** A valid request head of HTTP/2 (RFC 9113 section 8.3.1), worked out once per header list. */
export class Http2Request implements RequestView {
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
  readonly routeMemo: RouteMemo = { table: null, route: null };

  constructor(list: HeaderList) {
    this.list = list;
    this.method = list.first(':method') ?? '';
    this.scheme = list.first(':scheme') ?? '';
    this.host = list.first(':authority') ?? list.first('host') ?? '';
    this.target = list.first(':path') ?? '';
    this.protocol = list.first(':protocol') ?? '';
    this.contentLength = Number(list.first('content-length') ?? -1);
    this.isGrpc = (list.first('content-type') ?? '').startsWith('application/grpc');
  }

  first(name: string): string {
    return this.list.first(name) ?? '';
  }

  /** The block for the next hop: without what belongs to the mesh (`l5d-*`), with `extra`. Remembered for the last `extra`. */
  forwardBlock(_extra: ExtraFields): Buffer {
    throw new Error('not yet');
  }
}
