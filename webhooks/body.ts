import type { IncomingMessage } from 'node:http';
import { ControlPlaneError } from '../proxy-image/contract/control-plane-errors.ts';
import type { CodedError } from '../proxy-image/contract/errors.ts';

/** As Linkerd's webhooks; an API server itself takes no object above 3 MB. */
export const MAX_BODY_BYTES = 10 * 1024 * 1024;

/**
 * The body of a request. Slow senders are the server's business (`requestTimeout`).
 * Rejects with WEFT_WEBHOOK_LIMIT as soon as it is known to be too long, and with the socket's error when it ends early.
 */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) throw tooLong();
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > MAX_BODY_BYTES) throw tooLong();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, sizeBytes);
}

function tooLong(): CodedError {
  return new ControlPlaneError('WEFT_WEBHOOK_LIMIT', `more than ${MAX_BODY_BYTES} bytes of body`);
}
