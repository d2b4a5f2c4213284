import { toSafeJson } from './log.ts';

/** One inbound request, complete (linkerd2-proxy: http access log). */
export interface AccessLogEntry {
  /** `address:port` of the client. */
  clientAddr: string;
  /** TLS identity; `null` = none. */
  clientId: string | null;
  /** Unix time when the request head arrived, milliseconds. */
  wallMs: number;
  method: string;
  uri: string;
  /** `HTTP/1.1` */
  version: string;
  host: string;
  userAgent: string;
  /** First of x-b3-traceid, x-request-id, x-amzn-trace-id; empty = none. */
  traceId: string;
  requestBytes: number;
  status: number;
  /** -1 = none. */
  grpcStatus: number;
  responseBytes: number;
  /** From the request head to the end of the response, nanoseconds. */
  totalNs: number;
  /** The part of it that the proxy took. */
  processingNs: number;
}

export type AccessLogFormat = 'apache' | 'json';

/** Written at once from this size on; between, `flush` writes what there is (a shared timer, and the end of the process). */
const FLUSH_CHARACTERS = 16 * 1024;
/** Longest part of a line that a client chose: the target of a request may have 64 KiB. */
const MAX_PART_LENGTH = 4096;

/** Collects lines and writes them in blocks. Off by default in the proxy: then nobody makes one. */
export class AccessLog {
  readonly #format: AccessLogFormat;
  readonly #write: (block: string) => void;
  #buffer = '';

  constructor(format: AccessLogFormat, write: (block: string) => void) {
    this.#format = format;
    this.#write = write;
  }

  record(entry: AccessLogEntry): void {
    this.#buffer += this.#format === 'apache' ? apacheLine(entry) : jsonLine(entry);
    if (this.#buffer.length >= FLUSH_CHARACTERS) this.flush();
  }

  flush(): void {
    if (this.#buffer === '') return;
    const block = this.#buffer;
    this.#buffer = '';
    this.#write(block);
  }
}

/** `addr id - [time] "METHOD URI VERSION" status` */
function apacheLine(entry: AccessLogEntry): string {
  const request = `${quoted(entry.method)} ${quoted(entry.uri)} ${entry.version}`;
  return `${entry.clientAddr} ${quoted(entry.clientId ?? '-')} - [${timestamp(entry.wallMs)}] "${request}" ${entry.status}\n`;
}

/** Keys, their order and which numbers are strings: as linkerd2-proxy writes them. `grpc_status` is ours, where there is one: all calls have status 200. */
function jsonLine(entry: AccessLogEntry): string {
  const line = {
    'client.addr': entry.clientAddr,
    'client.id': entry.clientId ?? '-',
    timestamp: timestamp(entry.wallMs),
    method: entry.method,
    uri: bounded(entry.uri),
    version: entry.version,
    trace_id: bounded(entry.traceId),
    request_bytes: String(entry.requestBytes),
    status: entry.status,
    response_bytes: String(entry.responseBytes),
    total_ns: String(Math.round(entry.totalNs)),
    processing_ns: String(Math.round(entry.processingNs)),
    user_agent: bounded(entry.userAgent),
    host: bounded(entry.host),
    ...(entry.grpcStatus < 0 ? {} : { grpc_status: entry.grpcStatus }),
  };
  return `${toSafeJson(line)}\n`;
}

/** RFC 3339 with nine digits. */
function timestamp(wallMs: number): string {
  const nanoseconds = Math.floor((wallMs - Math.floor(wallMs)) * 1e6);
  return new Date(Math.floor(wallMs)).toISOString().replace('Z', `${String(nanoseconds).padStart(6, '0')}Z`);
}

function bounded(text: string): string {
  return text.length > MAX_PART_LENGTH ? text.slice(0, MAX_PART_LENGTH) : text;
}

/** Quotes, backslashes and control characters as Apache writes them, so that a client cannot forge a line or a field. */
function quoted(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
  return bounded(text).replace(/["\\\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, escaped);
}

function escaped(char: string): string {
  if (char === '"' || char === '\\') return `\\${char}`;
  const code = char.charCodeAt(0);
  return code > 0xff ? `\\u${code.toString(16)}` : `\\x${code.toString(16).padStart(2, '0')}`;
}
