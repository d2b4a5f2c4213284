import { NO_GRPC_STATUS, type ResponseView } from '../http/message.ts';
import type { HeaderList } from './hpack/header-list.ts';

/** A valid response head of HTTP/2 (RFC 9113 section 8.3.2), worked out once per header list. */
export class Http2Response implements ResponseView {
  readonly list: HeaderList;
  readonly status: number;
  readonly grpcStatus: number;
  readonly proxyError: string;
  readonly contentLength: number;

  constructor(list: HeaderList) {
    this.list = list;
    this.status = Number(list.first(':status') ?? 0);
    this.grpcStatus = Number(list.first('grpc-status') ?? NO_GRPC_STATUS);
    this.proxyError = list.first('l5d-proxy-error') ?? '';
    this.contentLength = Number(list.first('content-length') ?? -1);
  }

  first(name: string): string {
    return this.list.first(name) ?? '';
  }

  /** The block for the client: without what belongs to the mesh, but with `l5d-proxy-error` where `tellsError`. Remembered. */
  forwardBlock(_tellsError: boolean): Buffer {
    throw new Error('not yet');
  }
}
