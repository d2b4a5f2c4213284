import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ApiFailure, retryAfterSeconds, statusObject } from './status.ts';

/** Sends it whole; a client that does not take it in time is cut off. */
export function send(
  response: ServerResponse,
  status: number,
  contentType: string,
  body: string,
  takeMs: number,
): void {
  if (response.headersSent || response.destroyed) return;
  cutOff(response, takeMs);
  // What a user may see is no other user's: nothing on the way keeps it.
  const headers = {
    'content-type': contentType,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-cache, private',
  };
  response.writeHead(status, headers).end(body);
}

export function sendFailure(response: ServerResponse, failure: ApiFailure, takeMs: number): void {
  const seconds = retryAfterSeconds(failure.status);
  if (seconds !== null) response.setHeader('retry-after', seconds);
  send(response, failure.status, 'application/json', JSON.stringify(statusObject(failure)), takeMs);
}

/** Sends what comes as it comes, no faster than the client takes it. Resolves at the end, or when `signal` aborts. */
export async function sendChunks(
  response: ServerResponse,
  contentType: string,
  chunks: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
  takeMs: number,
): Promise<void> {
  response.writeHead(200, { 'content-type': contentType, 'cache-control': 'no-cache, private' });
  response.flushHeaders();
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    if (signal.aborted) reject(signal.reason);
  });
  aborted.catch(() => undefined);
  const source = chunks[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await Promise.race([source.next(), aborted]);
      if (next.done === true) break;
      if (response.write(next.value)) continue;
      const late = AbortSignal.timeout(takeMs);
      await once(response, 'drain', { signal: AbortSignal.any([signal, late]) });
    }
    response.end();
  } catch (error) {
    // One that has left needs no end; one that is too slow, or whose source fails, must not take what came so far for the whole.
    if (signal.aborted && !response.destroyed) response.end();
    else response.destroy();
    if (!signal.aborted) throw error;
  } finally {
    // Not waited for: it may hang for as long as what it waits for.
    void Promise.resolve(source.return?.()).catch(() => undefined);
  }
}

function cutOff(response: ServerResponse, takeMs: number): void {
  const timer = setTimeout(() => response.destroy(), takeMs);
  response.once('close', () => clearTimeout(timer));
}

/** `null` as soon as it is known to be longer. Slow senders are the server's business. */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer | null> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) return null;
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > maxBytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, sizeBytes);
}
