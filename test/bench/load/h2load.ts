import type { Bench } from '../bench.ts';
import type { Deployment } from '../contenders/deployment.ts';
import { APP_UID, type Site } from '../host/site.ts';
import type { Load } from './wrk.ts';

export interface StreamsLoad {
  connections: number;
  /** Requests in flight on each. */
  streams: number;
  path: string;
  /** As of a unary gRPC call: POST with this body and the headers of a gRPC client. Without it: GET. */
  unaryBodyFile?: string;
}

const MIN_SECONDS = 1;

/** As many requests as come back by HTTP/2 (prior knowledge), by h2load with one thread. @throws when a request failed */
export async function http2Loop(
  bench: Bench,
  site: Site,
  { url }: Pick<Deployment, 'url'>,
  load: StreamsLoad,
  durationMs: number,
): Promise<Load> {
  const seconds = Math.max(MIN_SECONDS, Math.round(durationMs / 1000));
  const { connections, streams, path, unaryBodyFile } = load;
  const unary = unaryBodyFile === undefined ? [] : ['-d', unaryBodyFile, ...UNARY_HEADERS.flatMap((h) => ['-H', h])];
  const output = await bench.programs.run({
    argv: ['h2load', '-t1', `-c${connections}`, `-m${streams}`, `-D${seconds}`, ...unary, `${url}${path}`],
    place: site.client,
    uid: APP_UID,
    timeoutMs: seconds * 1000 + 15_000,
  });
  return readH2load(output);
}

const UNARY_HEADERS = [
  'content-type: application/grpc',
  'te: trailers',
  'grpc-timeout: 10S',
  'grpc-accept-encoding: identity,deflate,gzip',
  'user-agent: grpc-bench/1.0',
];

export function readH2load(output: string): Load {
  const [total = 0, , done = 0, succeeded = 0, failed = 0, errored = 0, timedOut = 0] = numbers(output, 'requests');
  const [ok = 0, redirected = 0, refused = 0, broken = 0] = numbers(output, 'status codes');
  const requestsPerSecond = Number(/finished in .*?, ([\d.]+) req\/s/.exec(output)?.[1] ?? 0);
  if (succeeded === 0) throw new Error(`h2load got no answer:\n${output}`);
  if (failed + errored + timedOut + redirected + refused + broken > 0 || ok < succeeded) {
    throw new Error(
      `h2load: of ${total} requests ${done} done, ${failed} failed, ${errored} errored, ${timedOut} timed out; ${ok} answered 2xx, ${redirected} 3xx, ${refused} 4xx, ${broken} 5xx`,
    );
  }
  return { requests: succeeded, requestsPerSecond };
}

/** `requests: 10 total, 9 started, …` */
function numbers(output: string, line: string): number[] {
  const found = new RegExp(`^${line}: (.*)$`, 'm').exec(output)?.[1] ?? '';
  return found.split(',').map((part) => Number.parseInt(part, 10));
}
