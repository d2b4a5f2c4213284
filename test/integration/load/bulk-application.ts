import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Run by Node: answers `GET /<bytes>` with so many, as fast as they are taken. Says on which port it listens. */
const BLOCK = Buffer.alloc(64 * 1024, 'a');
/** All downloads of a test may connect within one turn of the loop. */
const BACKLOG = 4096;

const server = createServer((request, response) => {
  let left = Number(request.url?.slice(1));
  response.writeHead(200, { 'content-length': left });
  const go = (): void => {
    while (left > 0) {
      const block = left < BLOCK.length ? BLOCK.subarray(0, left) : BLOCK;
      left -= block.length;
      if (!response.write(block) && left > 0) {
        response.once('drain', go);
        return;
      }
    }
    response.end();
  };
  go();
});
server.listen(0, '127.0.0.1', BACKLOG, () => console.log((server.address() as AddressInfo).port));
process.stdin.on('end', () => process.exit(0)).resume();
