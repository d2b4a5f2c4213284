import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { AdmissionregistrationV1Api, AuthenticationV1Api, CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { expect } from 'chai';
import type { TestApiServer } from '../../../hack/apiserver/server.ts';
import { startApiServer } from '../../../hack/apiserver/server.ts';
import { API_SERVER_START_MS } from '../../support/apiserver-shared.ts';
import { eventually } from '../../support/eventually.ts';

function clients(server: TestApiServer) {
  const config = new KubeConfig();
  config.loadFromString(server.kubeconfig);
  return {
    core: config.makeApiClient(CoreV1Api),
    authentication: config.makeApiClient(AuthenticationV1Api),
    admission: config.makeApiClient(AdmissionregistrationV1Api),
  };
}

function alive(pid: number): boolean {
  try {
    // A process that has ended and is not collected yet still takes signals.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

describe('the API server of the tests', function () {
  this.timeout(60_000);
  let server: TestApiServer;

  before(async function () {
    this.timeout(API_SERVER_START_MS);
    server = await startApiServer({ controllerManager: true });
  });

  after(() => server.stop());

  it('keeps what was written when the API server is restarted, orderly or by a crash', async () => {
    const { core } = clients(server);
    await core.createNamespace({ body: { metadata: { name: 'survivor' } } });
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      await server.restart(signal);
      const read = await core.readNamespace({ name: 'survivor' });
      expect(read.metadata?.name).to.equal('survivor');
    }
  });

  it('issues ServiceAccount tokens that TokenReview vouches for, for their own audience only', async () => {
    const { core, authentication } = clients(server);
    const namespace = 'default';
    await core.createNamespacedServiceAccount({ namespace, body: { metadata: { name: 'web' } } });
    const issued = await core.createNamespacedServiceAccountToken({
      namespace,
      name: 'web',
      body: { spec: { audiences: ['identity.l5d.io'] } },
    });
    const token = issued.status?.token ?? '';
    const review = async (audience: string) =>
      (await authentication.createTokenReview({ body: { spec: { token, audiences: [audience] } } })).status;
    const accepted = await review('identity.l5d.io');
    expect(accepted?.authenticated).to.equal(true);
    expect(accepted?.user?.username).to.equal('system:serviceaccount:default:web');
    expect((await review('another'))?.authenticated).to.not.equal(true);
  });

  it('runs the controllers when asked: a new namespace gets its default ServiceAccount', async () => {
    const { core } = clients(server);
    await core.createNamespace({ body: { metadata: { name: 'controlled' } } });
    await eventually('ServiceAccount default', async () => {
      const accounts = await core.listNamespacedServiceAccount({ namespace: 'controlled' });
      return accounts.items.some((account) => account.metadata?.name === 'default');
    });
  });

  it('answers nothing while paused and everything afterwards', async () => {
    const { core } = clients(server);
    await server.pause();
    let answered = false;
    const request = core.readNamespace({ name: 'default' }).then(() => {
      answered = true;
    });
    try {
      await sleep(500);
      expect(answered).to.equal(false);
    } finally {
      server.resume();
    }
    await request;
    expect(answered).to.equal(true);
  });

  describe('with an admission webhook on loopback', () => {
    let webhook: Server;
    const reviewed: string[] = [];

    before(async () => {
      const file = (name: string) => readFileSync(join(server.directory, 'pki', name));
      webhook = createServer({ key: file('apiserver.key'), cert: file('apiserver.crt') }, (request, response) => {
        const chunks: Buffer[] = [];
        request.on('data', (chunk: Buffer) => chunks.push(chunk));
        request.on('end', () => {
          const { request: asked } = JSON.parse(Buffer.concat(chunks).toString()) as {
            request: { uid: string; name: string };
          };
          reviewed.push(asked.name);
          response.setHeader('content-type', 'application/json').end(
            JSON.stringify({
              apiVersion: 'admission.k8s.io/v1',
              kind: 'AdmissionReview',
              response: { uid: asked.uid, allowed: asked.name !== 'forbidden', status: { message: 'not this name' } },
            }),
          );
        });
      });
      await new Promise<void>((resolve) => webhook.listen(0, '127.0.0.1', resolve));
      const { port } = webhook.address() as AddressInfo;
      await clients(server).admission.createValidatingWebhookConfiguration({
        body: {
          metadata: { name: 'names' },
          webhooks: [
            {
              name: 'names.weft.dev',
              admissionReviewVersions: ['v1'],
              sideEffects: 'None',
              failurePolicy: 'Fail',
              clientConfig: {
                url: `https://127.0.0.1:${port}/validate`,
                caBundle: Buffer.from(server.caPem).toString('base64'),
              },
              rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] }],
            },
          ],
        },
      });
    });

    after(async () => {
      await clients(server).admission.deleteValidatingWebhookConfiguration({ name: 'names' });
      webhook.closeAllConnections();
      await new Promise((resolve) => webhook.close(resolve));
    });

    it('asks it and obeys its answer', async () => {
      const { core } = clients(server);
      const create = (name: string) =>
        core.createNamespacedConfigMap({ namespace: 'default', body: { metadata: { name } } }).then(
          () => 'created',
          (error: unknown) => String(error),
        );
      // The configuration reaches the admission chain by a watch, a moment after it was created.
      await eventually('the webhook is asked', async () => {
        await create(`probe-${reviewed.length}-${Date.now()}`);
        return reviewed.length > 0;
      });
      expect(await create('allowed')).to.equal('created');
      expect(await create('forbidden')).to.contain('not this name');
    });
  });
});

describe('the servers of a test process that is killed', function () {
  this.timeout(60_000);
  let child: ChildProcess;

  afterEach(() => {
    child.kill('SIGKILL');
  });

  it('are ended and their directory removed', async () => {
    const module = fileURLToPath(new URL('../../../hack/apiserver/server.ts', import.meta.url));
    const script = `
      const { startApiServer } = await import(${JSON.stringify(module)});
      const server = await startApiServer();
      console.log(JSON.stringify({ directory: server.directory, pids: server.pids() }));
      setInterval(() => {}, 1000);`;
    child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const line = await new Promise<string>((resolve, reject) => {
      let text = '';
      child.stdout?.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        if (text.includes('\n')) resolve(text);
      });
      child.once('exit', () => reject(new Error('the child ended before its API server was ready')));
    });
    const { directory, pids } = JSON.parse(line) as { directory: string; pids: number[] };
    expect(pids.filter(alive)).to.have.length(2);
    child.kill('SIGKILL');
    await eventually('both servers ended', () => !pids.some(alive));
    await eventually('directory removed', () => !existsSync(directory));
  });
});
