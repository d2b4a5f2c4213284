import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Bench } from '../bench.ts';
import { listens } from '../contenders/deployment.ts';
import { APP_PORT, type Pod, type Site } from '../host/site.ts';
import type { TcpAnswer } from './tcp-load-types.ts';

const BUN = realpathSync(fileURLToPath(new URL('../../../node_modules/.bin/bun', import.meta.url)));

const program = (name: string) => fileURLToPath(new URL(`./${name}`, import.meta.url));

/** An application that swallows bytes and counts them. */
export async function startSink(bench: Bench, pod: Pod): Promise<void> {
  const log = join(bench.directory, 'sink.log');
  const argv = [BUN, program('tcp-sink.ts'), pod.ip, String(APP_PORT)];
  const sink = bench.programs.start('sink', { argv, place: pod, log });
  await sink.waitUntil(async () => listens(sink.pid, APP_PORT), 5_000);
}

/** As many bytes as get through one connection. */
export async function sendBytes(bench: Bench, site: Site, url: string, durationMs: number): Promise<TcpAnswer> {
  const output = await bench.programs.run({
    argv: [BUN, program('tcp-source.ts'), url, String(durationMs)],
    place: site.client,
    timeoutMs: durationMs + 15_000,
  });
  return JSON.parse(output) as TcpAnswer;
}
