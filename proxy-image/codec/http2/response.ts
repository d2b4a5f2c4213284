import { isMeshField, PROXY_ERROR } from '../../http/fields.ts';
import type { ResponseMessage } from '../../http/message.ts';
import { isPseudo, type RegularFields } from './fields.ts';
import type { BlockWriter } from './hpack/encode.ts';
import type { HeaderList } from './hpack/header-list.ts';
import { MALFORMED_STATUS, MISSING_PSEUDO, REPEATED_PSEUDO, UNKNOWN_PSEUDO } from './rejection.ts';
import type { Http2Scratch } from './scratch.ts';

/** A valid response head of HTTP/2 (RFC 9113 section 8.3.2), worked out once per header list: by `responseOf`. */
export class Http2Response implements ResponseMessage {
  readonly list: HeaderList;
  readonly status: number;
  readonly grpcStatus: number;
  readonly proxyError: string;
  readonly contentLength: number;
  #block: Buffer | null = null;
  #tellingBlock: Buffer | null = null;

  constructor(list: HeaderList, status: number, fields: RegularFields) {
    this.list = list;
    this.status = status;
    this.grpcStatus = fields.grpcStatus;
    this.proxyError = fields.proxyError;
    this.contentLength = fields.contentLength;
  }

  first(name: string): string {
    return this.list.first(name) ?? '';
  }

  /** The block for the client: without what belongs to the mesh, but with `l5d-proxy-error` where `tellsError`. Remembered. */
  forwardBlock(tellsError: boolean, writer: BlockWriter): Buffer {
    if (tellsError && this.proxyError !== '') {
      this.#tellingBlock ??= this.#encode(true, writer);
      return this.#tellingBlock;
    }
    this.#block ??= this.#encode(false, writer);
    return this.#block;
  }

  #encode(tellsError: boolean, writer: BlockWriter): Buffer {
    const { names, values, sensitive } = this.list;
    // RFC 9110 section 8.6: no length where there is never a body. Clients refuse such a response.
    const bodiless = this.status < 200 || this.status === 204;
    writer.begin();
    for (let i = 0; i < names.length; i++) {
      const name = names[i]!;
      if (isMeshField(name) && !(tellsError && name === PROXY_ERROR)) continue;
      if (bodiless && name === 'content-length') continue;
      writer.field(name, values[i]!, sensitive?.has(i) ?? false);
    }
    return writer.end();
  }
}

/** What the list says as a response, or why it says nothing (`rejection.ts`). Remembered with the list. */
export function responseOf(list: HeaderList, { regular }: Http2Scratch): Http2Response | number {
  if (list.meaning instanceof Http2Response) return list.meaning;
  const status = statusOf(list);
  if (status < 0) return status;
  const refused = regular.read(list, 1);
  if (refused < 0) return refused;
  const response = new Http2Response(list, status, regular);
  list.meaning = response;
  return response;
}

/** `:status`, and nothing else of its sort, comes first. */
function statusOf(list: HeaderList): number {
  const { names, values } = list;
  for (let i = 0; i < names.length && isPseudo(names[i]!); i++) {
    if (names[i] !== ':status') return UNKNOWN_PSEUDO;
    if (i > 0) return REPEATED_PSEUDO;
  }
  if (names[0] !== ':status') return MISSING_PSEUDO;
  if (!/^[1-5][0-9][0-9]$/.test(values[0]!)) return MALFORMED_STATUS;
  const status = Number(values[0]);
  // RFC 9113 section 8.6: HTTP/2 has no upgrade.
  return status === 101 ? MALFORMED_STATUS : status;
}
