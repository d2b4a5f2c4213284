import type { Head } from '../../../codec/http1/head.ts';
import type { HeaderList } from '../../../codec/http2/hpack/header-list.ts';
import { ALWAYS_REDACTED, REDACTED, TAP_TEXT, type TapHeader } from '../../../contract/tap/events.ts';
import type { RequestView, ResponseView } from '../../../http/message.ts';

type AnyHead = RequestView | ResponseView;
/** Both versions of HTTP name the fields of a head otherwise; which it is tells by its form, for this may be loaded beside the classes of the proxy. */
type Http1Fields = Pick<Head, 'count' | 'name' | 'value'>;
interface Http2Fields {
  readonly list: HeaderList;
}

/** Characters of all fields of a head together: what one event may take of the queue. */
const MAX_HEADERS_LENGTH = 16_384;

function isHttp1(head: AnyHead): head is AnyHead & Http1Fields {
  return 'nameStart' in head;
}

function isHttp2(head: AnyHead): head is AnyHead & Http2Fields {
  return 'list' in head;
}

export function schemeOf(head: RequestView): string {
  return 'scheme' in head && typeof head.scheme === 'string' ? head.scheme : 'http';
}

/** Cut where it is longer than anybody reads. */
export function bounded(text: string): string {
  return text.length <= TAP_TEXT.length ? text : text.slice(0, TAP_TEXT.length);
}

/** The fields of a head, in their order, without what proves who somebody is: `redacts` names fields, in lower case, beside those that always do. */
export function headersOf(head: AnyHead, redacts: ReadonlySet<string>): TapHeader[] {
  const headers: TapHeader[] = [];
  let room = MAX_HEADERS_LENGTH;
  const add = (name: string, value: string, sensitive: boolean): void => {
    const hidden = sensitive || ALWAYS_REDACTED.has(name) || redacts.has(name);
    const header: TapHeader = [bounded(name), hidden ? REDACTED : bounded(value)];
    room -= header[0].length + header[1].length;
    if (room >= 0 && headers.length < TAP_TEXT.headers) headers.push(header);
  };
  if (isHttp1(head)) {
    for (let field = 0; field < head.count; field++) add(head.name(field), head.value(field), false);
  } else if (isHttp2(head)) {
    const { names, values, sensitive } = head.list;
    for (const [at, name] of names.entries()) {
      // What its sender has marked as never to be indexed is secret by his own word (RFC 7541 section 7.1.3).
      if (!name.startsWith(':')) add(name, values[at]!, sensitive?.has(at) === true);
    }
  }
  return headers;
}
