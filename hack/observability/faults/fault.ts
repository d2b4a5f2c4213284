/** What a fault is, and what several of them do. All of them are the local cluster's: pods are processes of this machine, and its network is at hand. */
import type { V1Pod } from '@kubernetes/client-node';
import { CONTROL_PLANE_NAMESPACE } from '../../../proxy-image/contract/names.ts';
import { applyText, getJson, kubectl, rollout } from '../../demo/kubectl.ts';
import { POLL } from '../world.ts';

export interface Fault {
  title: string;
  alerts: readonly string[];
  make(): Promise<void>;
  /** Called whatever became of `make`. */
  mend(): Promise<void>;
}

export const OPERATOR = 'deploy/weft-operator';

export const nothing = async (): Promise<void> => {};

/** `NAME=value`, or `NAME-` for the default. @returns without waiting for the new replica */
export function setOperator(assignment: string): Promise<unknown> {
  return kubectl(['-n', CONTROL_PLANE_NAMESPACE, 'set', 'env', OPERATOR, assignment]);
}

export function operatorIsReady(): Promise<void> {
  return rollout(CONTROL_PLANE_NAMESPACE, OPERATOR);
}

export function patchMesh(identity: Readonly<Record<string, unknown>>): Promise<unknown> {
  const mesh = { apiVersion: 'weft.dev/v1alpha1', kind: 'Mesh', metadata: { name: 'default' }, spec: { identity } };
  return applyText(JSON.stringify(mesh));
}

/** `name=value`, or `name-` to take it away. */
export function annotateService(service: string, ...annotations: string[]): Promise<unknown> {
  return kubectl(['-n', POLL, 'annotate', 'service', service, ...annotations, '--overwrite']);
}

/** A pod of one container that asks for a proxy, before it has one. */
export function meshedPod(name: string): V1Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: POLL, labels: { app: name }, annotations: { 'linkerd.io/inject': 'enabled' } },
    spec: {
      serviceAccountName: 'echo',
      containers: [{ name: 'app', image: 'localhost/weft-demo:dev', args: ['service'] }],
    },
  };
}

/** The same as the injector makes it, to be created when there is none, or otherwise. */
export async function injectedPod(name: string): Promise<V1Pod> {
  const input = JSON.stringify(meshedPod(name));
  const made = await kubectl(['create', '--dry-run=server', '-o', 'json', '-f', '-'], { input });
  const { status: _, metadata, ...injected } = JSON.parse(made.stdout) as V1Pod;
  const { namespace, labels, annotations } = metadata!;
  return { ...injected, metadata: { name, namespace, labels, annotations } };
}

export function create(object: object): Promise<unknown> {
  return kubectl(['create', '-f', '-'], { input: JSON.stringify(object) });
}

interface Rule {
  resources?: string[];
  verbs?: string[];
}

const MANAGER = 'weft-fault';

interface Owned {
  rules: Rule[];
  metadata: { managedFields?: { manager?: string }[] };
}

/** Rights of the operator, taken away and given back, so that whoever installs it next finds nobody else's rules in them (server-side apply: a conflict). */
export class Rights {
  readonly #role: readonly string[];
  readonly #isTaken: (rule: Rule) => boolean;
  #rules: readonly Rule[] = [];

  constructor(role: readonly string[], isTaken: (rule: Rule) => boolean) {
    this.#role = role;
    this.#isTaken = isTaken;
  }

  async take(): Promise<void> {
    this.#rules = (await getJson<Owned>(...this.#role)).rules;
    await this.#patch('merge', { rules: this.#rules.filter((rule) => !this.#isTaken(rule)) });
  }

  async giveBack(): Promise<void> {
    if (this.#rules.length === 0) return;
    await this.#patch('merge', { rules: this.#rules });
    const { managedFields = [] } = (await getJson<Owned>(...this.#role, '--show-managed-fields')).metadata;
    const value = managedFields.filter(({ manager }) => manager !== MANAGER);
    await this.#patch('json', [{ op: 'replace', path: '/metadata/managedFields', value }]);
  }

  #patch(type: 'merge' | 'json', patch: object): Promise<unknown> {
    return kubectl([
      'patch',
      ...this.#role,
      `--field-manager=${MANAGER}`,
      `--type=${type}`,
      '-p',
      JSON.stringify(patch),
    ]);
  }
}
