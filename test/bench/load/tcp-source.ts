/**
 * Under Bun. Writes zeros over one connection, 256 KB at a time, for DURATION milliseconds, then one byte that is not zero, and waits until
 * the other side has said how much arrived. Arguments: URL DURATION. Writes JSON.
 */
import { type BunSocket, bunRuntime } from '../../../proxy-image/io/transport/bun-api.ts';
import { WRITE_BYTES } from './tcp-load-types.ts';

const url = new URL(process.argv[2] ?? '');
const durationMs = Number(process.argv[3]);
const chunk = Buffer.alloc(WRITE_BYTES);
const END = Buffer.from([1]);
let unsent = 0;
let startMs = 0;
let ended = false;
let answer = '';

function send(socket: BunSocket): void {
  while (unsent > 0 || performance.now() - startMs < durationMs) {
    const rest = unsent === 0 ? WRITE_BYTES : unsent;
    const written = socket.write(chunk, WRITE_BYTES - rest, rest);
    if (written < 0) fail('closed');
    unsent = rest - written;
    if (unsent > 0) return;
  }
  ended = socket.write(END, 0, 1) === 1;
}

function fail(reason: string): never {
  console.error(reason);
  process.exit(1);
}

await bunRuntime()?.connect({
  hostname: url.hostname,
  port: Number(url.port || 80),
  allowHalfOpen: false,
  socket: {
    open: (socket) => {
      startMs = performance.now();
      send(socket);
    },
    drain: (socket) => {
      if (!ended) send(socket);
    },
    data: (_, part) => {
      answer += part.toString('latin1');
      if (!answer.endsWith('\n')) return;
      console.log(JSON.stringify({ bytes: Number(answer), elapsedMs: performance.now() - startMs }));
      process.exit(0);
    },
    close: () => fail('closed before the answer'),
    connectError: (_, error) => fail(error.message),
    error: (_, error) => fail(error.message),
  },
});
