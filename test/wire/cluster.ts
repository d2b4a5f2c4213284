import { KubeConfig, type KubernetesObject, KubernetesObjectApi, PatchStrategy } from '@kubernetes/client-node';
import { sleep } from '../../hack/demo/shell.ts';

/** Requests to the API server at the same time. */
const AT_ONCE = 8;
/** Between objects whose order of creation matters: it counts whole seconds. */
const APART_MS = 1_100;
const SECOND_MS = 1_000;
/** Two creations take a few milliseconds of a second that has just begun. */
const TRIES = 5;

/** Objects of the rows, made without a process for each. */
export class Objects {
  readonly #api: KubernetesObjectApi;

  constructor() {
    const config = new KubeConfig();
    config.loadFromDefault();
    const context = process.env['CONTEXT'] ?? '';
    if (context !== '') config.setCurrentContext(context);
    this.#api = KubernetesObjectApi.makeApiClient(config);
  }

  /** Creates the lists one after the other, so far apart that their times of creation differ; returns what was refused, with the reason. */
  async create(lists: readonly (readonly object[])[]): Promise<Map<object, string>> {
    const refused = new Map<object, string>();
    for (const [index, list] of lists.entries()) {
      if (index > 0) await sleep(APART_MS);
      await each(list, AT_ONCE, async (object) => {
        const why = await this.#created(object);
        if (why !== '') refused.set(object, why);
      });
    }
    return refused;
  }

  /**
   * Creates objects that have one time of creation.
   * @throws where they never have
   */
  async createOfOneAge(objects: readonly object[]): Promise<void> {
    for (let tries = 0; tries < TRIES; tries++) {
      await sleep(SECOND_MS - (Date.now() % SECOND_MS));
      const made = await Promise.all(objects.map((object) => this.#api.create(object as KubernetesObject)));
      if (new Set(made.map(({ metadata }) => metadata!.creationTimestamp!.toISOString())).size === 1) return;
      await Promise.all(objects.map((object) => this.delete(object)));
    }
    throw new Error(`objects did not come to have one time of creation, ${TRIES} times`);
  }

  /** Replaces the fields that are given, lists as a whole. */
  async change(object: object): Promise<void> {
    const patched = object as KubernetesObject;
    await this.#api.patch(patched, undefined, undefined, undefined, undefined, PatchStrategy.MergePatch);
  }

  async delete(object: object): Promise<void> {
    await this.#api.delete(object as KubernetesObject);
  }

  /** By `namespace/name`. */
  async serviceAddresses(): Promise<Map<string, string>> {
    const { items } = await this.#api.list<KubernetesObject & { spec: { clusterIP?: string } }>('v1', 'Service');
    return new Map(
      items.map(({ metadata, spec }) => [`${metadata?.namespace}/${metadata?.name}`, spec.clusterIP ?? '']),
    );
  }

  /** Empty, or why not. */
  async #created(object: object): Promise<string> {
    try {
      await this.#api.create(object as KubernetesObject);
      return '';
    } catch (error) {
      return reasonOf(error);
    }
  }
}

function reasonOf(error: unknown): string {
  const { body, message } = error as { body?: unknown; message?: string };
  const text = typeof body === 'string' ? body : JSON.stringify(body ?? message ?? '');
  const quoted = /"message":("(?:[^"\\]|\\.)*")/.exec(text)?.[1];
  return quoted === undefined ? text.slice(0, 300) : (JSON.parse(quoted) as string);
}

/** Runs `work` for every item, so many at the same time. */
export async function each<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}
