/**
 * The embedded mode: a real API server, the operator with its webhooks, and the sample application's processes with a proxy each, as an
 * ordinary user. No containers and no redirection: each proxy has explicit listeners.
 *
 *   main.ts            up until Ctrl-C
 *   main.ts --demo     up, the demonstration, down; exit status 0 when every check holds
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import ora from 'ora';
import { shell, until } from '../demo/shell.ts';
import { LocalApi } from './api.ts';
import { startControlPlane } from './control-plane.ts';
import { LocalKubelet } from './kubelet.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const NODE = join(ROOT, 'node_modules', '.bin', 'node');
const BUN = join(ROOT, 'node_modules', '.bin', 'bun');
const PODS_READY_MS = 60_000;

async function phase<T>(text: string, work: () => Promise<T>): Promise<T> {
  const spinner = ora({ text, stream: process.stdout }).start();
  try {
    const value = await work();
    spinner.succeed(text);
    return value;
  } catch (error) {
    spinner.fail(text);
    throw error;
  }
}

async function waitForPods(kubectl: string, kubeconfig: string): Promise<void> {
  const args = ['--kubeconfig', kubeconfig, '-n', 'shop', 'get', 'deployments', '-o', 'json'];
  await until('the sample application', PODS_READY_MS, async () => {
    const list = JSON.parse((await shell(kubectl, args)).stdout) as {
      items: { spec: { replicas: number }; status: { readyReplicas?: number } }[];
    };
    const good = list.items.filter((item) => item.status.readyReplicas === item.spec.replicas);
    return list.items.length > 0 && good.length === list.items.length ? true : null;
  });
}

function hint(kubeconfig: string, kubectl: string, directory: string): string {
  return [
    '',
    'The mesh is up. In another terminal:',
    `  export KUBECONFIG=${kubeconfig} WEFT_LOCAL=${directory} PATH=${dirname(kubectl)}:$PATH`,
    '  kubectl apply -f samples/canary/split-50-50.yaml',
    '  node hack/local/exec.ts deploy/traffic get http://catalog.shop.svc.cluster.local/item 10',
    `Logs: ${directory}. Ctrl-C ends everything.`,
  ].join('\n');
}

function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });
}

async function main(): Promise<number> {
  const demo = process.argv.includes('--demo');
  const directory = mkdtempSync(join(tmpdir(), 'weft-local-'));
  const plane = await phase('API server and operator', () => startControlPlane(ROOT, directory, NODE));
  const { configPort, identityPort } = plane;
  const settings = {
    root: ROOT,
    directory,
    nodePath: NODE,
    bunPath: BUN,
    controlHost: '127.0.0.1',
    configPort,
    identityPort,
  };
  const kubelet = new LocalKubelet(new LocalApi(plane.api.kubeconfigPath), settings);
  try {
    await kubelet.start();
    await phase('sample application', async () => {
      const manifest = join(ROOT, 'samples', 'app', 'manifests', 'app.yaml');
      const mesh = join(import.meta.dirname, 'mesh.yaml');
      await shell(plane.api.kubectlPath, [
        '--kubeconfig',
        plane.api.kubeconfigPath,
        'apply',
        '-f',
        mesh,
        '-f',
        manifest,
      ]);
      await waitForPods(plane.api.kubectlPath, plane.api.kubeconfigPath);
    });
    console.log(hint(plane.api.kubeconfigPath, plane.api.kubectlPath, directory));
    if (!demo) {
      await interrupted();
      return 0;
    }
    const env = { ...process.env, KUBECONFIG: plane.api.kubeconfigPath, WEFT_LOCAL: directory };
    const path = `${dirname(plane.api.kubectlPath)}:${dirname(NODE)}:${process.env['PATH'] ?? ''}`;
    return await runDemo({ ...env, PATH: path });
  } finally {
    await kubelet.stop();
    await plane.stop();
    if (demo && process.exitCode === 0) rmSync(directory, { recursive: true, force: true });
  }
}

/** In a process of its own, so that it sees the environment that a user's terminal would have. */
async function runDemo(env: NodeJS.ProcessEnv): Promise<number> {
  const { spawn } = await import('node:child_process');
  const child = spawn(NODE, [join(import.meta.dirname, 'demo.ts')], { env, stdio: 'inherit' });
  return new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
}

process.exitCode = await main();
