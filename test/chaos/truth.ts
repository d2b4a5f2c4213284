import { compile } from '../../crds/compile/compile.ts';
import { destinationView } from '../../crds/compile/service.ts';
import { KINDS } from '../../crds/kinds/registry.ts';
import type { AssessedStatus, KindRow, ParentsStatus } from '../../crds/kinds/row.ts';
import { readMeta } from '../../crds/parse/metadata.ts';
import { ClusterState } from '../../crds/state/cluster-state.ts';
import type { ClusterView } from '../../crds/state/view.ts';
import type { Model } from '../../crds/types/kind-name.ts';
import { resourceType } from '../../operator/informers.ts';
import { listWatch } from '../../operator/kube/list-watch.ts';
import type { RestClient } from '../../operator/kube/rest.ts';
import { ConditionsForm } from '../../operator/reconcilers/conditions-form.ts';
import { ParentsForm } from '../../operator/reconcilers/parents-form.ts';
import type { Seen } from '../../operator/reconcilers/seen.ts';
import { StatusPublisher } from '../../operator/reconcilers/status-publisher.ts';
import { systemClock } from '../../operator/runtime/clock.ts';
import { objectKey, type RawObject } from '../../operator/runtime/list-watch.ts';
import { parseKey } from '../../proxy-image/contract/keys.ts';
import type { ProxyClient } from '../integration/serve/proxy-client.ts';
import { NAMESPACE } from './objects.ts';

const PATIENCE_MS = 10_000;
const PAGE = 500;
const NAMESPACES = ['', NAMESPACE];

/**
 * Everything as the API server has it at one moment, listed anew, with a state that was built from that and nothing else: what operators, their proxies and the
 * statuses of objects are held against.
 */
export class Truth {
  readonly objects: ReadonlyMap<KindRow, readonly RawObject[]>;
  readonly #state = new ClusterState(KINDS);

  private constructor(objects: ReadonlyMap<KindRow, readonly RawObject[]>, anchorsPem: string) {
    this.objects = objects;
    for (const [row, items] of objects)
      for (const item of items) this.#state.applyParsed(row, row.parse(item), readMeta(item));
    this.#state.applyTrust({ anchorsPem, resourceVersion: '0' });
  }

  static async read(rest: RestClient, anchorsPem: string): Promise<Truth> {
    const listed = await Promise.all(KINDS.map(async (row) => [row, await list(rest, row)] as const));
    return new Truth(new Map(listed), anchorsPem);
  }

  /** What an operator knows otherwise. */
  differencesOf(view: ClusterView): string[] {
    return KINDS.flatMap((row) =>
      NAMESPACES.flatMap((namespace) => {
        const [wanted, found] = [this.#state, view].map((each) => each.list(row, namespace).map(text).toSorted());
        const missing = wanted!.filter((each) => !found!.includes(each));
        const wrong = found!.filter((each) => !wanted!.includes(each));
        return [...missing.map((each) => `lacks ${each}`), ...wrong.map((each) => `has ${each}`)];
      }),
    );
  }

  /** What a client of the configuration stream holds otherwise than a compilation from scratch would have it. */
  differencesIn(client: ProxyClient): string[] {
    return [...client.held].flatMap(([keyText, held]) => {
      const key = parseKey(keyText)!;
      const view = key.kind === 'service' ? destinationView(this.#state, key, NAMESPACE) : '';
      const { compiled, failure } = compile(this.#state, key, view);
      if (failure !== null) return [`${keyText} cannot be compiled: ${failure.message}`];
      // There is nothing to say of it any more: what was said last stays.
      if (compiled === null) return [];
      const [wanted, found] = [compiled.body, held.body].map(withoutSources);
      return wanted === found ? [] : [`${keyText}: holds ${found}, but ${wanted} is compiled`];
    });
  }

  /** Statuses that an operator which looked at the objects now would write otherwise. How many proxies have acknowledged is not looked at. */
  async wrongStatuses(): Promise<string[]> {
    const wrong: string[] = [];
    for (const [row, items] of this.objects)
      for (const item of items)
        if (await this.#wouldWrite(row, item))
          wrong.push(`${row.kind} ${objectKey(item)}: ${text('status' in item ? item.status : null)}`);
    return wrong;
  }

  async #wouldWrite(row: KindRow, item: RawObject): Promise<boolean> {
    const { status } = row;
    const seen = {
      meta: readMeta(item),
      deleting: false,
      parsed: row.parse(item),
      status: 'status' in item ? item.status : undefined,
    };
    if (status.form === 'conditions') return this.#wouldWriteConditions(row, status, seen);
    return status.form === 'parents' && this.#wouldWriteParents(status, seen);
  }

  async #wouldWriteConditions(row: KindRow, status: AssessedStatus, seen: Seen<Model>): Promise<boolean> {
    let written = false;
    const write = async () => {
      written = true;
      return '';
    };
    const publisher = new StatusPublisher(
      row,
      { write },
      { record: async () => {}, announce: async () => {} },
      systemClock,
    );
    const form = new ConditionsForm(status, publisher);
    const programmed = form.programmed('', seen);
    if (programmed === null) return true;
    const proxies = textField(seen.status, 'proxies');
    const found = { assessment: form.assess(this.#state, seen.parsed), programmed, proxies };
    await form.publish('', seen, found, AbortSignal.timeout(PATIENCE_MS));
    return written;
  }

  async #wouldWriteParents(status: ParentsStatus, seen: Seen<Model>): Promise<boolean> {
    let written = false;
    const write = async () => {
      written = true;
    };
    const form = new ParentsForm(status, write, systemClock);
    const assessment = form.assess(this.#state, seen.parsed);
    const programmed = form.programmed('', seen);
    if (programmed === null) return assessment.some(({ accepted }) => accepted.ok);
    await form.publish('', seen, { assessment, programmed, proxies: '' }, AbortSignal.timeout(PATIENCE_MS));
    return written;
  }
}

async function list(rest: RestClient, row: KindRow): Promise<RawObject[]> {
  const options = { resourceVersion: '', continueToken: '', limit: PAGE, signal: AbortSignal.timeout(PATIENCE_MS) };
  const items: RawObject[] = [];
  await listWatch<RawObject>(rest, resourceType(row)).list(options, (item) => items.push(item));
  return items;
}

function text(value: unknown): string {
  return JSON.stringify(value);
}

function withoutSources(body: object): string {
  return text({ ...body, sources: undefined });
}

function textField(value: unknown, name: string): string {
  const found: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
  return typeof found === 'string' ? found : '';
}
