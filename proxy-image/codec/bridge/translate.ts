import type { HeaderChanges } from '../../contract/policy/filter.ts';
import { CONNECTION_FIELDS, isMeshField } from '../../http/fields.ts';
import { MESSAGE_LIMITS } from '../../http/limits.ts';
import { MAX_FORWARDS } from '../../http/max-forwards.ts';
import type { ExtraFields, RequestMessage, ResponseMessage } from '../../http/message.ts';
import type { HeadEdit } from '../../http/prepared-head.ts';
import { Head, RequestHead, ResponseHead } from '../http1/head.ts';
import { OWN_FIELDS } from '../http1/limits.ts';
import { parseFields } from '../http1/parse-fields.ts';
import { parseRequest } from '../http1/parse-request.ts';
import { TRAILERS_WANTED } from '../http1/serialize.ts';
import { isPseudo } from '../http2/fields.ts';
import { HeaderList } from '../http2/hpack/header-list.ts';
import { Http2Request } from '../http2/request.ts';
import { Http2Response } from '../http2/response.ts';
import { Http2Scratch } from '../http2/scratch.ts';
import { type Http2Trailers, trailersOf } from '../http2/trailers.ts';
import { editedRequest, editedResponse, editedText } from './edit.ts';

/**
 * Between the versions of HTTP (RFC 9113 section 8, RFC 9110 section 7.6). What comes out of here is made of validated parts only: names are tokens, values
 * hold no CR, LF or NUL, a target has no blank, so that nothing can be smuggled from one syntax into the other.
 */

/** Methods whose requests have a body as a rule: an empty one is announced (RFC 9110 section 8.6). */
const WITH_BODY: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

/** One for a stack. */
export class Translation {
  readonly #scratch = new Http2Scratch();
  /** What is read back, within one call. */
  readonly #head = new RequestHead(MESSAGE_LIMITS.fieldCount + OWN_FIELDS);

  constructor() {
    // What is translated has passed the limits of the version that it came in.
    this.#head.maxBytes = Number.POSITIVE_INFINITY;
  }

  /** A request of HTTP/2 as an HTTP/1.1 head. `chunks`: the body will be put into chunks; `whole`: the body has been read. */
  requestTextOf(message: RequestMessage, extra: ExtraFields, chunks: boolean, whole: boolean): string {
    const request = inHttp2(message);
    const host = request.host === '' ? '' : `host: ${request.host}\r\n`;
    let text = `${request.method} ${request.target} HTTP/1.1\r\n${host}`;
    const cookies: string[] = [];
    const { names, values } = request.list;
    for (let i = 0; i < names.length; i++) {
      const name = names[i]!;
      if (isPseudo(name) || name === 'host' || isMeshField(name)) continue;
      // RFC 9113 section 8.2.3: crumbs become one line.
      if (name === 'cookie') cookies.push(values[i]!);
      else if (name === 'te') text += TRAILERS_WANTED;
      else if (name === MAX_FORWARDS && request.maxForwards !== -1) {
        text += `${name}: ${request.maxForwards - 1}\r\n`;
      } else text += `${name}: ${values[i]!}\r\n`;
    }
    if (cookies.length > 0) text += `cookie: ${cookies.join('; ')}\r\n`;
    if (chunks) text += 'transfer-encoding: chunked\r\n';
    else if (request.contentLength === -1 && whole && WITH_BODY.has(request.method)) text += 'content-length: 0\r\n';
    return `${text}${extra.lines}\r\n`;
  }

  /** A request of HTTP/2 as it goes on in HTTP/2. */
  forwardBlockOf(message: RequestMessage, extra: ExtraFields, added: ExtraFields): Buffer {
    const { writer } = this.#scratch;
    const block = inHttp2(message).forwardBlock(extra, writer);
    // A block is encoded without state (RFC 7541 section 6.2.2 and 6.2.3): what is put behind it needs nothing of it.
    return added.names.length === 0 ? block : Buffer.concat([block, writer.block(added.names, added.values)]);
  }

  /**
   * A request head as `Exchange` has written it for HTTP/1, as a block of HTTP/2. Read without `extra`, behind which it may be one field or a few bytes
   * above the limits that it was taken under.
   */
  requestBlockOf(bytes: Buffer, length: number, extra: ExtraFields, authority: string): Buffer {
    const head = this.#readBack(bytes, length, extra);
    const names = [':method', ':scheme', ':authority', ':path'];
    // HTTP/2 has no words for a host without a name.
    const values = [head.method, 'http', head.host === '' ? authority : head.host, head.target];
    for (let field = 0; field < head.count; field++) {
      const name = head.name(field);
      // What is left of `te` is `trailers`.
      if (name === 'host' || (CONNECTION_FIELDS.has(name) && name !== 'te')) continue;
      names.push(name);
      values.push(head.value(field));
    }
    for (let i = 0; i < extra.names.length; i++) {
      names.push(extra.names[i]!);
      values.push(extra.values[i]!);
    }
    return this.#scratch.writer.block(names, values);
  }

  #readBack(bytes: Buffer, length: number, extra: ExtraFields): RequestHead {
    const own = length - extra.lines.length;
    let written = bytes;
    if (own < length) {
      written = Buffer.allocUnsafe(own);
      bytes.copy(written, 0, 0, own);
      written.write('\r\n', own - 2, 'latin1');
    }
    if (parseRequest(this.#head, written, 0, own) !== own)
      throw new Error('a head that was written cannot be read back');
    return this.#head;
  }

  /** A request head as it has been written for HTTP/1, as filters change it. */
  editedHead(bytes: Buffer, length: number, extra: ExtraFields, edit: HeadEdit): Buffer {
    const head = this.#readBack(bytes, length, extra);
    return editedText(head, extra.lines, edit);
  }

  editedRequest(message: RequestMessage, edit: HeadEdit): RequestMessage {
    return editedRequest(message, edit, this.#scratch);
  }

  /** A response of HTTP/2 as an HTTP/1.1 head. `framing`: the line that says where its body ends, if there is any. */
  responseTextOf(response: ResponseMessage, framing: string): string {
    if (!(response instanceof Http2Response)) throw new Error('a response in neither form');
    let text = `HTTP/1.1 ${response.status} \r\n`;
    const { names, values } = response.list;
    for (let i = 0; i < names.length; i++) {
      if (!names[i]!.startsWith(':')) text += `${names[i]!}: ${values[i]!}\r\n`;
    }
    return `${text}${framing}\r\n`;
  }

  /** A response head of HTTP/1 as a block of HTTP/2, without its dropped lines. */
  responseBlockOf(head: ResponseMessage): Buffer {
    if (!(head instanceof ResponseHead)) throw new Error('a response in neither form');
    const names = [':status'];
    const values = [String(head.status)];
    for (let field = 0; field < head.count; field++) {
      if (head.dropped[field] === 1) continue;
      const name = head.name(field);
      if (name === 'host' || CONNECTION_FIELDS.has(name)) continue;
      names.push(name);
      values.push(head.value(field));
    }
    return this.#scratch.writer.block(names, values);
  }

  editedResponse(message: ResponseMessage, changes: readonly HeaderChanges[]): ResponseMessage {
    return editedResponse(message, changes, this.#scratch);
  }

  /** A trailer section of HTTP/1 as `filterTrailers` leaves it; `null` when nothing of it can be said in HTTP/2. */
  trailersOfSection(section: Buffer): Http2Trailers | null {
    const trailers = new Head();
    trailers.maxBytes = Number.POSITIVE_INFINITY;
    trailers.reset(section, 0);
    if (parseFields(trailers, 0, section.length) !== section.length) return null;
    const names: string[] = [];
    const values: string[] = [];
    let sizeBytes = 0;
    for (let field = 0; field < trailers.count; field++) {
      names.push(trailers.name(field));
      values.push(trailers.value(field));
      sizeBytes += names.at(-1)!.length + values.at(-1)!.length + 32;
    }
    const translated = trailersOf(new HeaderList(names, values, sizeBytes), this.#scratch);
    return typeof translated === 'number' ? null : translated;
  }
}

/** There are two forms, and a head of HTTP/1 is written as it comes (`EitherHead`). */
function inHttp2(message: RequestMessage): Http2Request {
  if (message instanceof Http2Request) return message;
  throw new Error('a request in neither form');
}
