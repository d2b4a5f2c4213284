import { Server, status } from '@grpc/grpc-js';
import { FIND, LIST } from './api.ts';
import type { Counts } from './counts.ts';
import { Refusal, serve } from './rpc.ts';
import { WEAVES } from './weaves.ts';

/** The service that knows the candidates. */
export function patternsServer(counts: Counts): Server {
  const server = new Server();
  serve(server, counts, LIST, () => WEAVES);
  serve(server, counts, FIND, ({ name }) => {
    const found = WEAVES.find((pattern) => pattern.name === name);
    if (found === undefined) throw new Refusal(status.NOT_FOUND, 'no such pattern');
    return found;
  });
  return server;
}
