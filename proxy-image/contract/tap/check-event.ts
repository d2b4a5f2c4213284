import { type Fields, Reader } from '../read/reader.ts';
import {
  TAP_TEXT,
  type TapAddress,
  type TapEvent,
  type TapFlow,
  type TapHeader,
  type TapOpened,
  type TapRequest,
} from './events.ts';

/** Largest count and length of time that is anything but a mistake. */
const MOST = Number.MAX_SAFE_INTEGER;
/** Labels of an endpoint, and of a route. */
const MAX_LABELS = 64;
const ENDS = ['complete', 'cancelled', 'truncated'] as const;

/**
 * Reads an event as the control plane receives it, which is hostile like all that comes from a network: a proxy belongs to whoever has its pod. `null`: of a type that
 * is not known, and to be passed over; a problem: it is none.
 */
export function checkTapEvent(value: unknown): { event: TapEvent | null } | { problem: string } {
  const reader = new Reader();
  const fields = reader.object(value, 'event');
  const event = readEvent(reader, fields);
  const [problem] = reader.errors;
  return problem === undefined ? { event } : { problem };
}

function readEvent(reader: Reader, fields: Fields): TapEvent | null {
  switch (fields['type']) {
    case 'listening':
      return { type: 'listening' };
    case 'missed':
      return { type: 'missed', events: count(reader, fields, 'events') };
    case 'request':
      return readRequest(reader, fields);
    case 'response':
      return {
        type: 'response',
        ...readFlow(reader, fields),
        status: reader.integerOf(fields, 'event', 'status', 0, 999),
        latencyUs: count(reader, fields, 'latencyUs'),
        headers: readHeaders(reader, fields),
      };
    case 'end':
      return readEnd(reader, fields);
    case 'opened':
      return { type: 'opened', ...readFlow(reader, fields) } satisfies TapOpened;
    case 'closed':
      return {
        type: 'closed',
        ...readFlow(reader, fields),
        durationUs: count(reader, fields, 'durationUs'),
        sentBytes: count(reader, fields, 'sentBytes'),
        receivedBytes: count(reader, fields, 'receivedBytes'),
        error: text(reader, fields, 'error'),
      };
    default:
      if (typeof fields['type'] !== 'string') reader.fail('event.type', 'a string');
      return null;
  }
}

function readRequest(reader: Reader, fields: Fields): TapRequest {
  return {
    type: 'request',
    ...readFlow(reader, fields),
    version: text(reader, fields, 'version'),
    scheme: text(reader, fields, 'scheme'),
    method: text(reader, fields, 'method'),
    authority: text(reader, fields, 'authority'),
    path: text(reader, fields, 'path'),
    headers: readHeaders(reader, fields),
  };
}

function readEnd(reader: Reader, fields: Fields): TapEvent {
  const { grpcStatus, resetCode } = fields;
  const end = ENDS.find((known) => known === fields['end']);
  if (end === undefined) reader.fail('event.end', ENDS.join(', '));
  return {
    type: 'end',
    ...readFlow(reader, fields),
    durationUs: count(reader, fields, 'durationUs'),
    totalUs: count(reader, fields, 'totalUs'),
    status: reader.integerOf(fields, 'event', 'status', 0, 999),
    grpcStatus: grpcStatus === null ? null : count(reader, fields, 'grpcStatus'),
    requestBytes: count(reader, fields, 'requestBytes'),
    responseBytes: count(reader, fields, 'responseBytes'),
    end: end ?? 'truncated',
    resetCode: resetCode === null ? null : count(reader, fields, 'resetCode'),
    retries: count(reader, fields, 'retries'),
    error: text(reader, fields, 'error'),
  };
}

function readFlow(reader: Reader, fields: Fields): TapFlow {
  const { direction } = fields;
  if (direction !== 'inbound' && direction !== 'outbound') reader.fail('event.direction', 'inbound or outbound');
  return {
    id: count(reader, fields, 'id'),
    direction: direction === 'outbound' ? 'outbound' : 'inbound',
    src: readAddress(reader, fields['src'], 'event.src'),
    dst: readAddress(reader, fields['dst'], 'event.dst'),
    tls: text(reader, fields, 'tls'),
    route: readLabels(reader, fields['route'], 'event.route'),
  };
}

function readAddress(reader: Reader, value: unknown, path: string): TapAddress {
  const fields = reader.object(value, path);
  return {
    ip: text(reader, fields, 'ip', path),
    port: reader.integerOf(fields, path, 'port', 0, 65_535),
    identity: text(reader, fields, 'identity', path),
    labels: readLabels(reader, fields['labels'], `${path}.labels`),
  };
}

function readLabels(reader: Reader, value: unknown, path: string): Record<string, string> {
  const labels = reader.record(value, path, (label, at) => bounded(reader.text(label, at)));
  return Object.fromEntries(labels.slice(0, MAX_LABELS).map(([name, label]) => [bounded(name), label]));
}

function readHeaders(reader: Reader, fields: Fields): TapHeader[] {
  const headers = reader.list(fields['headers'], 'event.headers', (entry, at): TapHeader => {
    const [name, value] = reader.list(entry, at, (each, path) => bounded(reader.text(each, path)));
    if (name === undefined || value === undefined) reader.fail(at, 'a name and a value');
    return [name ?? '', value ?? ''];
  });
  return headers.slice(0, TAP_TEXT.headers);
}

function text(reader: Reader, fields: Fields, name: string, path = 'event'): string {
  return bounded(reader.textOf(fields, path, name));
}

function bounded(value: string): string {
  return value.slice(0, TAP_TEXT.length);
}

function count(reader: Reader, fields: Fields, name: string): number {
  return reader.integerOf(fields, 'event', name, 0, MOST);
}
