import { LOG_LEVELS, type LogLevel } from '../../contract/log-levels.ts';
import { METRICS_CONTENT_TYPE } from '../telemetry/text-writer.ts';
import type { Readiness } from './readiness.ts';

/** One request to the admin port, as the HTTP/1 codec delivers it: the admin port has no server of its own. */
export interface AdminRequest {
  method: string;
  /** Request target in origin form. */
  target: string;
  /** The Host header; empty = none. */
  host: string;
  /** The connection's remote address is loopback. */
  fromLoopback: boolean;
  /** At most `ADMIN_BODY_BYTES`, as text. */
  body: string;
}

export interface AdminResponse {
  status: number;
  /** Lower-case names; `content-length` is the codec's to add. */
  headers: readonly (readonly [name: string, value: string])[];
  body: string;
}

/** Larger bodies are answered with 413 by the codec without reading on: the only body is a log level. */
export const ADMIN_BODY_BYTES = 1024;

export type AdminHandler = (request: AdminRequest) => AdminResponse;

export interface AdminOptions {
  readiness: Readiness;
  metrics(): string;
  log: { level: LogLevel };
  /** Off by default (CVE-2024-40632: an application was tricked into calling it). */
  shutdownEnabled: boolean;
  /** Starts the drain. The answer is still sent: it is in flight like any other. */
  shutdown(): void;
}

const TEXT: AdminResponse['headers'] = [['content-type', 'text/plain; charset=utf-8']];

/** A verb of the admin port. */
interface Verb {
  readonly methods: readonly string[];
  /** What the kubelet asks the proxy's own container for: open to everybody, whatever a Server says of the admin port. */
  readonly probe: boolean;
  /** Answers loopback only, under a loopback name: a page in a browser or a request forged inside the application has another Host. */
  readonly guarded: boolean;
  respond(options: AdminOptions, request: AdminRequest): AdminResponse;
}

/** Linkerd's paths (proxy admin server), without `/env.json`, which tells anybody the proxy's environment. */
const VERBS: Readonly<Record<string, Verb>> = {
  '/live': { methods: ['GET', 'HEAD'], probe: true, guarded: false, respond: () => text(200, 'live\n') },
  '/ready': { methods: ['GET', 'HEAD'], probe: true, guarded: false, respond: ready },
  '/metrics': { methods: ['GET', 'HEAD'], probe: false, guarded: false, respond: metrics },
  '/proxy-log-level': { methods: ['GET', 'PUT'], probe: false, guarded: true, respond: logLevel },
  '/shutdown': { methods: ['POST'], probe: false, guarded: true, respond: shutdown },
};

/** A probe of the proxy's own container. */
export function isAdminProbe(method: string, target: string): boolean {
  const verb = Object.hasOwn(VERBS, target) ? VERBS[target] : undefined;
  return verb?.probe === true && verb.methods.includes(method);
}

/** The answer to who may not read the admin port. */
export const ADMIN_FORBIDDEN: AdminResponse = text(403, 'not authorized by the Server of this port\n');
export const ADMIN_NO_ROUTE: AdminResponse = text(404, 'no route of the Server of this port matches the request\n');

export function createAdminHandler(options: AdminOptions): AdminHandler {
  return (request) => {
    const response = answer(options, request);
    return request.method === 'HEAD' ? { ...response, body: '' } : response;
  };
}

function answer(options: AdminOptions, request: AdminRequest): AdminResponse {
  const path = request.target.split('?', 1)[0]!;
  const verb = Object.hasOwn(VERBS, path) ? VERBS[path] : undefined;
  if (verb === undefined || (path === '/shutdown' && !options.shutdownEnabled)) return text(404, 'not found\n');
  if (verb.guarded && !isLocal(request)) return text(403, 'only from loopback\n');
  if (!verb.methods.includes(request.method)) {
    return { status: 405, headers: [...TEXT, ['allow', verb.methods.join(', ')]], body: 'method not allowed\n' };
  }
  return verb.respond(options, request);
}

/** From loopback, and asked for by a name that only loopback has. */
function isLocal({ fromLoopback, host }: AdminRequest): boolean {
  return fromLoopback && /^(localhost|127(\.[0-9]{1,3}){3}|\[::1\])(:[0-9]{1,5})?$/i.test(host);
}

function ready({ readiness }: AdminOptions): AdminResponse {
  return text(readiness.ready ? 200 : 503, `${readiness.reason}\n`);
}

function metrics(options: AdminOptions): AdminResponse {
  return { status: 200, headers: [['content-type', METRICS_CONTENT_TYPE]], body: options.metrics() };
}

function logLevel({ log }: AdminOptions, { method, body }: AdminRequest): AdminResponse {
  if (method === 'GET') return text(200, `${log.level}\n`);
  const level = LOG_LEVELS.find((known) => known === body.trim().toLowerCase());
  if (level === undefined) return text(400, `expected one of ${LOG_LEVELS.join(', ')}\n`);
  log.level = level;
  return { status: 204, headers: [], body: '' };
}

function shutdown(options: AdminOptions): AdminResponse {
  options.shutdown();
  return text(200, 'shutting down\n');
}

function text(status: number, body: string): AdminResponse {
  return { status, headers: TEXT, body };
}
