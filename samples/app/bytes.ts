import type { ServerResponse } from 'node:http';

const CHUNK = Buffer.alloc(64 * 1024, 'x');
const MAX_SIZE_BYTES = 256 * 1024 * 1024;

/** An answer of `sizeBytes` bytes, written as fast as its reader takes it. */
export function sendBytes(response: ServerResponse, sizeBytes: number): void {
  const size = Math.min(MAX_SIZE_BYTES, Math.max(0, Math.floor(sizeBytes) || 0));
  let left = size;
  const write = (): void => {
    while (left > 0) {
      const chunk = left >= CHUNK.length ? CHUNK : CHUNK.subarray(0, left);
      left -= chunk.length;
      if (!response.write(chunk)) return;
    }
    response.end();
  };
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': size });
  response.on('drain', write);
  write();
}
