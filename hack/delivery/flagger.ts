import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../apiserver/process.ts';
import { kubectl } from '../demo/kubectl.ts';
import { until } from '../demo/shell.ts';
import { LocalProcess } from '../local/process.ts';
import { flaggerManifests } from './definitions.ts';

const READY_MS = 30_000;
const STOP_MS = 10_000;
/** Of the ServiceAccount in its manifest. */
const ACCOUNT = { name: 'flagger', namespace: 'default' };

/** The program. @throws when it cannot be built */
function built(): string {
  return execFileSync(join(import.meta.dirname, 'flagger-build'), { encoding: 'utf8' }).trim();
}

export interface FlaggerOptions {
  /** Where it keeps its kubeconfig and log. */
  directory: string;
  /** URL of the Prometheus that it asks. */
  metricsServer: string;
}

/** The real Flagger as a process, with the rights of its own ServiceAccount and no others. */
export class Flagger {
  readonly log: string;
  readonly #process: LocalProcess;

  private constructor(log: string, process: LocalProcess) {
    this.log = log;
    this.#process = process;
  }

  /** Creates its definitions and rights from its own manifests, and starts it. */
  static async start({ directory, metricsServer }: FlaggerOptions): Promise<Flagger> {
    const { definitions, account } = await flaggerManifests();
    await kubectl(['apply', '-f', definitions, '-f', account]);
    await kubectl(['wait', '--for=condition=Established', '--timeout=30s', '-f', definitions]);
    const kubeconfig = join(directory, 'flagger.kubeconfig');
    writeFileSync(kubeconfig, await kubeconfigOfAccount(), { mode: 0o600 });
    const port = await freePort();
    const log = join(directory, 'flagger.log');
    const process = new LocalProcess({
      command: built(),
      args: [
        `-kubeconfig=${kubeconfig}`,
        '-mesh-provider=linkerd',
        `-metrics-server=${metricsServer}`,
        '-control-loop-interval=1s',
        `-port=${port}`,
      ],
      env: {},
      log,
      cwd: directory,
    });
    await until('Flagger is ready', READY_MS, async () => {
      if (process.exitCode !== null) throw new Error(`flagger ended: ${log}`);
      const answer = await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => null);
      return answer?.status === 200 ? true : null;
    });
    return new Flagger(log, process);
  }

  /** What it has told of a Canary so far, in order. */
  messages(canary: string): string[] {
    const lines = readFileSync(this.log, 'utf8').split('\n');
    return lines.flatMap((line) => {
      const entry = parsed(line);
      return entry?.canary === canary && entry.msg !== undefined ? [entry.msg] : [];
    });
  }

  stop(): Promise<void> {
    return this.#process.stop(STOP_MS);
  }

  /** Takes its definitions and rights away again, with every Canary that is left. */
  static async remove(): Promise<void> {
    const { definitions, account } = await flaggerManifests();
    await kubectl(['delete', '--ignore-not-found', '--timeout=60s', '-f', definitions, '-f', account]);
  }
}

function parsed(line: string): { canary?: string; msg?: string } | null {
  try {
    return JSON.parse(line) as { canary?: string; msg?: string };
  } catch {
    return null;
  }
}

async function kubeconfigOfAccount(): Promise<string> {
  const { name, namespace } = ACCOUNT;
  const token = (await kubectl(['-n', namespace, 'create', 'token', name, '--duration=1h'])).stdout.trim();
  const { stdout } = await kubectl(['config', 'view', '--raw', '--minify', '--flatten', '-o', 'json']);
  const { clusters } = JSON.parse(stdout) as { clusters: { name: string }[] };
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters,
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: clusters[0]?.name, user: name } }],
    'current-context': name,
  });
}
