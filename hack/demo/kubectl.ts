import { join } from 'node:path';
import { type Finished, type ShellOptions, shell, until } from './shell.ts';

export const ROOT = join(import.meta.dirname, '..', '..');
export const NAMESPACE = 'shop';

export function kubectl(args: readonly string[], options: ShellOptions = {}): Promise<Finished> {
  const context = process.env['CONTEXT'];
  return shell('kubectl', context === undefined || context === '' ? args : ['--context', context, ...args], options);
}

/** Applies files of the tree (`samples/canary/split-90-10.yaml`). */
export function applyFile(...files: string[]): Promise<Finished> {
  return kubectl(['apply', ...files.flatMap((file) => ['-f', join(ROOT, file)])]);
}

/** Deletes what files of the tree name. */
export function deleteFile(...files: string[]): Promise<Finished> {
  return kubectl(['delete', '--ignore-not-found', ...files.flatMap((file) => ['-f', join(ROOT, file)])]);
}

export function applyText(manifest: string, options: ShellOptions = {}): Promise<Finished> {
  return kubectl(['apply', '-f', '-'], { ...options, input: manifest });
}

export async function getJson<T>(...args: string[]): Promise<T> {
  return JSON.parse((await kubectl(['get', ...args, '-o', 'json'])).stdout) as T;
}

/**
 * Runs the sample application's program in a pod. `target` is a pod or `deploy/name`. In the embedded mode pods are processes, and
 * WEFT_LOCAL names its directory.
 */
export async function execApp(target: string, args: readonly string[], namespace = NAMESPACE): Promise<string> {
  const local = process.env['WEFT_LOCAL'] ?? '';
  const finished =
    local === ''
      ? await kubectl(['-n', namespace, 'exec', target, '-c', 'app', '--', 'node', '/app/main.mjs', ...args], {
          anyStatus: true,
        })
      : await shell('node', [join(ROOT, 'hack', 'local', 'exec.ts'), target, ...args], { anyStatus: true });
  if (finished.stdout === '') throw new Error(`exec in ${target}: ${finished.stderr.trim()}`);
  return finished.stdout;
}

export interface Answer {
  status: number;
  ms: number;
  proxyError?: string;
  body: string;
}

/** `count` requests from inside a pod, on one kept-alive connection. `fields`: header fields, as `name: value`. */
export async function get(
  target: string,
  url: string,
  count = 1,
  namespace = NAMESPACE,
  fields: readonly string[] = [],
): Promise<Answer[]> {
  const text = await execApp(target, ['get', url, String(count), ...fields], namespace);
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Answer);
}

export function url(service: string, path: string): string {
  return `http://${service}.${NAMESPACE}.svc.cluster.local${path}`;
}

interface Condition {
  type: string;
  status: string;
  reason: string;
  message: string;
}

export interface CustomObject {
  kind: string;
  metadata: { name: string; namespace?: string; generation: number };
  spec: Record<string, unknown>;
  status?: { observedGeneration?: number; proxies?: string; conditions?: Condition[] };
}

export function ready(object: CustomObject): Condition | null {
  if (object.status?.observedGeneration !== object.metadata.generation) return null;
  return object.status.conditions?.find((condition) => condition.type === 'Ready') ?? null;
}

/** Waits until the object's Ready condition (of its present generation) has the status; returns reason and time. */
export async function waitReady(
  resource: string,
  name: string,
  status: 'True' | 'False',
  limitMs: number,
): Promise<{ reason: string; message: string; ms: number }> {
  const found = await until(`${resource}/${name} Ready=${status}`, limitMs, async () => {
    const condition = ready(await getJson<CustomObject>(resource, name, '-n', NAMESPACE));
    return condition?.status === status ? condition : null;
  });
  return { reason: found.value.reason, message: found.value.message, ms: found.ms };
}

/** Waits until every connected proxy that uses the object has acknowledged it (`status.proxies` is n/n of this generation). */
export async function waitProgrammed(
  resource: string,
  name: string,
  limitMs: number,
  namespace = NAMESPACE,
): Promise<number> {
  const found = await until(`${resource}/${name} followed by all proxies`, limitMs, async () => {
    const object = await getJson<CustomObject>(resource, name, '-n', namespace);
    const [current, all] = (object.status?.proxies ?? '').split('/');
    return ready(object) !== null && all !== undefined && all !== '0' && current === all ? true : null;
  });
  return found.ms;
}

export async function rollout(namespace: string, ...workloads: string[]): Promise<void> {
  for (const workload of workloads) {
    await kubectl(['-n', namespace, 'rollout', 'status', workload, '--timeout=180s'], { timeoutMs: 190_000 });
  }
}
