import type { EndpointSliceModel } from '../kinds/endpoint-slice/model.ts';
import type { MeshModel } from '../kinds/mesh/model.ts';
import type { NamespaceModel } from '../kinds/namespace/model.ts';
import type { PodModel } from '../kinds/pod/model.ts';
import type { ServerModel } from '../kinds/server/model.ts';
import type { ServerAuthorizationModel } from '../kinds/server-authorization/model.ts';
import type { ServiceModel } from '../kinds/service/model.ts';
import type { ServiceProfileModel } from '../kinds/service-profile/model.ts';
import type { TrafficSplitModel } from '../kinds/traffic-split/model.ts';
import { matchesSelector } from '../scalars/label-selector.ts';
import type { Model, ModelKind } from './object-ref.ts';
import { byAge } from './order.ts';
import { MESH_READ, READS, TRUST_READ } from './reads.ts';
import type { Stores } from './stores.ts';
import type { ClusterView, Labels, ReadKey, TrustModel } from './view.ts';

/** Told of each read and of what it found; of `found`, only the first `used` take effect. */
export type NoteRead = (read: ReadKey, kind: ModelKind | 'trust', found: readonly Model[], used: number) => void;

/** Answers a `ClusterView` from stores and reports every read. */
export class StateView implements ClusterView {
  readonly #stores: Stores;
  readonly note: NoteRead;

  constructor(stores: Stores, note: NoteRead) {
    this.#stores = stores;
    this.note = note;
  }

  mesh(): MeshModel {
    const mesh = this.#stores.byKind.Mesh.get('', 'default');
    this.#one(MESH_READ, 'Mesh', mesh);
    return mesh ?? this.#stores.defaultMesh;
  }

  trust(): TrustModel | null {
    this.note(TRUST_READ, 'trust', [], 0);
    return this.#stores.trust;
  }

  namespace(name: string): NamespaceModel | null {
    return this.#one(READS.namespace(name), 'Namespace', this.#stores.byKind.Namespace.get('', name));
  }

  service(namespace: string, name: string): ServiceModel | null {
    const service = this.#stores.byKind.Service.get(namespace, name);
    return this.#one(READS.service(namespace, name), 'Service', service);
  }

  serviceByIp(ip: string): ServiceModel | null {
    const read = READS.serviceByIp(ip);
    return this.#one(read, 'Service', this.#stores.serviceByIp.list(read)[0] ?? null);
  }

  endpointSlices(namespace: string, service: string): readonly EndpointSliceModel[] {
    const read = READS.endpointSlices(namespace, service);
    return this.#many(read, 'EndpointSlice', this.#stores.slicesOfService.list(read));
  }

  pod(namespace: string, name: string): PodModel | null {
    return this.#one(READS.pod(namespace, name), 'Pod', this.#stores.byKind.Pod.get(namespace, name));
  }

  podByIp(ip: string): PodModel | null {
    const read = READS.podByIp(ip);
    return this.#one(read, 'Pod', this.#stores.podByIp.list(read).at(-1) ?? null);
  }

  profile(namespace: string, name: string): ServiceProfileModel | null {
    const profile = this.#stores.byKind.ServiceProfile.get(namespace, name);
    return this.#one(READS.profile(namespace, name), 'ServiceProfile', profile);
  }

  splits(namespace: string, service: string): readonly TrafficSplitModel[] {
    const read = READS.splits(namespace, service);
    const found = this.#stores.splitsOfService.list(read);
    this.note(read, 'TrafficSplit', found, 1);
    return found;
  }

  serversSelecting(namespace: string, labels: Labels): readonly ServerModel[] {
    const index = this.#stores.serversSelecting;
    const reads = index.readsFor(namespace, labels);
    return this.#selected(reads, 'Server', index.select(reads, labels).sort(byAge));
  }

  authorizationsFor(server: ServerModel): readonly ServerAuthorizationModel[] {
    const { namespace, name, labels } = server.meta;
    const index = this.#stores.authorizationsOfServer;
    const reads = [READS.authorizations(namespace, name), READS.authorizations(namespace, '*')];
    const found = reads
      .flatMap((read) => index.list(read))
      .filter(({ server: target }) => {
        return 'name' in target ? target.name === name : matchesSelector(target.selector, labels);
      });
    return this.#selected(reads, 'ServerAuthorization', found.sort(byAge));
  }

  servicesSelecting(namespace: string, labels: Labels): readonly ServiceModel[] {
    const index = this.#stores.servicesSelecting;
    const reads = index.readsFor(namespace, labels);
    return this.#selected(reads, 'Service', index.select(reads, labels).sort(byAge));
  }

  servers(namespace: string): readonly ServerModel[] {
    return this.#many(READS.servers(namespace), 'Server', this.#stores.byKind.Server.list(namespace));
  }

  pods(namespace: string): readonly PodModel[] {
    return this.#many(READS.pods(namespace), 'Pod', this.#stores.byKind.Pod.list(namespace));
  }

  #one<M extends Model>(read: ReadKey, kind: ModelKind, found: M | null): M | null {
    this.note(read, kind, found === null ? [] : [found], 1);
    return found;
  }

  #many<M extends Model>(read: ReadKey, kind: ModelKind, found: readonly M[]): readonly M[] {
    this.note(read, kind, found, found.length);
    return found;
  }

  /** What several reads of one index found together; every object is noted once, with the first read. */
  #selected<M extends Model>(reads: readonly ReadKey[], kind: ModelKind, found: readonly M[]): readonly M[] {
    for (const [at, read] of reads.entries()) this.note(read, kind, at === 0 ? found : [], found.length);
    return found;
  }
}
