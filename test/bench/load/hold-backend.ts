/**
 * An application whose answers to /hold wait until COUNT of them are asked for, or for ten seconds: so many requests are then in flight at
 * once. Everything else is answered at once. Arguments: HOST PORT COUNT
 */
import { createServer, type Socket } from 'node:net';

const [host, port, count] = process.argv.slice(2);
const HOLD_MS = 10_000;
const ANSWER = `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1024\r\n\r\n${'x'.repeat(1024)}`;

let waiting: Socket[] = [];
let timer: NodeJS.Timeout | undefined;

function release(): void {
  clearTimeout(timer);
  timer = undefined;
  for (const socket of waiting) socket.write(ANSWER);
  waiting = [];
}

function answer(socket: Socket, head: string): void {
  if (!head.startsWith('GET /hold ')) return void socket.write(ANSWER);
  waiting.push(socket);
  if (waiting.length >= Number(count)) release();
  else timer ??= setTimeout(release, HOLD_MS);
}

const server = createServer({ noDelay: true }, (socket) => {
  let unread = '';
  socket.on('error', () => {});
  socket.on('data', (chunk: Buffer) => {
    unread += chunk.toString('latin1');
    for (let end = unread.indexOf('\r\n\r\n'); end >= 0; end = unread.indexOf('\r\n\r\n')) {
      answer(socket, unread.slice(0, end));
      unread = unread.slice(end + 4);
    }
  });
});
server.listen({ port: Number(port), host, backlog: 4096 });
