/**
 * Opens COUNT connections at once and asks for URL on each; ends when every one has been answered, and closes them all.
 * Arguments: URL COUNT. Writes how many were answered with 200.
 */
import { connect } from 'node:net';

const url = new URL(process.argv[2] ?? '');
const count = Number(process.argv[3]);
const TIMEOUT_MS = 30_000;

function ask(): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: url.hostname, port: Number(url.port || 80) });
    let received = '';
    const finish = (answered: boolean) => {
      clearTimeout(timer);
      resolve(answered);
    };
    const timer = setTimeout(() => finish(false), TIMEOUT_MS);
    socket.on('error', () => finish(false));
    socket.on('close', () => finish(false));
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1');
      if (received.startsWith('HTTP/1.1 200 ') && received.length > 1024) finish(true);
    });
    socket.write(`GET ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\n\r\n`);
  });
}

const answered = await Promise.all(Array.from({ length: count }, ask));
console.log(answered.filter((yes) => yes).length);
process.exit(0);
