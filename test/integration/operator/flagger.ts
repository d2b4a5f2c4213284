import { isDeepStrictEqual } from 'node:util';
import { failureOf } from '../../../operator/runtime/errors.ts';
import { NAMESPACE } from './delivery.ts';
import type { Cluster, SeenObject } from './plane.ts';

/** What a Canary says, as far as traffic goes. Its target and its Service have its name. */
export interface Canary {
  name: string;
  uid: string;
  port: number;
  /** `spec.service.hosts` */
  hosts?: readonly string[];
  /** `spec.analysis.match`: the headers of an A/B test */
  testers?: readonly { name: string; type: 'Exact' | 'RegularExpression'; value: string }[];
  /** `spec.analysis.sessionAffinity.cookieName` */
  cookieName?: string;
  /** `spec.analysis.mirror`; of a release that is under way */
  mirror?: boolean;
}

/** In percent. `mirrored`: requests go to the canary besides. */
export interface Weights {
  primary: number;
  canary: number;
  mirrored?: boolean;
}

/** What Flagger asks of a mesh (pkg/router/router.go: `Interface`); to finalize is nothing to any of these. */
export interface MeshRouter {
  reconcile(): Promise<void>;
  /** @throws where Flagger would wait */
  getRoutes(): Promise<Weights>;
  setRoutes(weights: Weights): Promise<void>;
}

/**
 * One pass over a Canary (pkg/controller/scheduler.go: `advanceCanary`): the Services, the router, and where a step is due, the weights. What fails ends the pass;
 * the next one begins anew.
 */
export async function pass(services: Services, router: MeshRouter, step?: Weights): Promise<void> {
  await services.initialize();
  await services.reconcile();
  await router.reconcile();
  if (step === undefined) return;
  await router.getRoutes();
  await router.setRoutes(step);
}

/** @returns of a Canary the reference that its objects have */
function ownerOf({ name, uid }: Canary): object {
  const owner = { apiVersion: 'flagger.app/v1beta1', kind: 'Canary', name, uid };
  return { ...owner, controller: true, blockOwnerDeletion: true };
}

/** An object as a client of Go's types reads it, and writes it back whole: what a type does not know is not in it. */
export class TypedClient<T extends SeenObject> {
  /** Every PUT that was taken: the object before, what was sent, the answer. */
  readonly writes: { before: SeenObject; sent: T; stored: SeenObject }[] = [];
  readonly #cluster: Cluster;
  readonly #collection: string;
  readonly #name: string;
  readonly #typed: (raw: SeenObject) => T;

  constructor(cluster: Cluster, collection: string, name: string, typed: (raw: SeenObject) => T) {
    this.#cluster = cluster;
    this.#collection = collection;
    this.#name = name;
    this.#typed = typed;
  }

  get path(): string {
    return `${this.#collection}/${this.#name}`;
  }

  /** `null`: there is none. */
  async read(): Promise<T | null> {
    try {
      return this.#typed(await this.#cluster.read<SeenObject>(this.path));
    } catch (error) {
      if (failureOf(error) === 'NotFound') return null;
      throw error;
    }
  }

  create(content: object): Promise<SeenObject> {
    return this.#cluster.create(this.#collection, content);
  }

  /** Once: another's write in between is the caller's error. */
  async update(sent: T): Promise<void> {
    const before = await this.#cluster.read<SeenObject>(this.path);
    this.writes.push({ before, sent, stored: await this.#cluster.put(this.path, sent) });
  }
}

interface ServiceObject extends SeenObject {
  spec: { selector?: Record<string, string>; [field: string]: unknown };
}

/** The three Services (pkg/router/kubernetes_default.go). One that is there already is taken over by its selector. */
export class Services {
  readonly #cluster: Cluster;
  readonly #canary: Canary;

  constructor(cluster: Cluster, canary: Canary) {
    this.#cluster = cluster;
    this.#canary = canary;
  }

  async initialize(): Promise<void> {
    const { name } = this.#canary;
    await this.#ensure(`${name}-canary`, name);
    await this.#ensure(`${name}-primary`, `${name}-primary`);
  }

  /** The Service that clients call selects the primary's pods. */
  reconcile(): Promise<void> {
    return this.#ensure(this.#canary.name, `${this.#canary.name}-primary`);
  }

  /** `revertOnDeletion`: the pods that it had before. */
  finalize(): Promise<void> {
    return this.#ensure(this.#canary.name, this.#canary.name);
  }

  async #ensure(name: string, app: string): Promise<void> {
    const path = `/api/v1/namespaces/${NAMESPACE}/services`;
    const client = new TypedClient(this.#cluster, path, name, (raw) => raw as ServiceObject);
    const held = await client.read();
    if (held === null) {
      const { port } = this.#canary;
      const ports = [{ name: 'http', protocol: 'TCP', port, targetPort: port }];
      const metadata = { name, labels: { app: name }, ownerReferences: [ownerOf(this.#canary)] };
      await client.create({ metadata, spec: { type: 'ClusterIP', selector: { app }, ports } });
    } else if (!isDeepStrictEqual(held.spec.selector, { app })) {
      await client.update({ ...held, spec: { ...held.spec, selector: { app } } });
    }
  }
}

interface Split extends SeenObject {
  spec: { service: string; backends: { service: string; weight: number }[] };
}

export type SplitVersion = 'v1alpha1' | 'v1alpha2' | 'v1alpha3';

/** By TrafficSplits (pkg/router/{smi,smi_v1alpha2,smi_v1alpha3}.go). Its types know no status, and of the first version quantities. */
export class SplitRouter implements MeshRouter {
  readonly client: TypedClient<Split>;
  readonly #canary: Canary;
  readonly #version: SplitVersion;

  constructor(cluster: Cluster, canary: Canary, version: SplitVersion) {
    this.#canary = canary;
    this.#version = version;
    const collection = `/apis/split.smi-spec.io/${version}/namespaces/${NAMESPACE}/trafficsplits`;
    this.client = new TypedClient(cluster, collection, canary.name, (raw) => this.#typed(raw as Split));
  }

  async reconcile(): Promise<void> {
    const { name, hosts = [] } = this.#canary;
    const spec = { service: hosts[0] ?? name, backends: this.#backends({ primary: 100, canary: 0 }) };
    const held = await this.client.read();
    if (held === null) {
      const metadata = { name, namespace: NAMESPACE, ownerReferences: [ownerOf(this.#canary)] };
      await this.client.create(this.#sent({ metadata, spec }));
    } else if (!isDeepStrictEqual(withoutWeights(held.spec), withoutWeights(spec))) {
      await this.client.update(this.#sent({ ...held, spec }));
    }
  }

  async getRoutes(): Promise<Weights> {
    const backends = (await this.#read()).spec.backends;
    const [canary, primary] = ['canary', 'primary'].map((role) => {
      const service = `${this.#canary.name}-${role}`;
      return backends.find((backend) => backend.service === service)?.weight ?? 0;
    });
    if (primary === 0 && canary === 0) throw new Error('no weights');
    return { primary: primary!, canary: canary! };
  }

  async setRoutes(weights: Weights): Promise<void> {
    const held = await this.#read();
    await this.client.update(this.#sent({ ...held, spec: { ...held.spec, backends: this.#backends(weights) } }));
  }

  async #read(): Promise<Split> {
    const held = await this.client.read();
    if (held === null) throw new Error('there is no split');
    return held;
  }

  #backends({ primary, canary }: Weights): Split['spec']['backends'] {
    const { name } = this.#canary;
    return [
      { service: `${name}-canary`, weight: canary },
      { service: `${name}-primary`, weight: primary },
    ];
  }

  #typed({ apiVersion, kind, metadata, spec }: Split): Split {
    const backends = spec.backends.map(({ service, weight }) => ({ service, weight: this.#read64(weight) }));
    return { apiVersion, kind, metadata, spec: { service: spec.service, backends } };
  }

  /** A client of whole numbers fails at anything else; one of quantities reads both. */
  #read64(weight: unknown): number {
    if (this.#version !== 'v1alpha1' && typeof weight !== 'number') throw new Error(`cannot decode ${String(weight)}`);
    return Number(weight);
  }

  /** Quantities are strings in JSON (apimachinery: pkg/api/resource/quantity.go). */
  #sent<O extends { spec: Split['spec'] }>(split: O): Split {
    const backends = split.spec.backends.map(({ service, weight }) => {
      return { service, weight: this.#version === 'v1alpha1' ? String(weight) : weight };
    });
    const apiVersion = `split.smi-spec.io/${this.#version}`;
    return { ...split, apiVersion, kind: 'TrafficSplit', spec: { ...split.spec, backends } } as unknown as Split;
  }
}

function withoutWeights({ service, backends }: Split['spec']): object {
  return { service, backends: backends.map((backend) => backend.service) };
}

interface Backend {
  name: string;
  weight: number;
  filters?: object[];
  [field: string]: unknown;
}

interface Rule {
  matches: { headers?: { name: string; value: string }[]; [field: string]: unknown }[];
  filters?: { type: string; [field: string]: unknown }[];
  backendRefs: Backend[];
}

interface SeenParent {
  parentRef: object;
  conditions: { type: string; status: string; observedGeneration: number }[];
}

export interface Route extends SeenObject {
  spec: { parentRefs: object[]; rules: Rule[] };
}

export function parentsOf({ status }: SeenObject): SeenParent[] {
  return ((status ?? {}) as { parents?: SeenParent[] }).parents ?? [];
}

const EVERYTHING = { path: { type: 'PathPrefix', value: '/' } };

/** By HTTPRoutes (pkg/router/{gateway_api,gateway_api_v1beta1}.go). The older version does not look at the status. */
export class RouteRouter implements MeshRouter {
  readonly client: TypedClient<Route>;
  readonly #canary: Canary;
  readonly #version: 'v1' | 'v1beta1';
  /** `status.sessionAffinityCookie` of the Canary, and that of the run before. */
  #cookie = '';
  #previousCookie = '';

  constructor(cluster: Cluster, canary: Canary, version: 'v1' | 'v1beta1') {
    this.#canary = canary;
    this.#version = version;
    const collection = `/apis/gateway.networking.k8s.io/${version}/namespaces/${NAMESPACE}/httproutes`;
    this.client = new TypedClient(cluster, collection, canary.name, (raw) => raw as Route);
  }

  /** `spec.service.gatewayRefs`, as Flagger's guide for Linkerd has it. */
  get parentRefs(): object[] {
    const { name, port } = this.#canary;
    return [{ group: 'core', kind: 'Service', name, namespace: NAMESPACE, port }];
  }

  async reconcile(): Promise<void> {
    const spec = { parentRefs: this.parentRefs, rules: this.#rules([this.#weighted({ primary: 100, canary: 0 })]) };
    const held = await this.client.read();
    if (held === null) {
      const metadata = { name: this.#canary.name, namespace: NAMESPACE, ownerReferences: [ownerOf(this.#canary)] };
      const apiVersion = `gateway.networking.k8s.io/${this.#version}`;
      // Its type has a status that is never left out.
      await this.client.create({ apiVersion, kind: 'HTTPRoute', metadata, spec, status: { parents: null } });
    } else if (!isDeepStrictEqual(this.#compared(held.spec), this.#compared(spec))) {
      await this.client.update({ ...held, spec });
    }
  }

  async getRoutes(): Promise<Weights> {
    const held = await this.#read();
    if (this.#version === 'v1') this.#checkAccepted(held);
    const { name } = this.#canary;
    let weights: Weights = { primary: 0, canary: 0 };
    for (const { backendRefs } of held.spec.rules.filter((rule) => rule.backendRefs.length === 2)) {
      const [canary, primary] = ['canary', 'primary'].map((role) => {
        return backendRefs.find((backend) => backend.name === `${name}-${role}`)?.weight ?? 0;
      });
      weights = { primary: primary!, canary: canary! };
    }
    return { ...weights, mirrored: held.spec.rules.some(({ filters = [] }) => filters.some(isMirror)) };
  }

  async setRoutes(weights: Weights): Promise<void> {
    const held = await this.#read();
    const rules = this.#rules(this.#withAffinity(this.#weighted(weights), weights.canary));
    await this.client.update({ ...held, spec: { parentRefs: this.parentRefs, rules } });
  }

  /** Of the parents that it has written itself, verbatim, every one that has a status must be accepted in the present generation. */
  #checkAccepted(held: Route): void {
    for (const { parentRef, conditions } of parentsOf(held)) {
      if (!held.spec.parentRefs.some((own) => isDeepStrictEqual(own, parentRef))) continue;
      for (const { type, status, observedGeneration } of conditions) {
        if (type !== 'Accepted') continue;
        if (status !== 'True' || observedGeneration < held.metadata.generation) throw new Error('parent is not ready');
      }
    }
  }

  async #read(): Promise<Route> {
    const held = await this.client.read();
    if (held === null) throw new Error('there is no route');
    return held;
  }

  #weighted({ primary, canary, mirrored = false }: Weights): Rule {
    const { name, port } = this.#canary;
    const backendRef = { group: '', kind: 'Service', name: `${name}-canary`, port };
    const filters = mirrored ? { filters: [{ type: 'RequestMirror', requestMirror: { backendRef } }] } : {};
    const backendRefs = [this.#backend('primary', primary), this.#backend('canary', canary)];
    return { matches: [EVERYTHING], ...filters, backendRefs };
  }

  #backend(role: 'primary' | 'canary', weight: number): Backend {
    const { name, port } = this.#canary;
    return { group: '', kind: 'Service', name: `${name}-${role}`, port, weight };
  }

  /** An A/B test: the weights are for the testers, everybody else stays with the primary. */
  #rules(rules: Rule[]): Rule[] {
    const { testers = [] } = this.#canary;
    const [first, ...others] = rules;
    if (testers.length === 0 || first === undefined) return rules;
    const matches = testers.map((header) => ({ ...EVERYTHING, headers: [header] }));
    const rest = { matches: [EVERYTHING], backendRefs: [this.#backend('primary', 100)] };
    return [{ ...first, matches }, ...others, rest];
  }

  /**
   * Session affinity: who was once answered by the canary gets a cookie, and is sent there by a rule of its own. Afterwards that rule has the weights of all
   * others, and takes the cookie away.
   */
  #withAffinity(weighted: Rule, canaryWeight: number): Rule[] {
    const { name, cookieName } = this.#canary;
    if (cookieName === undefined) return [weighted];
    if (canaryWeight === 0) {
      this.#previousCookie = this.#cookie || this.#previousCookie;
      this.#cookie = '';
      if (this.#previousCookie === '') return [weighted, weighted];
      const expired = setCookie(`${this.#previousCookie}; Max-Age=-1`);
      const filters = [...(weighted.filters ?? []), expired];
      return [{ ...weighted, matches: [cookieMatch(this.#previousCookie)], filters }, weighted];
    }
    this.#cookie ||= `${cookieName}=ItsTheSame`;
    const backendRefs = weighted.backendRefs.map((backend) => {
      const filters = [setCookie(`${this.#cookie}; Max-Age=86400`)];
      return backend.name === `${name}-canary` ? { ...backend, filters } : backend;
    });
    const sticky = [this.#backend('primary', 0), this.#backend('canary', 100)];
    return [
      { matches: [cookieMatch(this.#cookie)], backendRefs: sticky },
      { ...weighted, backendRefs },
    ];
  }

  /** What it compares: not the weights; with session affinity, neither the rule of the cookie nor filters of backends; while it mirrors, no filters of rules. */
  #compared({ parentRefs, rules }: Route['spec']): object {
    const isAffine = this.#canary.cookieName !== undefined;
    const { mirror = false } = this.#canary;
    const kept = rules.filter((rule) => !isAffine || !isOfCookie(rule));
    const compared = kept.map(({ backendRefs, filters: ofRule, ...rule }) => {
      const others = backendRefs.map(({ weight: _weight, filters, ...backend }) => {
        return isAffine ? backend : { ...backend, filters };
      });
      return { ...rule, filters: mirror ? [] : ofRule, backendRefs: others };
    });
    return { parentRefs, rules: compared };
  }
}

const isMirror = ({ type }: { type: string }) => type === 'RequestMirror';
const isOfCookie = ({ matches }: Rule) =>
  matches.some(({ headers = [] }) => headers.some((each) => each.name === 'Cookie'));

function setCookie(value: string): { type: string; responseHeaderModifier: object } {
  const responseHeaderModifier = { add: [{ name: 'Set-Cookie', value }] };
  return { type: 'ResponseHeaderModifier', responseHeaderModifier };
}

function cookieMatch(cookie: string): { headers: { type: string; name: string; value: string }[] } {
  const [name, value] = cookie.split('=');
  return { headers: [{ type: 'RegularExpression', name: 'Cookie', value: `.*${name}.*${value}.*` }] };
}
