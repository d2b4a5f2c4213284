import { execApp, kubectl, NAMESPACE } from './kubectl.ts';

export interface Phase {
  sent: number;
  finished: number;
  statuses: Record<string, number>;
  versions: Record<string, number>;
  /** By the version that answered; `none`: the application did not. */
  failedVersions: Record<string, number>;
  errors: Record<string, number>;
  examples: string[];
  firstSeenMs: Record<string, number>;
  lastSeenMs: Record<string, number>;
  latencyMs: { p50: number; p99: number; max: number };
}

/** A pod or workload that runs the traffic generator. */
export interface Generator {
  target: string;
  namespace: string;
}

export const TRAFFIC: Generator = { target: 'deploy/traffic', namespace: NAMESPACE };

export async function control<T>(path: string, body: object, at: Generator = TRAFFIC): Promise<T> {
  return JSON.parse(await execApp(at.target, ['ctl', 'POST', path, JSON.stringify(body)], at.namespace)) as T;
}

/** A named load of the traffic generator in the cluster. */
export class LoadControl {
  readonly name: string;
  readonly #at: Generator;

  constructor(name: string, at: Generator = TRAFFIC) {
    this.name = name;
    this.#at = at;
  }

  start(options: { url: string; rps: number; phase: string; connections?: number; fresh?: boolean }): Promise<unknown> {
    return control('/start', { name: this.name, ...options }, this.#at);
  }

  phase(phase: string): Promise<unknown> {
    return control('/phase', { name: this.name, phase }, this.#at);
  }

  report(): Promise<Record<string, Phase>> {
    return control('/report', { name: this.name }, this.#at);
  }

  stop(): Promise<Record<string, Phase>> {
    return control('/stop', { name: this.name }, this.#at);
  }
}

export function openStream(name: string, host: string, port: number): Promise<unknown> {
  return control('/tcp', { name, host, port });
}

export function streams(): Promise<Record<string, { open: boolean; echoedBytes: number; closedAtMs: number }>> {
  return control('/streams', {});
}

/** Requests that got no complete answer, or one of 500 and more. */
export function failures(phase: Phase): number {
  const bad = Object.entries(phase.statuses).filter(([status]) => Number(status) >= 500 || Number(status) === 0);
  const unanswered = phase.sent - phase.finished;
  return sum(bad.map(([, count]) => count)) + sum(Object.values(phase.errors)) + unanswered;
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Requests of a phase that reached the pods of a Deployment (by label), counted by those pods themselves. */
export async function counted(selector: string, phase: string, namespace = NAMESPACE): Promise<number> {
  return sum(await countedByPod(selector, phase, namespace));
}

/** The same of each pod by itself. */
export async function countedByPod(selector: string, phase: string, namespace = NAMESPACE): Promise<number[]> {
  const list = await kubectl([
    '-n',
    namespace,
    'get',
    'pods',
    '-l',
    selector,
    '-o',
    'jsonpath={.items[*].metadata.name}',
  ]);
  const pods = list.stdout.split(' ').filter((name) => name !== '');
  return Promise.all(
    pods.map(async (pod) => {
      const line = JSON.parse(await execApp(pod, ['get', 'http://127.0.0.1:8080/counts'], namespace)) as {
        body: string;
      };
      const report = JSON.parse(line.body) as Record<string, { requests: number }>;
      return report[phase]?.requests ?? 0;
    }),
  );
}
