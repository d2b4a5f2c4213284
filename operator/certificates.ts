import type { MeshModel } from '../crds/kinds/mesh/model.ts';
import { meshOf } from '../crds/kinds/mesh/queries.ts';
import type { ClusterState } from '../crds/state/cluster-state.ts';
import { CONTROL_PLANE_NAMESPACE, CONTROL_PLANE_SERVICE, VIZ_SERVICE } from '../proxy-image/contract/names.ts';
import type { ConfigMapStore } from './pki/anchors.ts';
import { ControlCertificate, controlName } from './pki/control.ts';
import type { RenewalReport } from './pki/custody.ts';
import type { MeshTrust } from './pki/mesh-trust.ts';
import { expiryNotices, type Notice, Reminders, refusalNotice, renewalNotice, rotationNotice } from './pki/notices.ts';
import type { TrustPublisher } from './pki/publisher.ts';
import { type Received, ReceivedTrust } from './pki/received-trust.ts';
import type { SecretStore } from './pki/secrets.ts';
import { SERVING_LIFETIME_MS, ServingCertificate, type ServingCredentials } from './pki/serving.ts';
import { sourcesOf, type TrustSource } from './pki/sources.ts';
import { Trust, type TrustOptions } from './pki/trust.ts';
import type { Changed } from './reconcilers/feed.ts';
import { type Clock, sleep } from './runtime/clock.ts';
import { failureOf } from './runtime/errors.ts';
import { errorFields, type Log } from './runtime/log.ts';
import type { Component } from './runtime/manager.ts';
import { sameJson } from './status/change.ts';
import type { CertificateDates, CertificateName } from './telemetry/certificate-metrics.ts';

/** What is wrong is looked at this often, and everything where a Secret is not watched: the right to watch one that others keep is for them to give. */
const REFRESH_MS = 15_000;
/** Secrets and ConfigMap are watched; beside that they are read this often. */
const REREAD_MS = 60_000;
/** While something is missing, and at the most for authorities that live for seconds. */
const REFRESH_EAGER_MS = 500;
/** While a rotation waits for proxies: soon at first, and the less often the longer it takes. */
const LOOKS_PER_WAIT = 20;
/** Between the time at which an authority is due and its end, every replica must have read its successor: it looks at least this often. */
const LOOKS_BEFORE_END = 10;

export interface CertificatesOptions {
  /** `newestVersion`: greatest resourceVersion seen. */
  secrets: SecretStore & { readonly newestVersion: string };
  state: ClusterState;
  changed: Changed;
  configMaps: ConfigMapStore;
  /** What a process without the role `controllers` reads beside what the leader publishes; `null`, or not given: it reads the authorities themselves. */
  received?: Received | null;
  /** Where there may be such processes. */
  publisher?: TrustPublisher | undefined;
  /** Not given: what changes is seen when it is read the next time. */
  watches?: SourceWatches;
  /** What is wrong with the Secrets is another thing now, or is known of other settings. */
  problemsChanged: () => void;
  /** What proxies of all replicas have of the trust that `generation` names; `null`: it is not known of all. */
  proxies: NonNullable<TrustOptions['proxies']>;
  /** What people should know, on the leader only. */
  tell: (notice: Notice) => void;
  observer: CertificateObserver;
  /** Host names or addresses, beside the Service's, under which the API server calls the webhooks. */
  webhookHosts: readonly string[];
  clock: Clock;
  log: Log;
}

/** Hears of changes of Secrets and ConfigMaps by their names. */
export interface SourceWatches {
  /** These, and no others, from now on. */
  follow(sources: readonly TrustSource[], changed: () => void): void;
  /** Whether a change of any of them would be heard of. */
  readonly isWorking: boolean;
  stop(): Promise<void>;
}

/** Counts what this replica replaced. */
export interface CertificateObserver {
  renewed(name: CertificateName): void;
  failed(name: CertificateName): void;
}

/** Trust of the mesh and the operator's own certificates, kept fresh; proxies learn of a new bundle through the state. */
export class Certificates implements Component {
  readonly name = 'certificates';
  readonly trust: MeshTrust;
  readonly webhook: ServingCertificate;
  readonly #options: CertificatesOptions;
  readonly #abort = new AbortController();
  readonly #control: ControlCertificate;
  #leads = false;
  #started = false;
  #running: Promise<void> = Promise.resolve();
  /** Ends the pause between two looks at the Secrets. */
  #pause = new AbortController();
  readonly #reminders = new Reminders();
  #problems: readonly string[] = [];
  #settings: MeshModel['identity'] | null = null;
  #renewalProblems: readonly string[] = [];
  /** Why other roles could not be told; empty: they were. */
  #unpublished = '';

  constructor(options: CertificatesOptions) {
    const { clock, secrets, webhookHosts, received = null } = options;
    this.#options = options;
    this.trust = received === null ? this.#own() : new ReceivedTrust(secrets, clock, received);
    const suffix = () => meshOf(options.state).identity.suffix;
    const issuer = () => this.trust.current?.issuer ?? null;
    this.#control = new ControlCertificate(suffix, SERVING_LIFETIME_MS, issuer, clock);
    const services = [CONTROL_PLANE_SERVICE, VIZ_SERVICE].map((service) => `${service}.${CONTROL_PLANE_NAMESPACE}.svc`);
    const names = [...services, ...webhookHosts];
    this.webhook = new ServingCertificate(
      () => names,
      SERVING_LIFETIME_MS,
      () => this.trust.webhookAuthority,
      clock,
    );
  }

  /** What is wrong with the Secrets, one sentence each. */
  get problems(): readonly string[] {
    return this.#problems;
  }

  /** The settings that the trust and its problems speak of; `null` before the first look. */
  get settings(): MeshModel['identity'] | null {
    return this.#settings;
  }

  /** What was due and could not be replaced, one sentence each: nothing is lost yet. */
  get renewalProblems(): readonly string[] {
    return this.#renewalProblems;
  }

  /** Of everything that is held. */
  dates(): readonly CertificateDates[] {
    const served: [CertificateName, ServingCertificate][] = [
      ['webhook', this.webhook],
      ['control', this.control],
    ];
    const own = served.flatMap(([name, { dates }]) => (dates === null ? [] : [{ name, ...dates }]));
    return [...this.trust.held, ...own];
  }

  /** What the operator proves to proxies with; its name follows the Mesh. */
  get control(): ServingCertificate {
    return this.#control.present;
  }

  /** What replicas prove themselves with to one another, and to proxies that they ask; `null` before there is an issuer. */
  get mesh(): { keyPem: string; certPem: string; anchorsPem: string } | null {
    const { current } = this.control;
    if (current === null || this.trust.current === null) return null;
    return { ...current, anchorsPem: this.trust.current.anchorsPem };
  }

  /** The name that `control` proves. */
  get controlIdentity(): string {
    return controlName(meshOf(this.#options.state).identity.suffix);
  }

  /** The same for a proxy that was injected when the Mesh had another suffix; null where `control` will do. */
  controlNamed(serverName: string): ServingCredentials | null {
    return this.#control.named(serverName);
  }

  /** Started after the caches: the Mesh decides about names and issuer. */
  async start(): Promise<void> {
    this.#started = true;
    this.trust.onChange(() => this.#trustChanged());
    this.control.onChange(() => this.#options.observer.renewed('control'));
    this.webhook.onChange(() => this.#options.observer.renewed('webhook'));
    this.control.start();
    this.webhook.start();
    this.#running = this.#refreshForEver();
  }

  /** Of the authorities themselves. */
  #own(): Trust {
    const { secrets, clock, proxies, configMaps } = this.#options;
    const trust = new Trust(secrets, clock, { proxies, configMaps });
    trust.onRenewal((report) => this.#renewed(report));
    trust.onRotation((values) => this.#tell(rotationNotice(values)));
    return trust;
  }

  async stop(): Promise<void> {
    this.#abort.abort(new Error('stopping'));
    this.control.stop();
    this.webhook.stop();
    await Promise.all([this.#running, this.#options.watches?.stop()]);
  }

  /** The leader makes what is missing; the others wait for it. */
  async lead(): Promise<void> {
    this.#leads = true;
    await this.#refresh();
  }

  /** Resolves when nothing that this replica makes is under way any more; it goes on reading. */
  async follow(): Promise<void> {
    this.#leads = false;
    await this.#refresh();
  }

  /** The Mesh may ask for another issuer or suffix now. */
  settingsChanged(): void {
    if (!this.#started) return;
    this.control.renewIfDue();
    // At once, and then as often as what is asked for now needs it.
    this.#lookNow();
  }

  #lookNow(): void {
    this.#pause.abort(new Error('something has changed'));
  }

  async #refreshForEver(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#abort;
    while (!signal.aborted) {
      this.#pause = new AbortController();
      await this.#refresh();
      await sleep(clock, this.#pauseMs(), AbortSignal.any([signal, this.#pause.signal]));
    }
  }

  #pauseMs(): number {
    if (!this.trust.isComplete) return REFRESH_EAGER_MS;
    const { rotation } = this.trust;
    if (rotation !== null && rotation.phase !== 'Done') {
      const waitedMs = this.#options.clock.wallMs() - rotation.sinceMs;
      return Math.max(REFRESH_EAGER_MS, Math.min(REFRESH_MS, waitedMs / LOOKS_PER_WAIT));
    }
    const isCalm =
      this.trust.problems.length === 0 && this.#unpublished === '' && this.#options.watches?.isWorking === true;
    const windows = this.trust.held.map(({ notAfterMs, renewAtMs }) => notAfterMs - (renewAtMs ?? 0));
    return Math.max(
      REFRESH_EAGER_MS,
      Math.min(isCalm ? REREAD_MS : REFRESH_MS, ...windows.map((ms) => ms / LOOKS_BEFORE_END)),
    );
  }

  async #refresh(): Promise<void> {
    const { state, log, watches } = this.#options;
    const settings = meshOf(state).identity;
    if (!this.#abort.signal.aborted)
      watches?.follow(sourcesOf(settings, this.#options.received ?? null), () => this.#lookNow());
    try {
      const before = this.trust.rotation;
      await this.trust.refresh(settings, this.#leads);
      await this.#publish();
      if (this.#leads && this.trust.rotation?.phase !== before?.phase) this.#options.problemsChanged();
      // By now the Mesh asks for something else: that is looked at already.
      if (!sameJson(settings, meshOf(state).identity)) return;
      const [due, other] = partition(this.trust.problems, ({ code }) => code === 'WEFT_PKI_RENEWAL');
      this.#renewalProblems = due.map(({ message }) => message);
      this.#report(
        other.map(({ message }) => message),
        settings,
      );
      if (!this.#leads) return;
      // What could be read before is in force: traffic goes on, and nobody might look.
      const refused = this.trust.current === null ? [] : other.filter(({ code }) => code !== 'WEFT_PKI_ABSENT');
      for (const { message } of refused) this.#tell(refusalNotice(message));
      for (const notice of expiryNotices(this.trust.held, this.#options.clock.wallMs())) this.#tell(notice);
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      // Rights do not come back by themselves; an API server that is away does, and says nothing about the Secrets.
      if (failureOf(error) === 'Forbidden')
        this.#report([error instanceof Error ? error.message : String(error)], settings);
      else log.warn('could not read the Secrets of the trust', errorFields(error));
    }
  }

  /** For processes with other roles, which must not read what is read here. */
  async #publish(): Promise<void> {
    const { current } = this.trust;
    const { publisher } = this.#options;
    if (!this.#leads || publisher === undefined || current === null || current.issuer === null) return;
    const failure = await publisher.publish({ ...current, issuer: current.issuer }, this.controlIdentity).then(
      () => '',
      (error) => (error instanceof Error ? error.message : String(error)),
    );
    // What this process does itself goes on, for example with a Role of before these Secrets.
    if (failure !== '' && failure !== this.#unpublished && !this.#abort.signal.aborted)
      this.#options.log.warn('could not write what other roles need of the trust', { failure });
    this.#unpublished = failure;
  }

  #renewed(report: RenewalReport): void {
    if (report.outcome !== 'retired') this.#options.observer[report.outcome](report.name);
    this.#tell(renewalNotice(report));
  }

  /** Log and Event alike: what fails every 15 seconds, perhaps for months, is told once a day. */
  #tell(notice: Notice): void {
    const { clock, log, tell } = this.#options;
    if (!this.#reminders.isNew(notice, clock.wallMs())) return;
    const { type, reason, note } = notice;
    log[type === 'Warning' ? 'warn' : 'info']('certificate authorities', { reason, note });
    tell(notice);
  }

  #report(problems: readonly string[], settings: MeshModel['identity']): void {
    const changed = problems.join('; ') !== this.#problems.join('; ');
    const isNew = !sameJson(settings, this.#settings);
    this.#problems = problems;
    this.#settings = settings;
    if (!changed && isNew) this.#options.problemsChanged();
    if (!changed) return;
    // Before the first leader has made them, absent Secrets are nothing to warn of.
    const level = this.#leads || this.trust.current !== null ? 'warn' : 'info';
    if (problems.length > 0) this.#options.log[level]('the Secrets of the trust have problems', { problems });
    this.#options.problemsChanged();
  }

  #trustChanged(): void {
    const { state, secrets, changed } = this.#options;
    this.#control.adopt(this.trust.control);
    this.control.renewIfDue();
    this.webhook.renewIfDue();
    const { current } = this.trust;
    if (current === null) return;
    changed(state.applyTrust({ anchorsPem: current.anchorsPem, resourceVersion: secrets.newestVersion }));
  }
}

function partition<T>(items: readonly T[], holds: (item: T) => boolean): [T[], T[]] {
  return [items.filter(holds), items.filter((item) => !holds(item))];
}
