import { mkdirSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { startApiServer, type TestApiServer } from '../apiserver/server.ts';
import { LocalProcess } from './process.ts';

const OPERATOR_READY_MS = 30_000;

export interface ControlPlane {
  api: TestApiServer;
  configPort: number;
  identityPort: number;
  adminPort: number;
  stop(): Promise<void>;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/** A real API server with its controllers, and the operator with every role as a process beside it. */
export async function startControlPlane(root: string, directory: string, nodePath: string): Promise<ControlPlane> {
  const api = await startApiServer({ controllerManager: true });
  const [webhookPort, configPort, identityPort, adminPort] = await Promise.all([
    freePort(),
    freePort(),
    freePort(),
    freePort(),
  ]);
  mkdirSync(directory, { recursive: true });
  const operator = new LocalProcess({
    command: nodePath,
    args: [join(root, 'operator', 'main.ts')],
    env: {
      PATH: process.env['PATH'] ?? '',
      KUBECONFIG: api.kubeconfigPath,
      POD_NAME: 'local',
      WEFT_OPERATOR_HOST: '127.0.0.1',
      WEFT_OPERATOR_WEBHOOK_PORT: String(webhookPort),
      WEFT_OPERATOR_CONFIG_PORT: String(configPort),
      WEFT_OPERATOR_IDENTITY_PORT: String(identityPort),
      WEFT_OPERATOR_ADMIN_PORT: String(adminPort),
      // No Service leads anybody to it.
      WEFT_OPERATOR_LAME_DUCK_MS: '1',
      // Nobody asks for it here: the API server would have to find it under an address of the cluster.
      WEFT_OPERATOR_VIZ_PORT: '0',
      WEFT_OPERATOR_WEBHOOK_URL: `https://127.0.0.1:${webhookPort}`,
      WEFT_OPERATOR_DEFINITIONS_DIR: join(root, 'crds', 'kinds'),
    },
    log: join(directory, 'operator.log'),
    cwd: root,
  });
  const plane = { api, configPort, identityPort, adminPort, stop: () => operator.stop(10_000).then(() => api.stop()) };
  const deadlineMs = performance.now() + OPERATOR_READY_MS;
  while (!(await operatorReady(adminPort))) {
    if (operator.exitCode !== null || performance.now() > deadlineMs) {
      await plane.stop();
      throw new Error(`the operator did not get ready; its log: ${join(directory, 'operator.log')}`);
    }
    await new Promise((done) => setTimeout(done, 100));
  }
  return plane;
}

async function operatorReady(adminPort: number): Promise<boolean> {
  if (!(await accepts(adminPort))) return false;
  const answer = await fetch(`http://127.0.0.1:${adminPort}/ready`).catch(() => null);
  return answer?.status === 200;
}
