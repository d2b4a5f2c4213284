import type { Dimension } from '../../crds/viz/dimensions.ts';
import { VIZ_API_VERSION, vizPath } from '../../crds/viz/group.ts';
import { type TrafficQuestion, trafficParameters } from '../../crds/viz/traffic-list.ts';
import { ApiError, type Cluster } from '../cluster/cluster.ts';
import { CliError } from '../errors.ts';
import { type Answer, type Item, readAnswer } from './answer.ts';

/** A question of one namespace, or of the whole cluster where it is `null`. */
export interface Question extends Omit<TrafficQuestion, 'seconds'> {
  namespace: string | null;
}

/** Asks for live numbers; questions that are alike once. */
export class Traffic {
  readonly #cluster: Cluster;
  readonly #seconds: number;
  readonly #asked = new Map<string, Promise<Answer>>();

  constructor(cluster: Cluster, seconds: number) {
    this.#cluster = cluster;
    this.#seconds = seconds;
  }

  async ask(question: Question): Promise<readonly Item[]> {
    const { namespace, ...rest } = question;
    const key = JSON.stringify([namespace, rest.by, Object.entries(rest.where).toSorted(), rest.owner]);
    let asked = this.#asked.get(key);
    if (asked === undefined) {
      asked = this.#answer(namespace, { ...rest, seconds: this.#seconds });
      this.#asked.set(key, asked);
    }
    return (await asked).items;
  }

  /** Replicas of the control plane whose part is missing from what was answered so far. */
  async missing(): Promise<string[]> {
    const answers = await Promise.all(this.#asked.values());
    return [...new Set(answers.flatMap(({ missing }) => missing))].toSorted();
  }

  async #answer(namespace: string | null, question: TrafficQuestion): Promise<Answer> {
    try {
      const raw = await this.#cluster.request<unknown>({
        path: vizPath('traffic', namespace),
        query: trafficParameters(question),
      });
      return readAnswer(raw);
    } catch (error) {
      if (error instanceof ApiError) throw unavailable(error) ?? error;
      throw error;
    }
  }
}

/** No such path: it is not registered. 503: the API server cannot reach it. `null`: neither. */
function unavailable(error: ApiError): CliError | null {
  if (error.status === 404) return new CliError('WEFT_CLI_LIVE_NUMBERS', `${VIZ_API_VERSION} is not there`, error);
  return error.status === 503 ? new CliError('WEFT_CLI_LIVE_NUMBERS', error.message, error) : null;
}

/** The items of which a dimension says this. */
export function having(items: readonly Item[], dimension: Dimension, text: string): Item[] {
  return items.filter((item) => item.label(dimension) === text);
}
