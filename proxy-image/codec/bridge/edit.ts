import type { HeaderChanges } from '../../contract/policy/filter.ts';
import { changedFields, type Field } from '../../core/filter/header-changes.ts';
import type { RequestMessage, ResponseMessage } from '../../http/message.ts';
import type { HeadEdit } from '../../http/prepared-head.ts';
import { type Head, type RequestHead, ResponseHead } from '../http1/head.ts';
import { parseResponse } from '../http1/parse-response.ts';
import { HeaderList } from '../http2/hpack/header-list.ts';
import { Http2Request, requestOf } from '../http2/request.ts';
import { Http2Response, responseOf } from '../http2/response.ts';
import type { Http2Scratch } from '../http2/scratch.ts';

/**
 * Heads as filters change them, in the form that they have. The result is read by the same parser as any other head of that form: what a filter says can add fields,
 * not end a head or begin another.
 */

/** A field of HTTP/2 is counted with 32 octets beside its own (RFC 7541 section 4.1). */
const OVERHEAD_BYTES = 32;

/** `head`: as it was prepared, without `extra` (whole lines), which goes behind it. */
export function editedText(head: RequestHead, extra: string, { target, host, changes }: HeadEdit): Buffer {
  const isMoved = target !== '' || host !== '';
  const { bytes } = head;
  // RFC 9112 section 3.2.2: a form that names a host as well would have to be changed with it.
  const original = isMoved ? head.target : bytes.toString('latin1', head.targetStart, head.targetEnd);
  const lines = changedLines(head, changes, true).map(([name, value]) =>
    name.toLowerCase() === 'host' && host !== '' ? [name, host] : [name, value],
  );
  const text = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return Buffer.from(`${head.method} ${target || original} HTTP/1.1\r\n${text}${extra}\r\n`, 'latin1');
}

/** The lines, each with its name as it was written, unless it is a filter's. `all`: also those that are not passed on as they are. */
function changedLines(head: Head, changes: readonly HeaderChanges[], all: boolean): Field[] {
  const spelled = new Map<string, string>();
  let fields: Field[] = [];
  for (let field = 0; field < head.count; field++) {
    if (head.dropped[field] === 1 && !all) continue;
    const name = head.name(field);
    if (!spelled.has(name)) {
      spelled.set(name, head.bytes.toString('latin1', head.nameStart[field], head.nameEnd[field]));
    }
    fields.push([name, head.value(field)]);
  }
  for (const change of changes) fields = changedFields(fields, change);
  return fields.map(([name, value]) => [spelled.get(name) ?? name, value]);
}

export function editedRequest(message: RequestMessage, edit: HeadEdit, scratch: Http2Scratch): RequestMessage {
  if (!(message instanceof Http2Request)) throw new Error('a request in neither form');
  const replaced = (name: string, value: string): string => {
    if (name === ':path' && edit.target !== '') return edit.target;
    return name === ':authority' && edit.host !== '' ? edit.host : value;
  };
  const { list } = message;
  const names = edit.host === '' ? list : withAuthority(list, message.host);
  const edited = requestOf(editedList(names, replaced, edit.changes), scratch);
  // Nothing that a filter may say makes it malformed.
  if (typeof edited === 'number') throw new Error(`a filter has made a request malformed: ${edited}`);
  return edited;
}

/** With its host where it can be changed: in `:authority`, and nowhere else. */
function withAuthority(list: HeaderList, host: string): HeaderList {
  const fields = fieldsOf(list).filter(([name]) => name !== 'host' && name !== ':authority');
  return listOf([[':authority', host], ...fields], secretsOf(list));
}

export function editedResponse(
  message: ResponseMessage,
  changes: readonly HeaderChanges[],
  scratch: Http2Scratch,
): ResponseMessage {
  if (message instanceof ResponseHead) return editedResponseHead(message, changes);
  if (!(message instanceof Http2Response)) throw new Error('a response in neither form');
  const edited = responseOf(
    editedList(message.list, (_, value) => value, changes),
    scratch,
  );
  if (typeof edited === 'number') throw new Error(`a filter has made a response malformed: ${edited}`);
  return edited;
}

function editedResponseHead(head: ResponseHead, changes: readonly HeaderChanges[]): ResponseHead {
  const { bytes, start, fields } = head;
  const lines = changedLines(head, changes, false).map(([name, value]) => `${name}: ${value}\r\n`);
  const text = Buffer.from(`${bytes.toString('latin1', start, fields)}${lines.join('')}\r\n`, 'latin1');
  const edited = new ResponseHead(lines.length + 1);
  edited.maxBytes = Number.POSITIVE_INFINITY;
  if (parseResponse(edited, text, 0, text.length) !== text.length)
    throw new Error('a filter has made a response malformed');
  edited.body = head.body;
  edited.forbiddenBody = head.forbiddenBody;
  // What was not dropped before is not to be dropped now: `l5d-proxy-error` that its client is told, fields of an upgrade.
  for (let field = 0; field < edited.count; field++) edited.keep(field);
  return edited;
}

function editedList(
  list: HeaderList,
  replaced: (name: string, value: string) => string,
  changes: readonly HeaderChanges[],
): HeaderList {
  let fields: Field[] = fieldsOf(list).map(([name, value]) => [name, replaced(name, value)]);
  for (const change of changes) fields = changedFields(fields, change);
  return listOf(fields, secretsOf(list));
}

function fieldsOf({ names, values }: HeaderList): Field[] {
  return names.map((name, at) => [name, values[at]!]);
}

/** Names of fields that are never to be indexed (RFC 7541 section 6.2.3). */
function secretsOf({ names, sensitive }: HeaderList): ReadonlySet<string> {
  return new Set([...(sensitive ?? [])].map((index) => names[index]!));
}

function listOf(fields: readonly Field[], secrets: ReadonlySet<string>): HeaderList {
  const sensitive = new Set<number>();
  for (const [at, [name]] of fields.entries()) if (secrets.has(name)) sensitive.add(at);
  const sizeBytes = fields.reduce((sum, [name, value]) => sum + name.length + value.length + OVERHEAD_BYTES, 0);
  return new HeaderList(
    fields.map(([name]) => name),
    fields.map(([, value]) => value),
    sizeBytes,
    sensitive.size === 0 ? null : sensitive,
  );
}
