import { type KubeObject, keyOf, nameOf } from '../../../cli/install/object.ts';
import type { TestApiServer } from '../../../hack/apiserver/server.ts';
import { shippedChecks } from '../../integration/gitops/checks.ts';
import { Judge } from '../../integration/gitops/judge.ts';
import {
  type DriftJudge,
  drifts,
  FIELD_MANAGERS,
  MADE_KINDS,
  madeByOperator,
  tracked,
  trackingKeys,
} from '../comparison.ts';
import { apply, listOf, read } from './kubectl.ts';

const TOOLS = ['argo', 'flux'] as const;
const MANAGERS = new Set(Object.values(FIELD_MANAGERS));

/** What stands in Git and is synced by both tools, each under its own name, and what can be found wrong with what became of it. */
export class Git {
  readonly #api: TestApiServer;
  #wanted: readonly KubeObject[];
  /** Of each object, when it had been applied last. */
  readonly #generations = new Map<string, number>();

  constructor(api: TestApiServer, wanted: readonly KubeObject[]) {
    this.#api = api;
    this.#wanted = wanted;
  }

  get size(): number {
    return this.#wanted.length;
  }

  async sync(objects = this.#wanted): Promise<void> {
    for (const tool of TOOLS) {
      const manager = `--field-manager=${FIELD_MANAGERS[tool]}`;
      const all = objects.map((each) => tracked(each, tool));
      await apply(this.#api, all, ['--server-side', '--force-conflicts', manager]);
    }
    for (const object of await this.#live(objects))
      this.#generations.set(keyOf(object), object.metadata.generation ?? 0);
  }

  /** Replaces an object in Git, and syncs it. */
  async commit(object: KubeObject): Promise<void> {
    const key = keyOf(object);
    this.#wanted = this.#wanted.map((each) => (keyOf(each) === key ? object : each));
    await this.sync([object]);
  }

  /** By the tools' own engines, and by what the API server has noted of every object. */
  async findings(): Promise<string[]> {
    const judge: DriftJudge = await Judge.start('judge', shippedChecks(), [this.#api.kubeconfigPath]);
    try {
      return [...(await drifts(judge, this.#wanted)), ...(await this.#touched()), ...(await this.#claimed())];
    } finally {
      await judge.stop();
    }
  }

  /** Whoever writes to and fro leaves no difference, but another generation; whoever writes beside what is applied is named in `managedFields`. */
  async #touched(): Promise<string[]> {
    return (await this.#live(this.#wanted)).flatMap((object) => {
      const { generation = 0, managedFields = [] } = object.metadata;
      const known = this.#generations.get(keyOf(object));
      const others = managedFields.filter(
        ({ manager = '', subresource = '' }) => subresource === '' && !MANAGERS.has(manager),
      );
      return [
        ...(generation === known ? [] : [`${nameOf(object)}: generation ${generation}, was ${known}`]),
        ...others.map(({ manager }) => `${nameOf(object)}: written by ${manager}`),
      ];
    });
  }

  async #claimed(): Promise<string[]> {
    const made = madeByOperator(await read(this.#api, [MADE_KINDS, '-A']));
    return made.flatMap((object) => trackingKeys(object).map((key) => `${nameOf(object)}: would be pruned for ${key}`));
  }

  async #live(objects: readonly KubeObject[]): Promise<KubeObject[]> {
    return read(this.#api, ['--show-managed-fields', '-f', '-'], listOf(objects));
  }
}
