import type { MeshModel } from '../../../crds/kinds/mesh/model.ts';
import { DEFAULT_MESH } from '../../../crds/kinds/mesh/parse.ts';
import { reduceNamespace } from '../../../crds/kinds/namespace/parse.ts';
import { loadManifests } from '../../../crds/manifest.ts';
import type { Authority } from '../../../operator/pki/authority.ts';
import { NO_ROTATION } from '../../../operator/pki/rotation-record.ts';
import { ServingCertificate, type ServingCredentials } from '../../../operator/pki/serving.ts';
import { Trust } from '../../../operator/pki/trust.ts';
import { systemClock } from '../../../operator/runtime/clock.ts';
import {
  INJECT_PATH,
  injectorConfiguration,
  VALIDATE_PATH,
  validatorConfiguration,
} from '../../../webhooks/configurations.ts';
import { demandsOf } from '../../../webhooks/inject/demands.ts';
import { type InjectionSource, injectPod } from '../../../webhooks/inject/webhook.ts';
import { type CredentialSource, WebhookServer } from '../../../webhooks/server.ts';
import { validate } from '../../../webhooks/validate/validate.ts';
import { MemorySecrets } from '../../fakes/secrets.ts';
import { eventually } from '../../support/eventually.ts';
import { type PodView, PROXY_IMAGE } from '../../support/pods.ts';
import type { Answer, RawApi } from '../crds/raw-api.ts';

const CONFIGURATIONS = '/apis/admissionregistration.k8s.io/v1';
const DAY_MS = 86_400_000;

/** Serving certificates of the webhook CA, a new one whenever a test says so. */
export class RenewedAtWill implements CredentialSource {
  readonly #authority: () => Authority | null;
  readonly #listeners = new Set<(credentials: ServingCredentials) => void>();
  current: ServingCredentials | null = null;

  constructor(authority: () => Authority | null) {
    this.#authority = authority;
    this.renew();
  }

  renew(): void {
    const next = new ServingCertificate(() => ['127.0.0.1'], DAY_MS, this.#authority, systemClock);
    next.renewIfDue();
    this.current = next.current;
    for (const listener of this.#listeners) listener(next.current!);
  }

  onChange(listener: (credentials: ServingCredentials) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** The webhooks as a server of this process, registered with a real API server. */
export class RegisteredWebhooks {
  readonly trust: Trust;
  readonly credentials: RenewedAtWill;
  /** In force for the next review. */
  mesh: MeshModel;
  readonly #api: RawApi;
  readonly #server: WebhookServer;
  #url = '';

  /** Starts and registers them. Every object of a broken webhook fails loudly, and only namespaces of `createNamespace` are concerned. */
  static async start(api: RawApi): Promise<RegisteredWebhooks> {
    for (const manifest of loadManifests()) await api.install(manifest);
    const trust = new Trust(new MemorySecrets(), systemClock);
    await trust.refresh(
      {
        suffix: 'linkerd.cluster.local',
        issuer: { type: 'Managed' },
        anchorLifetimeMs: 30 * DAY_MS,
        issuerLifetimeMs: DAY_MS,
        certificateLifetimeMs: DAY_MS,
        trustAnchors: null,
        rotation: NO_ROTATION,
      },
      true,
    );
    const webhooks = new RegisteredWebhooks(api, trust);
    webhooks.#url = `https://127.0.0.1:${await webhooks.#server.listen(0, '127.0.0.1')}`;
    await webhooks.register();
    return webhooks;
  }

  private constructor(api: RawApi, trust: Trust) {
    this.#api = api;
    this.trust = trust;
    this.mesh = { ...DEFAULT_MESH, injection: { failurePolicy: 'Fail' }, validation: { failurePolicy: 'Fail' } };
    this.credentials = new RenewedAtWill(() => trust.webhookAuthority);
    const source: InjectionSource = {
      async namespace(name) {
        const { status, body } = await api.send('GET', `/api/v1/namespaces/${name}`);
        return status === 200 ? reduceNamespace(body) : null;
      },
      async demands(name) {
        const items = async (plural: string) => {
          const { body } = await api.send('GET', `/api/v1/namespaces/${name}/${plural}`);
          return body['items'] as unknown[];
        };
        return demandsOf(await items('resourcequotas'), await items('limitranges'));
      },
      mesh: () => this.mesh,
      trustAnchorsPem: () => trust.current?.anchorsPem ?? '',
    };
    this.#server = new WebhookServer({
      credentials: this.credentials,
      webhooks: {
        [INJECT_PATH]: async (review) =>
          (await injectPod(review, source, { version: 'v0', proxyImage: PROXY_IMAGE })).answer,
        [VALIDATE_PATH]: async (review) => validate(review),
      },
      observer: { answered() {}, failed() {} },
      nowMs: () => performance.now(),
    });
  }

  #configurations() {
    const input = {
      mesh: this.mesh,
      caBundlePem: this.trust.caBundlePem,
      client: { type: 'url' as const, url: this.#url },
      otherInjector: true,
      owner: null,
    };
    return [injectorConfiguration(input), validatorConfiguration(input)] as const;
  }

  async register(): Promise<void> {
    const [injector, validator] = this.#configurations();
    const paths = [
      [`${CONFIGURATIONS}/mutatingwebhookconfigurations/${injector.metadata.name}`, injector],
      [`${CONFIGURATIONS}/validatingwebhookconfigurations/${validator.metadata.name}`, validator],
    ] as const;
    for (const [path, body] of paths) {
      const { status, body: answer } = await this.#api.apply(path, body, 'weft-operator');
      if (status !== 200 && status !== 201) throw new Error(`${path}: ${JSON.stringify(answer)}`);
    }
    // The API server's own list of webhooks follows by a watch.
    await eventually('the validator is called', async () => {
      const mesh = {
        apiVersion: 'weft.dev/v1alpha1',
        kind: 'Mesh',
        metadata: { name: 'default' },
        spec: { proxy: { skipSubnets: 'everywhere' } },
      };
      const path = '/apis/weft.dev/v1alpha1/meshes?dryRun=All';
      const { body } = await this.#api.send('POST', path, mesh);
      return JSON.stringify(body).includes('validator.webhooks.weft.dev');
    });
  }

  async unregister(): Promise<void> {
    const [injector, validator] = this.#configurations();
    await this.#api.send('DELETE', `${CONFIGURATIONS}/mutatingwebhookconfigurations/${injector.metadata.name}`);
    await this.#api.send('DELETE', `${CONFIGURATIONS}/validatingwebhookconfigurations/${validator.metadata.name}`);
  }

  async stop(): Promise<void> {
    await this.unregister();
    await this.#server.close();
  }

  /** A namespace that the injector is called for, with its default ServiceAccount. */
  async createNamespace(
    name: string,
    annotations: Record<string, string>,
    labels: Record<string, string> = {},
  ): Promise<void> {
    await this.#api.send('POST', '/api/v1/namespaces', {
      metadata: { name, annotations, labels: { 'weft.dev/mesh': 'weft', ...labels } },
    });
    await eventually(
      'the default ServiceAccount',
      async () => {
        return (await this.#api.send('GET', `/api/v1/namespaces/${name}/serviceaccounts/default`)).status === 200;
      },
      20_000,
    );
  }

  /** Sends a pod as it is, unknown fields refused. */
  sendPod(namespace: string, body: object, query = ''): Promise<Answer> {
    return this.#api.send('POST', `/api/v1/namespaces/${namespace}/pods?fieldValidation=Strict${query}`, body);
  }

  /** @throws Error where the API server refuses the pod */
  async createPod(namespace: string, body: object, query = ''): Promise<PodView> {
    const { status, body: answer } = await this.sendPod(namespace, body, query);
    if (status !== 201) throw new Error(JSON.stringify(answer));
    return answer as unknown as PodView;
  }
}

/** A pod with an application and an init container of its own. */
export function appPod(name: string, annotations: Record<string, string> = {}, spec: object = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, annotations, labels: { app: name } },
    spec: {
      containers: [{ name: 'app', image: 'example/app', ports: [{ name: 'http', containerPort: 8080 }] }],
      initContainers: [{ name: 'prepare', image: 'example/prepare' }],
      ...spec,
    },
  };
}
