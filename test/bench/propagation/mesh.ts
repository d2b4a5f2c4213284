import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../../hack/apiserver/process.ts';
import type { TestApiServer } from '../../../hack/apiserver/server.ts';
import { ENVIRONMENT, type VariableName } from '../../../proxy-image/contract/environment.ts';
import { PROXY_CONTAINER, TOKEN_AUDIENCE } from '../../../proxy-image/contract/names.ts';
import { PROXY_PORTS } from '../../../proxy-image/contract/ports.ts';
import type { LocalNetworkFile } from '../../../proxy-image/io/transport/types.ts';
import type { Bench } from '../bench.ts';
import type { Shipped } from '../contenders/weft/shipped.ts';
import { isRoot, type Program } from '../host/programs.ts';
import type { ApiClient } from './api-client.ts';
import { BACKEND_IPS, BACKENDS, collection, POD_IP, podObject } from './objects.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const OPERATOR_READY_MS = 60_000;
const INJECTED_MS = 30_000;
const PROXY_READY_MS = 30_000;
const RETRY_MS = 100;

/** Where this machine serves what the cluster calls otherwise. */
export const PROXY_HOST = '127.79.0.10';
export const BACKEND_HOSTS: Readonly<Record<string, string>> = { a: '127.79.0.1', b: '127.79.0.2' };

export interface Operator {
  program: Program;
  configPort: number;
  identityPort: number;
}

/** The operator with every role, as a process of its own, with its webhooks on. */
export async function startOperator(bench: Bench, api: TestApiServer): Promise<Operator> {
  const [webhookPort, configPort, identityPort, adminPort] = await Promise.all([1, 2, 3, 4].map(() => freePort()));
  const program = bench.programs.start('operator', {
    argv: [process.execPath, join(ROOT, 'operator/main.ts')],
    env: {
      KUBECONFIG: api.kubeconfigPath,
      POD_NAME: 'bench',
      WEFT_OPERATOR_HOST: '127.0.0.1',
      WEFT_OPERATOR_WEBHOOK_PORT: String(webhookPort),
      WEFT_OPERATOR_CONFIG_PORT: String(configPort),
      WEFT_OPERATOR_IDENTITY_PORT: String(identityPort),
      WEFT_OPERATOR_ADMIN_PORT: String(adminPort),
      WEFT_OPERATOR_WEBHOOK_URL: `https://127.0.0.1:${webhookPort}`,
      WEFT_OPERATOR_DEFINITIONS_DIR: join(ROOT, 'crds', 'kinds'),
    },
    log: join(bench.directory, 'operator.log'),
  });
  await program.waitUntil(() => answersReady(`http://127.0.0.1:${adminPort}/ready`), OPERATOR_READY_MS);
  return { program, configPort: configPort!, identityPort: identityPort! };
}

async function answersReady(url: string): Promise<boolean> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(1_000) }).catch(() => null);
  return answer?.status === 200;
}

interface InjectedPod {
  metadata: { name: string; uid: string };
  spec: Record<
    'containers' | 'initContainers',
    { name: string; env?: { name: string; value?: string }[] }[] | undefined
  >;
}

/** Creates the pod until the webhook, which the API server learns of a moment after it was registered, has injected it. */
async function injectedPod(client: ApiClient): Promise<InjectedPod> {
  const deadline = performance.now() + INJECTED_MS;
  for (;;) {
    const pod = await client.json<InjectedPod>('POST', collection('pods'), podObject());
    if (proxyVariables(pod) !== null) return pod;
    await client.send('DELETE', `${collection('pods')}/${pod.metadata.name}?gracePeriodSeconds=0`);
    if (performance.now() > deadline) throw new Error('the pod was not injected');
    await sleep(RETRY_MS);
  }
}

function proxyVariables({ spec }: InjectedPod): Record<string, string> | null {
  const containers = [...(spec.initContainers ?? []), ...(spec.containers ?? [])];
  const proxy = containers.find(({ name }) => name === PROXY_CONTAINER);
  if (proxy === undefined) return null;
  return Object.fromEntries((proxy.env ?? []).map(({ name, value }) => [name, value ?? '']));
}

/** The proxy of an injected pod, with what the pod network does said in a file. */
export async function startProxy(
  bench: Bench,
  client: ApiClient,
  shipped: Shipped,
  operator: Operator,
  listen: { port: number; destination: string },
): Promise<Program> {
  const pod = await injectedPod(client);
  const { name, uid } = pod.metadata;
  const podUrl = `${collection('pods')}/${name}`;
  const status = { phase: 'Running', podIP: POD_IP, podIPs: [{ ip: POD_IP }] };
  await client.send('PATCH', `${podUrl}/status`, { status }, 'application/merge-patch+json');
  const boundObjectRef = { kind: 'Pod', apiVersion: 'v1', name, uid };
  const token = await client.json<{ status: { token: string } }>(
    'POST',
    `${collection('serviceaccounts')}/caller/token`,
    {
      spec: { audiences: [TOKEN_AUDIENCE], expirationSeconds: 3_600, boundObjectRef },
    },
  );
  const owner = isRoot ? 0 : (process.getuid?.() ?? 0);
  const folder = bench.folder('proxy', owner);
  const network: LocalNetworkFile = {
    outbound: [{ listen: `${PROXY_HOST}:${listen.port}`, destination: listen.destination }],
    addresses: Object.fromEntries(BACKENDS.map((backend) => [BACKEND_IPS[backend], BACKEND_HOSTS[backend]!])),
  };
  const here: Partial<Record<VariableName, string>> = {
    podName: name,
    podNamespace: pathNamespace(podUrl),
    podIps: POD_IP,
    nodeName: 'bench',
    logLevel: 'warn',
    outboundListen: ',',
    inboundListen: `${PROXY_HOST}:${PROXY_PORTS.inboundMesh}`,
    inboundPlainListen: `${PROXY_HOST}:${PROXY_PORTS.inboundPlain}`,
    adminListen: `${PROXY_HOST}:${PROXY_PORTS.admin}`,
    controlHost: '127.0.0.1',
    configPort: String(operator.configPort),
    identityPort: String(operator.identityPort),
    identityDir: bench.folder('identity', owner),
    tokenFile: bench.file(folder, 'token', token.status.token, owner),
    localNetwork: bench.file(folder, 'network.json', JSON.stringify(network), owner),
  };
  const changed = Object.entries(here).map(([key, value]) => [ENVIRONMENT[key as VariableName].name, value]);
  const program = bench.programs.start('proxy', {
    argv: shipped.argv,
    env: { ...shipped.env, ...proxyVariables(pod), ...Object.fromEntries(changed) },
    log: join(folder, 'log'),
  });
  await program.waitUntil(() => answersReady(`http://${PROXY_HOST}:${PROXY_PORTS.admin}/ready`), PROXY_READY_MS);
  return program;
}

function pathNamespace(path: string): string {
  return /\/namespaces\/([^/]+)\//.exec(path)?.[1] ?? '';
}
