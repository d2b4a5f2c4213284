import type { KindRow } from '../../../crds/kinds/row.ts';
import type { TestApiServer } from '../../../hack/apiserver/server.ts';
import { listWatch } from '../../../operator/kube/list-watch.ts';
import { RestClient } from '../../../operator/kube/rest.ts';
import { eventually } from '../../support/eventually.ts';
import { kubeConfigOf } from '../operator/plane.ts';
import { JUDGED, type Seen } from './variants.ts';

/** One version of an object, as the API server has told it. */
export interface Version {
  row: KindRow;
  raw: Seen;
  /** Revision of etcd: of one order over all kinds. */
  revision: number;
}

/** Sees every version of every object that is judged, from the moment that it is started. */
export class Recorder {
  readonly versions: Version[] = [];
  readonly #config;
  readonly #stop = new AbortController();
  readonly #watches: Promise<void>[] = [];

  constructor(api: TestApiServer) {
    this.#config = kubeConfigOf(api);
  }

  async start(): Promise<this> {
    const rest = new RestClient(this.#config);
    // A definition that has just been made is not served by everybody at once.
    await Promise.all(
      JUDGED.map((row) => eventually(`a watch of ${row.id}`, () => this.#follow(rest, row).catch(() => false))),
    );
    return this;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#watches);
    await this.#config.close();
  }

  async #follow(rest: RestClient, row: KindRow): Promise<true> {
    const { group, watched: version, plural } = row;
    const { signal } = this.#stop;
    const source = listWatch<Seen>(rest, { group, version, plural });
    const { resourceVersion } = await source.list(
      { resourceVersion: '', continueToken: '', limit: 1, signal },
      () => {},
    );
    const event = (type: string, raw: Seen) => {
      if (type === 'ADDED' || type === 'MODIFIED') this.#note(row, raw);
    };
    await new Promise<void>((opened, failed) => {
      const watch = source.watch({ resourceVersion, timeoutSeconds: 3_600, signal }, { opened, event });
      this.#watches.push(watch.catch(failed));
    });
    return true;
  }

  #note(row: KindRow, raw: Seen): void {
    this.versions.push({ row, raw, revision: Number(raw.metadata?.resourceVersion) });
  }
}
