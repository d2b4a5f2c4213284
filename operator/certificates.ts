import type { ClusterState } from '../crds/compile/cluster-state.ts';
import {
  CONTROL_PLANE_NAMESPACE,
  CONTROL_PLANE_SERVICE,
  CONTROL_PLANE_SERVICE_ACCOUNT,
  serviceAccountIdentity,
} from '../proxy-image/contract/names.ts';
import type { NamespacedSecrets } from './kube/secrets.ts';
import { ServingCertificate } from './pki/serving.ts';
import { Trust } from './pki/trust.ts';
import type { Changed } from './reconcilers/feed.ts';
import { type Clock, sleep } from './runtime/clock.ts';
import { failureOf } from './runtime/errors.ts';
import { errorFields, type Log } from './runtime/log.ts';
import type { Component } from './runtime/manager.ts';

/** Own serving certificates are cheap to make and never leave the process. */
const SERVING_LIFETIME_MS = 24 * 3_600_000;
/** A Secret edited by hand, or made by the leader, is seen within this time. */
const REFRESH_MS = 15_000;
const REFRESH_EAGER_MS = 500;

export interface CertificatesOptions {
  secrets: NamespacedSecrets;
  state: ClusterState;
  changed: Changed;
  /** What is wrong with the Secrets is another thing now. */
  problemsChanged: () => void;
  /** Host names or addresses, beside the Service's, under which the API server calls the webhooks. */
  webhookHosts: readonly string[];
  clock: Clock;
  log: Log;
}

/** Trust of the mesh and the operator's own certificates, kept fresh; proxies learn of a new bundle through the state. */
export class Certificates implements Component {
  readonly name = 'certificates';
  readonly trust: Trust;
  readonly webhook: ServingCertificate;
  readonly #options: CertificatesOptions;
  readonly #abort = new AbortController();
  #control: ServingCertificate | null = null;
  #mayCreate = false;
  #started = false;
  #running: Promise<void> = Promise.resolve();
  #problems: readonly string[] = [];

  constructor(options: CertificatesOptions) {
    const { clock, secrets, webhookHosts } = options;
    this.#options = options;
    this.trust = new Trust(secrets, clock);
    const names = [`${CONTROL_PLANE_SERVICE}.${CONTROL_PLANE_NAMESPACE}.svc`, ...webhookHosts];
    this.webhook = new ServingCertificate(names, SERVING_LIFETIME_MS, () => this.trust.webhookAuthority, clock);
  }

  /** What is wrong with the Secrets, one sentence each. */
  get problems(): readonly string[] {
    return this.#problems;
  }

  /** What the operator proves to proxies with; its name follows the Mesh as it was at the start. */
  get control(): ServingCertificate {
    this.#control ??= this.#newControl();
    return this.#control;
  }

  /** Started after the caches: the Mesh decides about names and issuer. */
  async start(): Promise<void> {
    this.#started = true;
    this.trust.onChange(() => this.#trustChanged());
    this.control.start();
    this.webhook.start();
    this.#running = this.#refreshForEver();
  }

  async stop(): Promise<void> {
    this.#abort.abort(new Error('stopping'));
    this.control.stop();
    this.webhook.stop();
    await this.#running;
  }

  /** The leader makes what is missing; the others wait for it. */
  async lead(): Promise<void> {
    this.#mayCreate = true;
    await this.#refresh();
  }

  /** The Mesh may ask for another issuer now. */
  settingsChanged(): void {
    if (this.#started) void this.#refresh();
  }

  async #refreshForEver(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#abort;
    while (!signal.aborted) {
      await this.#refresh();
      const complete = this.trust.current !== null && this.trust.webhookAuthority !== null;
      await sleep(clock, complete ? REFRESH_MS : REFRESH_EAGER_MS, signal);
    }
  }

  async #refresh(): Promise<void> {
    const { state, log } = this.#options;
    const { suffix, issuer, anchorLifetimeMs, issuerLifetimeMs } = state.mesh().identity;
    try {
      await this.trust.refresh({ suffix, issuer, anchorLifetimeMs, issuerLifetimeMs }, this.#mayCreate);
      this.#report(this.trust.problems.map(({ message }) => message));
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      // Rights do not come back by themselves; an API server that is away does, and says nothing about the Secrets.
      if (failureOf(error) === 'Forbidden') this.#report([error instanceof Error ? error.message : String(error)]);
      else log.warn('could not read the Secrets of the trust', errorFields(error));
    }
  }

  #report(problems: readonly string[]): void {
    const changed = problems.join('; ') !== this.#problems.join('; ');
    this.#problems = problems;
    if (!changed) return;
    // Before the first leader has made them, absent Secrets are nothing to warn of.
    const level = this.#mayCreate || this.trust.current !== null ? 'warn' : 'info';
    if (problems.length > 0) this.#options.log[level]('the Secrets of the trust have problems', { problems });
    this.#options.problemsChanged();
  }

  #trustChanged(): void {
    const { state, secrets, changed } = this.#options;
    this.control.renewIfDue();
    this.webhook.renewIfDue();
    const { current } = this.trust;
    if (current === null) return;
    changed(state.applyTrust({ anchorsPem: current.anchorsPem, resourceVersion: secrets.newestVersion }));
  }

  #newControl(): ServingCertificate {
    const { state, clock } = this.#options;
    const { suffix } = state.mesh().identity;
    const identity = serviceAccountIdentity(CONTROL_PLANE_SERVICE_ACCOUNT, CONTROL_PLANE_NAMESPACE, suffix);
    return new ServingCertificate([identity], SERVING_LIFETIME_MS, () => this.trust.current?.issuer ?? null, clock);
  }
}
