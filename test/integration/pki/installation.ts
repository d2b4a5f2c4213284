import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { Registry } from 'prom-client';
import type { MeshModel } from '../../../crds/kinds/mesh/model.ts';
import { MESH } from '../../../crds/kinds/mesh/model.ts';
import { DEFAULT_MESH } from '../../../crds/kinds/mesh/parse.ts';
import { KINDS } from '../../../crds/kinds/registry.ts';
import { ClusterState } from '../../../crds/state/cluster-state.ts';
import { Certificates } from '../../../operator/certificates.ts';
import type { Notice } from '../../../operator/pki/notices.ts';
import { DEFAULT_LIMITS, Signing } from '../../../operator/pki/signing.ts';
import { meshReport } from '../../../operator/reconcilers/mesh.ts';
import { silentLog } from '../../../operator/runtime/log.ts';
import type { WantedCondition } from '../../../operator/status/condition.ts';
import { NO_LACKS } from '../../../operator/status/lacks.ts';
import { registerCertificateMetrics } from '../../../operator/telemetry/certificate-metrics.ts';
import type { CertifyAnswer, CertifyRequest } from '../../../proxy-image/contract/identity-messages.ts';
import { CONTROL_PLANE_SERVICE_ACCOUNT, serviceAccountIdentity } from '../../../proxy-image/contract/names.ts';
import { resolveHost } from '../../../proxy-image/io/control/resolve.ts';
import { IdentityAgent } from '../../../proxy-image/io/identity/agent.ts';
import { CertifyClient, CertifyRefused } from '../../../proxy-image/io/identity/certify.ts';
import { IdentityStore } from '../../../proxy-image/io/identity/store.ts';
import { createNodeTransport } from '../../../proxy-image/io/transport/node.ts';
import type { TlsContext } from '../../../proxy-image/io/transport/types.ts';
import type { FakeClock } from '../../fakes/clock.ts';
import { MemoryLogger } from '../../fakes/logger.ts';
import { MemorySecrets } from '../../fakes/secrets.ts';
import { FakeTimers } from '../../fakes/timers.ts';
import { tokenReviewOf } from '../../support/control-plane.ts';
import { meta } from '../../support/models.ts';
import { isAccepted } from '../../support/verify-chain.ts';

const SUFFIX = DEFAULT_MESH.identity.suffix;
export const OPERATOR = serviceAccountIdentity(CONTROL_PLANE_SERVICE_ACCOUNT, 'weft-system', SUFFIX);

const transport = createNodeTransport((error) => {
  throw error;
});

/** Secrets with the position that informers would have. */
class ClusterSecrets extends MemorySecrets {
  readonly newestVersion = '1';
}

/** One process of the operator, as far as it has to do with certificates. */
export class Replica {
  readonly certificates: Certificates;
  readonly signing: Signing;
  readonly registry = new Registry();
  readonly #state: ClusterState;
  readonly #clock: FakeClock;

  constructor({ secrets, configMaps, clock, notices, mesh }: Installation, trustChanged: (replica: Replica) => void) {
    this.#clock = clock;
    this.#state = new ClusterState(KINDS);
    this.#state.apply(MESH, mesh, meta('default', { namespace: '' }));
    const nowMs = () => clock.wallMs();
    this.certificates = new Certificates({
      secrets,
      configMaps: { get: async (name) => configMaps.get(name) ?? null },
      state: this.#state,
      changed: () => {},
      problemsChanged: () => {},
      proxies: async () => null,
      tell: (notice) => notices.push(notice),
      observer: registerCertificateMetrics(this.registry, () => this.certificates.dates(), nowMs),
      webhookHosts: [],
      clock,
      log: silentLog,
    });
    this.certificates.trust.onChange(() => trustChanged(this));
    this.signing = new Signing({
      trust: () => this.certificates.trust.current,
      settings: () => ({ suffix: SUFFIX, lifetimeMs: mesh.identity.certificateLifetimeMs, requirePod: true }),
      tokens: { review: (token) => Promise.resolve(tokenReviewOf(token)) },
      audit: () => {},
      clock,
      random: () => 0.5,
      limits: DEFAULT_LIMITS,
    });
  }

  get anchorsPem(): string {
    return this.certificates.trust.current?.anchorsPem ?? '';
  }

  /** What the Mesh's status would say now. */
  status(): { condition: WantedCondition; fields: Readonly<Record<string, unknown>>; ready: boolean } {
    const { trust, settings, problems, renewalProblems } = this.certificates;
    const meta = { namespace: '', name: 'default', uid: '', generation: 1, resourceVersion: '1', labels: {} };
    const resource = { meta, deleting: false, parsed: { model: DEFAULT_MESH, problems: [] }, status: undefined };
    const report = meshReport(
      resource as unknown as Parameters<typeof meshReport>[0],
      {
        certificates: trust.current,
        authorities: trust.held,
        settings,
        certificateProblems: problems,
        renewalProblems,
        rotation: trust.rotation,
        proxies: { connected: 0, current: 0, unseen: '', patienceMs: 0 },
        operatorReplicas: 2,
        definitionProblems: [],
        otherInjectors: [],
        lacks: NO_LACKS,
        liveNumbers: { is: 'reached' },
      },
      this.#clock.wallMs(),
    );
    const condition = report.conditions.find(({ type }) => type === 'CertificatesValid')!;
    return { condition, fields: report.fields, ready: report.verdict.outcome === 'ready' };
  }

  async metric(name: string, certificate: string): Promise<number> {
    const found = (await this.registry.getSingleMetric(name)?.get())?.values ?? [];
    return found.find(({ labels }) => labels['certificate'] === certificate)?.value ?? Number.NaN;
  }
}

/** A pod with its proxy. Its environment, like that of a real pod, never changes. */
export class Pod {
  readonly name: string;
  /** Reached by the operator: gets new bundles by the stream. Without it (direct mode) they come with certificates only. */
  readonly streams: boolean;
  /** No network to the operator. */
  isAway = false;
  readonly log = new MemoryLogger();
  #agent: IdentityAgent | null = null;
  readonly #dir: string;
  readonly #injectedPem: string;
  readonly #installation: Installation;

  constructor(installation: Installation, name: string, streams: boolean) {
    this.#installation = installation;
    this.name = name;
    this.streams = streams;
    this.#injectedPem = installation.leader.anchorsPem;
    this.#dir = mkdtempSync(join(installation.dir, `${name}-`));
    writeFileSync(join(this.#dir, 'token'), `shop/${name}/${name}-1`);
  }

  get agent(): IdentityAgent {
    return this.#agent!;
  }

  /** `anew`: the node came up again, the memory-backed volume is empty. */
  async restart(anew = false): Promise<void> {
    this.#agent?.stop();
    if (anew) rmSync(join(this.#dir, 'identity.json'), { force: true });
    const { clock } = this.#installation;
    this.#agent = new IdentityAgent(
      transport,
      new SameProcessClient(this.#installation, this),
      new IdentityStore(this.#dir),
      {
        name: serviceAccountIdentity(this.name, 'shop', SUFFIX),
        tokenFile: join(this.#dir, 'token'),
        trustAnchorsPem: this.#injectedPem,
      },
      { timers: new FakeTimers(clock), wallMs: () => clock.wallMs(), random: () => 0.5 },
      this.log,
    );
    await this.#agent.start();
  }

  stop(): void {
    this.#agent?.stop();
  }

  get chainPem(): string {
    return this.agent.current()?.context.credentials.certificatePem ?? '';
  }

  /** Has a certificate that its peers would still take by its dates, and that is not due. */
  isFresh(nowMs: number): boolean {
    const current = this.agent.current();
    if (current === null) return false;
    return current.notAfterMs - nowMs > 0.29 * (current.notAfterMs - current.notBeforeMs);
  }
}

/** The call to port 8080 without sockets: TLS would go by the present. The certificates are verified as it would, at the installation's time. */
class SameProcessClient extends CertifyClient {
  readonly #installation: Installation;
  readonly #pod: Pod;

  constructor(installation: Installation, pod: Pod) {
    super(transport, resolveHost, { host: '127.0.0.1', port: 0, identity: OPERATOR });
    this.#installation = installation;
    this.#pod = pod;
  }

  override async certify(context: TlsContext, token: string, csr: Uint8Array): Promise<CertifyAnswer> {
    if (this.#pod.isAway) throw new Error('no route to the operator');
    const replica = this.#installation.anyReplica();
    const chainPem = replica.certificates.control.current?.certPem ?? '';
    const { anchorsPem } = context.credentials;
    if (!isAccepted(chainPem, anchorsPem, this.#installation.clock.wallMs()))
      throw new Error('WEFT_CONTROL_IDENTITY: the operator is not trusted');
    const request: CertifyRequest = { type: 'certify', token, csr: Buffer.from(csr).toString('base64') };
    const answer = await replica.signing.certify(request, '10.0.0.1');
    if (answer.type === 'certificate') return answer;
    throw new CertifyRefused(answer.code, answer.message, answer.retryAfterMs ?? 0);
  }
}

/** A default installation: two replicas of the operator, pods, and what the API server knows of the webhooks. */
export class Installation {
  readonly clock: FakeClock;
  readonly mesh: MeshModel;
  readonly secrets = new ClusterSecrets();
  readonly configMaps = new Map<string, Readonly<Record<string, string>>>();
  readonly dir = mkdtempSync(join(tmpdir(), 'weft-installation-'));
  readonly pods: Pod[] = [];
  /** Events of whoever led. */
  readonly notices: Notice[] = [];
  replicas: Replica[] = [];
  /** `clientConfig.caBundle` as it was applied last: the write takes until the next step. */
  caBundlePem = '';
  #asked = 0;

  constructor(clock: FakeClock, mesh = DEFAULT_MESH) {
    this.clock = clock;
    this.mesh = mesh;
    this.secrets.serverMs = () => clock.wallMs();
  }

  /** The leader; the others are behind it. */
  get leader(): Replica {
    return this.replicas[0]!;
  }

  /** As the Service would: in turn. */
  anyReplica(): Replica {
    this.#asked += 1;
    return this.replicas[this.#asked % this.replicas.length]!;
  }

  /** A process that starts; the first leads. */
  async startReplica(): Promise<Replica> {
    const replica = new Replica(this, (changed) => this.#trustChanged(changed));
    this.replicas.push(replica);
    void replica.certificates.start();
    if (this.replicas.length === 1) await replica.certificates.lead();
    await this.clock.leap(1_000);
    return replica;
  }

  /** The leader ends; the next one takes over, and a new process joins. */
  async changeLeader(): Promise<void> {
    const [old] = this.replicas.splice(0, 1);
    await old?.certificates.stop();
    await this.leader.certificates.lead();
    await this.startReplica();
  }

  async inject(name: string, streams = true): Promise<Pod> {
    const pod = new Pod(this, name, streams);
    this.pods.push(pod);
    await pod.restart();
    await this.settled([pod]);
    return pod;
  }

  async stop(): Promise<void> {
    for (const pod of this.pods) pod.stop();
    await Promise.all(this.replicas.map(({ certificates }) => certificates.stop()));
    rmSync(this.dir, { recursive: true });
  }

  /** Waits for connected proxies to have what they ask for: keys are made by threads that know nothing of the clock. */
  async settled(pods: readonly Pod[] = this.pods.filter(({ isAway }) => !isAway)): Promise<void> {
    const endMs = performance.now() + 5_000;
    while (!pods.every((pod) => pod.isFresh(this.clock.wallMs()))) {
      if (performance.now() > endMs) {
        const late = pods.filter((pod) => !pod.isFresh(this.clock.wallMs()));
        const said = late.map(({ name, log }) => `${name}: ${JSON.stringify(log.lines.at(-1))}`);
        throw new Error(`at ${new Date(this.clock.wallMs()).toISOString()} without certificate: ${said.join('; ')}`);
      }
      await turn();
    }
  }

  #trustChanged(replica: Replica): void {
    for (const pod of this.pods) {
      if (pod.streams && !pod.isAway) pod.agent.replaceAnchors(replica.anchorsPem);
    }
  }
}
