import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeObject } from '../../../cli/install/object.ts';
import { KINDS } from '../../../crds/kinds/registry.ts';
import { startApiServer, type TestApiServer } from '../../../hack/apiserver/server.ts';
import { CONTROL_PLANE_NAMESPACE, PROXY_CONTAINER } from '../../../proxy-image/contract/names.ts';
import { countWrites } from '../../integration/operator/api-server-writes.ts';
import { AuditLog } from '../../integration/operator/audit.ts';
import { eventually } from '../../support/eventually.ts';
import { installGatewayApi } from '../../support/gateway-api.ts';
import { Git } from './git.ts';
import { kubectl, read } from './kubectl.ts';
import { Life } from './life.ts';
import { SmallNode } from './node.ts';
import { differing, kustomized, objectsIn, templated, type Variant } from './packages.ts';
import { Services } from './services.ts';

const SAMPLES = ['samples/gitops/mesh', 'samples/gitops/shop'];
const READY_MS = 300_000;
const POLL_MS = 1_000;
const STEP_MS_MAX = 30_000;
/** So many steps of life in the whole time, where it is short. */
const STEPS = 40;

/** Of kinds of ours, as `countWrites` calls them. */
const WRITES = / (?:create|update|patch|delete|deletecollection)$/;
const REVIEWS = /reviews /;
const STATUSES = new RegExp(
  ` (?:${KINDS.filter(({ group }) => group.includes('.') && !group.endsWith('.k8s.io'))
    .map(({ plural }) => plural)
    .join('|')})/status$`,
);
const POD = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'asked', namespace: 'shop' },
  spec: { containers: [{ name: 'app', image: 'localhost/app:dev' }] },
};

interface Reported extends KubeObject {
  status?: {
    observedGeneration?: number;
    conditions?: { type: string; status: string }[];
    proxies?: string;
    rotation?: { phase: string; anchor?: string };
  };
}

/** A cluster with one node, in which an installation and the samples are synced from Git. */
export class World {
  readonly git: Git;
  readonly life: Life;
  /** What two renderings and the kustomization do not have in common. */
  readonly sameness: readonly string[];
  readonly #api: TestApiServer;
  readonly #variant: Variant;
  readonly #text: string;
  readonly #mesh: KubeObject;
  readonly #node: SmallNode;
  readonly #services: Services;
  readonly #directory: string;
  readonly #audit: AuditLog;
  #rotations = 0;

  private constructor(parts: {
    api: TestApiServer;
    variant: Variant;
    text: string;
    sameness: readonly string[];
    mesh: KubeObject;
    git: Git;
    directory: string;
    audit: AuditLog;
    controlHost: string;
    stepMs: number;
  }) {
    const { api, controlHost } = parts;
    this.#api = api;
    this.#variant = parts.variant;
    this.#text = parts.text;
    this.sameness = parts.sameness;
    this.#mesh = parts.mesh;
    this.git = parts.git;
    this.#directory = parts.directory;
    this.#audit = parts.audit;
    this.#node = new SmallNode(api, this.#directory, controlHost);
    this.#services = new Services(api.kubeconfigPath, CONTROL_PLANE_NAMESPACE);
    this.life = new Life(api, this.#node, parts.stepMs);
  }

  static async start(variant: Variant, minutes: number): Promise<World> {
    const directory = mkdtempSync(join(tmpdir(), 'weft-drift-'));
    const audit = new AuditLog(directory);
    const { apiServerArguments } = audit;
    const api = await startApiServer({ controllerManager: true, apiServerArguments });
    try {
      await installGatewayApi(api);
      const [text, again] = [await templated(variant), await templated(variant)];
      const installed = objectsIn(text);
      const others = differing(installed, objectsIn(await kustomized(api.kubectlPath, variant.folder)));
      const sameness = [...(text === again ? [] : ['the charts are other bytes the second time']), ...others];
      const samples = await Promise.all(SAMPLES.map((folder) => kustomized(api.kubectlPath, folder)));
      const mesh = shortLived(samples.flatMap(objectsIn).find(({ kind }) => kind === 'Mesh')!, minutes);
      const wanted = [...installed, ...samples.flatMap(objectsIn).map((each) => (each.kind === 'Mesh' ? mesh : each))];
      const git = new Git(api, wanted);
      await git.sync();
      const [operator] = await read(api, ['service', '-n', CONTROL_PLANE_NAMESPACE, 'weft-operator']);
      const { clusterIP: controlHost } = (operator as unknown as { spec: { clusterIP: string } }).spec;
      const stepMs = Math.min(STEP_MS_MAX, (minutes * 60_000) / STEPS);
      return new World({ api, variant, text, sameness, mesh, git, directory, audit, controlHost, stepMs });
    } catch (error) {
      await api.stop();
      throw error;
    }
  }

  /** Resolves when all that the samples have is accepted, and the operator's webhooks have let pods in. */
  async run(): Promise<void> {
    await this.#node.start();
    this.#services.start();
    await this.#eventually('everything is looked at', async () => {
      const all = (await read(this.#api, ['weft', '-A'])) as Reported[];
      return all.every(({ kind, metadata, status }) =>
        kind === 'HTTPRoute' ? status !== undefined : status?.observedGeneration === metadata.generation,
      );
    });
    await this.#eventually('pods are injected', async () => {
      const args = ['create', '--dry-run=server', '-o', 'json', '-f', '-'];
      return (await kubectl(this.#api, args, JSON.stringify(POD))).includes(PROXY_CONTAINER);
    });
    await this.life.begin();
    await this.#eventually('proxies are counted on the Mesh', async () => {
      const proxies = (await this.#status())?.proxies ?? '';
      return /^(\d+)\/\1$/.test(proxies) && !proxies.startsWith('0');
    });
  }

  /** Another value of all three, and what the Mesh says when it is done. */
  async rotate(): Promise<string> {
    this.#rotations += 1;
    const value = String(this.#rotations);
    const spec = this.#mesh['spec'] as { identity: object };
    const identity = { ...spec.identity, rotation: { anchor: value, issuer: value, leaf: value } };
    await this.git.commit({ ...this.#mesh, spec: { ...spec, identity } } as KubeObject);
    let said = '';
    await this.#eventually('the rotation is done', async () => {
      const status = (await this.#status())?.rotation;
      said = JSON.stringify(status);
      return status?.phase === 'Done' && status.anchor === value;
    }).catch((cause: unknown) => {
      throw new Error(`the last that was said: ${said}`, { cause });
    });
    return said;
  }

  /** How the charts are rendered by now. */
  async rendered(): Promise<string[]> {
    return (await templated(this.#variant)) === this.#text ? [] : ['the charts are other bytes than before'];
  }

  /** What the control plane writes in so long, in which nothing changes: a line for each write that is not the leader's renewal of its lease. */
  async quiet(forMs: number): Promise<string[]> {
    const before = this.#audit.read().length;
    await sleep(forMs);
    const asked = this.#audit.read().slice(before);
    const writes = asked.filter(({ right }) => WRITES.test(right) && !REVIEWS.test(right));
    const [leases, others] = [true, false].map((isLease) =>
      writes.filter(({ right }) => right.includes('leases') === isLease),
    );
    if (leases!.length === 0) return ['no lease was renewed: nobody leads, or nothing is counted'];
    return others!.map(({ account, right, name }) => `${account}: ${right} ${name}`);
  }

  /** What has happened so far, in words. */
  async account(): Promise<string> {
    const written = Object.entries(await countWrites(this.#api)).reduce(
      (sum, [what, count]) => sum + (STATUSES.test(what) ? count : 0),
      0,
    );
    const events = (await read(this.#api, ['events', '-A'])).map((event) => String(event['reason']));
    const renewed = events.filter((reason) => reason.endsWith('Renewed')).length;
    const happened = [...this.life.counts].map(([what, count]) => `${what} ${count}`).join(', ');
    return `${this.#node.begun} pods begun, ${this.#node.ended} ended, ${happened}; ${written} statuses written, ${renewed} authorities renewed`;
  }

  async stop(): Promise<void> {
    await this.life.stop();
    await this.#node.stop();
    await this.#services.stop();
    await this.#api.stop();
    if (process.env['KEEP'] === undefined) rmSync(this.#directory, { recursive: true, force: true });
  }

  async #status(): Promise<Reported['status']> {
    const [mesh] = (await read(this.#api, ['mesh', 'default'])) as Reported[];
    return mesh?.status;
  }

  #eventually<T>(what: string, check: () => Promise<T | null | false>): Promise<T> {
    const paced = async () => {
      await sleep(POLL_MS);
      return check();
    };
    return eventually(what, paced, READY_MS);
  }
}

/** Everything is renewed while life goes on: certificates several times, the issuer a few, the anchor once. */
function shortLived(mesh: KubeObject, minutes: number): KubeObject {
  if (minutes === 0) return mesh;
  const life = (part: number) => `${Math.max(15, Math.round(minutes * 60 * part))}s`;
  const identity = { certificateLifetime: life(0.15), issuerLifetime: life(0.4), anchorLifetime: life(0.9) };
  return { ...mesh, spec: { ...(mesh['spec'] as object), identity } } as KubeObject;
}
