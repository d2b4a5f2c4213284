/** What goes wrong all the time while it lasts: requests that are denied, fail, are slow, lead nowhere. */
import { request } from 'node:https';
import { connect } from 'node:tls';
import { TRANSPORT_ALPN } from '../../proxy-image/contract/names.ts';
import { execApp, kubectl } from '../demo/kubectl.ts';
import { sleep } from '../demo/shell.ts';
import { makeUnmeshed, removeUnmeshed } from './faults/proxies.ts';
import { type Place, POLL, podsOf } from './world.ts';

const PAUSE_MS = 500;
const MESH_PORT = 4143;
const CONNECTION_MS = 5_000;
const HALF_MS = 1_500;

const REVIEW = {
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: {
    uid: '7d0f3b50-1c11-4f43-9d3a-3f1f7f6a6a10',
    kind: { group: '', version: 'v1', kind: 'Pod' },
    resource: { group: '', version: 'v1', resource: 'pods' },
    operation: 'CREATE',
    dryRun: true,
    namespace: POLL,
    userInfo: {},
    object: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'slow' },
      spec: { containers: [{ name: 'app', image: 'app' }] },
    },
  },
};
const REVIEW_MS = 10_000;
const CHANGE_MS = 5_000;
const REVIEWED = `
apiVersion: v1
kind: Pod
metadata: { name: reviewed, namespace: ${POLL}, annotations: { linkerd.io/inject: enabled } }
spec: { containers: [{ name: app, image: app }] }
---
apiVersion: linkerd.io/v1alpha2
kind: ServiceProfile
metadata: { name: reviewed.${POLL}.svc.cluster.local, namespace: ${POLL} }
spec: { routes: [] }
`;

const url = (service: string, path: string): string => `http://${service}.${POLL}.svc.cluster.local${path}`;

/** One after the other; all of them side by side. */
const CALLS: readonly { from: string; args: readonly string[] }[] = [
  // Denied: the front end is for voters.
  { from: 'deploy/patterns', args: ['get', url('web', '/patterns'), '40'] },
  // No route.
  { from: 'deploy/voters', args: ['get', url('web', '/nowhere'), '5'] },
  // Fails, is tried again, and has a replica ejected.
  { from: 'deploy/caller', args: ['get', url('echo', '/item?fail=0.6'), '40'] },
  // Slow.
  { from: 'deploy/caller', args: ['get', url('echo-slow', '/slow?ms=1600'), '2'] },
  // Raw connections, of one who may and one who may not. What comes back is no HTTP.
  { from: 'deploy/caller', args: ['get', url('echo-tcp', ':9090/'), '2'] },
  { from: 'deploy/voters', args: ['get', url('echo-tcp', ':9090/'), '2'] },
  // Nobody is behind it: 504 after three seconds.
  { from: 'deploy/caller', args: ['get', url('nobody', '/'), '2'] },
];

/** What the unrest and the applications themselves provoke. */
export const UNREST_ALERTS = [
  'WeftSuccessRateLow',
  'WeftErrorBudgetBurn',
  'WeftLatencyHigh',
  'WeftRetryBudgetEmpty',
  'WeftNoEndpoint',
  'WeftEndpointsEjected',
  'WeftRequestsDenied',
  'WeftRateLimited',
  'WeftUntrustedClients',
  'WeftWebhookFailing',
  'WeftWebhookSlow',
];

/** What is admitted, and changes nothing: a pod for the injector, a profile for the validation. */
async function reviews(): Promise<void> {
  await kubectl(['apply', '--dry-run=server', '-f', '-'], { input: REVIEWED, timeoutMs: REVIEW_MS });
}

/** What proxies have to be told of: how long one of the Services may take, longer than anything here does. */
async function change(): Promise<void> {
  const seconds = 20 + (Math.floor(Date.now() / CHANGE_MS) % 2);
  await kubectl([
    '-n',
    POLL,
    'annotate',
    'service',
    'echo-slow',
    `timeout.linkerd.io/response=${seconds}s`,
    '--overwrite',
  ]);
  await sleep(CHANGE_MS);
}

/** What a replica that was ejected comes back by: requests that succeed. */
export async function calm(): Promise<void> {
  await execApp('deploy/caller', ['get', url('echo', '/item'), '20'], POLL);
}

export class Unrest {
  readonly #place: Place;
  readonly #loops: Promise<void>[];
  /** A pod without the proxy that it should have, as long as the unrest lasts. */
  readonly #unmeshed = makeUnmeshed();
  #isStopped = false;

  constructor(place: Place) {
    this.#place = place;
    // Whoever stops the unrest hears of it; until then it is only a series that is missing.
    this.#unmeshed.catch(() => {});
    const calls = CALLS.map(
      ({ from, args }) =>
        () =>
          execApp(from, args, POLL),
    );
    const others = [() => this.#strangers(), () => this.#malformedReview(), () => this.#slowReview(), reviews, change];
    this.#loops = [...calls, ...others].map((once) => this.#repeat(once));
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#loops);
    await this.#unmeshed;
    await removeUnmeshed();
  }

  async #repeat(once: () => Promise<unknown>): Promise<void> {
    while (!this.#isStopped) {
      await once().catch(() => {});
      await sleep(PAUSE_MS);
    }
  }

  /** Without a certificate, to the port where proxies meet. */
  async #strangers(): Promise<void> {
    const [pod] = await podsOf('web');
    const host = this.#place.reach(pod?.status?.podIP ?? '');
    const servername = `web.${POLL}.serviceaccount.identity.linkerd.cluster.local`;
    await new Promise<void>((done) => {
      const options = { host, port: MESH_PORT, servername, ALPNProtocols: [TRANSPORT_ALPN], rejectUnauthorized: false };
      const socket = connect(options).setTimeout(CONNECTION_MS, () => socket.destroy());
      socket.on('error', () => {}).once('close', () => done());
      socket.resume();
    });
  }

  /** A review that cannot be read, as a broken API server would send it. */
  #malformedReview(): Promise<void> {
    return this.#review(['{']);
  }

  /** A review whose second half is long in coming. */
  #slowReview(): Promise<void> {
    const text = JSON.stringify(REVIEW);
    return this.#review([text.slice(0, 100), text.slice(100)]);
  }

  async #review(parts: readonly string[]): Promise<void> {
    const target = await this.#place.injectUrl();
    await new Promise<void>((done) => {
      const headers = { 'content-type': 'application/json' };
      const options = { method: 'POST', headers, rejectUnauthorized: false, timeout: CONNECTION_MS };
      const sent = request(target, options, (response) => response.resume().once('close', () => done()));
      sent.once('timeout', () => sent.destroy()).once('error', () => done());
      void (async () => {
        for (const [index, part] of parts.entries()) {
          if (index > 0) await sleep(HALF_MS);
          sent.write(part);
        }
        sent.end();
      })();
    });
  }
}
