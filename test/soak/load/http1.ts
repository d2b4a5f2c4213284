import { Agent, type IncomingMessage, request } from 'node:http';
import type { Kind } from '../tally.ts';
import { type Load, type LoadContext, REQUEST_TIMEOUT_MS, Repeating, reasonOf } from './load.ts';

/** Requests on kept connections: 140 small ones a second, 14 with a chunked body, a large answer every two seconds. */
const SMALL_MS = 7;
const CHUNKED_MS = 70;
const LARGE_MS = 2000;
const LARGE_BYTES = 4 * 1024 * 1024;
const CONNECTIONS = 8;

interface Wish {
  kind: Kind;
  method: 'GET' | 'POST';
  path: string;
  parts: readonly Buffer[];
  status: number;
  /** Of the answer's body. */
  bytes: number;
}

export function startHttp1({ targets, tally }: LoadContext): Load {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  let count = 0;
  const send = async (wish: Wish): Promise<void> => {
    const problem = await problemOf(wish, agent, targets.http).catch(reasonOf);
    if (problem === null) tally.ok(wish.kind);
    else tally.fail(wish.kind, problem);
  };
  const loads = [
    new Repeating(SMALL_MS, () => send(small(count++))),
    new Repeating(CHUNKED_MS, () => send(chunked(count++))),
    new Repeating(LARGE_MS, () => send(large())),
  ];
  return {
    async stop() {
      await Promise.all(loads.map((load) => load.stop()));
      agent.destroy();
    },
  };
}

function small(count: number): Wish {
  // An application's own error is passed on, and no failure.
  if (count % 20 === 0) return { kind: 'http1', method: 'GET', path: '/status/404', parts: [], status: 404, bytes: 0 };
  const path = `/items/${count}`;
  return { kind: 'http1', method: 'GET', path, parts: [], status: 200, bytes: `you are at ${path}\n`.length };
}

function chunked(count: number): Wish {
  const parts = Array.from({ length: 1 + (count % 7) }, (_, i) =>
    Buffer.alloc(1 + ((count * 997 + i * 8191) % 9000), 'c'),
  );
  const bytes = parts.reduce((total, part) => total + part.length, 0);
  return { kind: 'http1 chunked', method: 'POST', path: '/echo', parts, status: 200, bytes };
}

function large(): Wish {
  return {
    kind: 'http1 large',
    method: 'GET',
    path: `/large/${LARGE_BYTES}`,
    parts: [],
    status: 200,
    bytes: LARGE_BYTES,
  };
}

/** What is wrong with the answer; `null` = nothing. Rejects when there is none. */
function problemOf(wish: Wish, agent: Agent, { host, port }: { host: string; port: number }): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const options = { host, port, agent, method: wish.method, path: wish.path, timeout: REQUEST_TIMEOUT_MS };
    const outgoing = request(options, (response) => {
      countBytes(response).then((bytes) => resolve(judge(wish, response, bytes)), reject);
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer in time')));
    outgoing.on('error', reject);
    for (const part of wish.parts) outgoing.write(part);
    outgoing.end();
  });
}

function countBytes(response: IncomingMessage): Promise<number> {
  return new Promise((resolve, reject) => {
    let bytes = 0;
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    response.on('end', () => resolve(bytes)).on('error', reject);
    response.on('close', () => reject(new Error(`the answer broke off after ${bytes} bytes`)));
  });
}

function judge(wish: Wish, response: IncomingMessage, bytes: number): string | null {
  const why = response.headers['l5d-proxy-error'];
  if (response.statusCode !== wish.status)
    return `status ${response.statusCode}${why === undefined ? '' : `: ${String(why)}`}`;
  return bytes === wish.bytes ? null : `${bytes} bytes instead of ${wish.bytes}`;
}
