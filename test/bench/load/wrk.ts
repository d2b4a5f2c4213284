import { PROXY_UID } from '../../../proxy-image/contract/ports.ts';
import type { Bench } from '../bench.ts';
import type { Deployment } from '../contenders/deployment.ts';
import { APP_UID, type Site } from '../host/site.ts';

export interface Load {
  requests: number;
  requestsPerSecond: number;
}

const MIN_SECONDS = 1;

/** As many requests as come back, by wrk with one thread. @throws when a request failed: a proxy that answers errors is fast */
export async function closedLoop(
  bench: Bench,
  site: Site,
  deployment: Pick<Deployment, 'url' | 'asProxyUser'>,
  options: {
    connections: number;
    durationMs: number;
    path: string;
    script?: { file: string; args: readonly string[] };
  },
): Promise<Load> {
  const seconds = Math.max(MIN_SECONDS, Math.round(options.durationMs / 1000));
  const { script } = options;
  const output = await bench.programs.run({
    argv: [
      'wrk',
      '-t1',
      `-c${options.connections}`,
      `-d${seconds}s`,
      '--timeout',
      '5s',
      ...(script === undefined ? [] : ['-s', script.file]),
      `${deployment.url}${options.path}`,
      ...(script === undefined ? [] : ['--', ...script.args]),
    ],
    place: site.client,
    uid: deployment.asProxyUser ? PROXY_UID : APP_UID,
    timeoutMs: seconds * 1000 + 15_000,
  });
  return readOutput(output);
}

export function readOutput(output: string): Load {
  const requests = Number(/(\d+) requests in/.exec(output)?.[1] ?? 0);
  const requestsPerSecond = Number(/Requests\/sec:\s+([\d.]+)/.exec(output)?.[1] ?? 0);
  const failures = /Non-2xx or 3xx responses: .*|Socket errors: .*/.exec(output)?.[0];
  if (failures !== undefined) throw new Error(`wrk: ${failures}`);
  if (requests === 0) throw new Error(`wrk got no answer:\n${output}`);
  return { requests, requestsPerSecond };
}
