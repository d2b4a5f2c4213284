import { join } from 'node:path';
import type { Bench } from '../bench.ts';
import type { Program } from '../host/programs.ts';
import { APP_PORT, APP_UID, type Pod } from '../host/site.ts';
import { listens } from './deployment.ts';
import { fillTemplate } from './templates.ts';

export const SMALL_BYTES = 128;
export const SMALL_PATH = '/';
export const KILOBYTE_PATH = '/1k';
/** Answers like a unary gRPC method: a body, and the status in the trailer. */
export const GRPC_PATH = '/grpc.bench.Greeter/Hello';

/** The application of a pod: nginx with constant answers, by HTTP/1.1 or (as `http2`, prior knowledge) only by HTTP/2. */
export async function startBackend(bench: Bench, pod: Pod, protocol: 'http1' | 'http2' = 'http1'): Promise<Program> {
  const folder = bench.folder('backend', APP_UID);
  const text = fillTemplate('backend.conf', {
    DIRECTORY: folder,
    LISTEN: `${pod.ip}:${APP_PORT}${protocol === 'http2' ? ' http2' : ''}`,
    SMALL: 'x'.repeat(SMALL_BYTES),
    KILOBYTE: 'x'.repeat(1024),
  });
  const program = bench.programs.start('backend', {
    argv: ['nginx', '-c', bench.file(folder, 'backend.conf', text, APP_UID)],
    place: pod,
    uid: APP_UID,
    log: join(folder, 'log'),
  });
  await program.waitUntil(async () => listens(program.pid, APP_PORT), 5_000);
  return program;
}
