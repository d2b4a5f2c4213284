import { Agent, request } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CustomResourceManifest } from '../../../crds/manifest.ts';
import type { TestApiServer } from '../../../hack/apiserver/server.ts';

export interface Answer {
  status: number;
  /** The decoded object, or a `Status` with the reason of a refusal. */
  body: Record<string, unknown>;
  /** `Warning` headers, which kubectl prints. */
  warnings: string[];
}

export interface ObjectPath {
  group: string;
  version: string;
  plural: string;
  /** Absent for cluster-scoped objects. */
  namespace?: string;
}

/** The Kubernetes API without a client library in between: what is sent is what a test wrote, and every detail of the answer is seen. */
export class RawApi {
  readonly #agent: Agent;
  readonly #server: TestApiServer;

  constructor(server: TestApiServer) {
    this.#server = server;
    this.#agent = new Agent({
      ca: server.caPem,
      cert: server.adminCertificatePem,
      key: server.adminKeyPem,
      keepAlive: true,
      maxSockets: 4,
    });
  }

  close(): void {
    this.#agent.destroy();
  }

  send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const outgoing = request(new URL(path, this.#server.url), {
        method,
        agent: this.#agent,
        timeout: 20_000,
        headers: { accept: 'application/json', 'content-type': 'application/json', ...headers },
      });
      outgoing.once('timeout', () => outgoing.destroy(new Error(`no answer to ${method} ${path}`)));
      outgoing.once('error', reject);
      outgoing.once('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('error', reject);
        response.once('end', () => {
          const text = Buffer.concat(chunks).toString();
          // A group that is not served yet answers in plain text.
          const json = (response.headers['content-type'] ?? '').startsWith('application/json');
          const warnings = response.headersDistinct['warning'] ?? [];
          resolve({ status: response.statusCode ?? 0, body: json ? JSON.parse(text) : { text }, warnings });
        });
      });
      outgoing.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  apply(path: string, body: unknown, manager: string): Promise<Answer> {
    const headers = { 'content-type': 'application/apply-patch+yaml' };
    return this.send('PATCH', `${path}?fieldManager=${manager}&force=true`, body, headers);
  }

  async createNamespace(name: string): Promise<void> {
    const { status } = await this.send('POST', '/api/v1/namespaces', { metadata: { name } });
    if (status !== 201 && status !== 409) throw new Error(`namespace ${name}: status ${status}`);
  }

  /** Applies the manifest and waits until every version that it serves is there. */
  async install(manifest: CustomResourceManifest): Promise<void> {
    const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${manifest.metadata.name}`;
    const { status, body } = await this.apply(path, manifest, 'weft-test');
    if (status !== 200 && status !== 201) throw new Error(`${manifest.metadata.name}: ${JSON.stringify(body)}`);
    await this.#untilAllServed(manifest);
  }

  /** Creates the manifest, whatever it has that the API server does not know, and waits as `install` does. */
  async create(manifest: CustomResourceManifest): Promise<void> {
    const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    const { status, body } = await this.send('POST', path, manifest);
    if (status !== 201) throw new Error(`${manifest.metadata.name}: ${JSON.stringify(body)}`);
    await this.#untilAllServed(manifest);
  }

  async #untilAllServed({ spec: { group, names, versions } }: CustomResourceManifest): Promise<void> {
    for (const { name } of versions.filter(({ served }) => served)) {
      await this.#untilServed(collectionPath({ group, version: name, plural: names.plural }));
    }
  }

  async #untilServed(path: string): Promise<void> {
    const deadline = Date.now() + 20_000;
    while ((await this.send('GET', `${path}?limit=1`)).status !== 200) {
      if (Date.now() > deadline) throw new Error(`${path} is not served`);
      await sleep(50);
    }
  }
}

export function collectionPath({ group, version, plural, namespace }: ObjectPath): string {
  const scope = namespace === undefined ? '' : `/namespaces/${namespace}`;
  return `/apis/${group}/${version}${scope}/${plural}`;
}
