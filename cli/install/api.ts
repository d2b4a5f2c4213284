import { ApiError, type Cluster, find, list } from '../cluster/cluster.ts';
import { CliError } from '../errors.ts';
import { type Identity, type KubeObject, nameOf } from './object.ts';
import { collectionPath, objectPath } from './resources.ts';

/** Whoever applies is written down with the fields. */
export const FIELD_MANAGER = 'weft-install';

const TOUCHED = 'weft.dev/removal-looked-at';

export interface ApplyOptions {
  /** Takes fields that somebody else has set to other values. */
  force: boolean;
  /** The API server says what would come of it, and keeps nothing. */
  dryRun: boolean;
}

/** What installing asks of the API server. */
export class Api {
  readonly #cluster: Cluster;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** Null where there is no such object, or no such kind. */
  get(identity: Identity): Promise<KubeObject | null> {
    return find<KubeObject>(this.#cluster, objectPath(identity));
  }

  /** Those that a label selector finds (empty = all), with their kind, which items of a list do not say; none where there is no such kind. */
  async list(apiVersion: string, kind: string, labelSelector = '', namespace?: string): Promise<KubeObject[]> {
    const query: Record<string, string> = labelSelector === '' ? {} : { labelSelector };
    try {
      const items = await list<KubeObject>(this.#cluster, collectionPath(apiVersion, kind, namespace), query);
      return items.map((item) => ({ ...item, apiVersion, kind }));
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return [];
      throw error;
    }
  }

  /**
   * Server-side apply: fields that the object does not name stay as they are. A field that somebody else has set to another value stays too, unless `force`
   * takes it.
   * @throws CliError WEFT_INSTALL_CONFLICT naming fields and managers; nothing of the object was changed then
   */
  async apply(object: KubeObject, { force, dryRun }: ApplyOptions): Promise<KubeObject> {
    const query: Record<string, string> = { fieldManager: FIELD_MANAGER, force: String(force) };
    if (dryRun) query['dryRun'] = 'All';
    try {
      return await this.#cluster.request<KubeObject>({
        method: 'PATCH',
        path: objectPath(object),
        query,
        body: object,
        contentType: 'application/apply-patch+yaml',
      });
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 409)) throw error;
      throw new CliError('WEFT_INSTALL_CONFLICT', `${nameOf(object)}: ${conflictsOf(error.message)}`, error);
    }
  }

  /**
   * Changes nothing but an annotation of an object that is going; whoever watches it looks at it again. To be refused that is no failure: the object may be gone
   * already, and whoever may delete it need not have the right to patch it.
   */
  async touch(object: KubeObject, nowMs: number): Promise<void> {
    const annotations = { [TOUCHED]: new Date(nowMs).toISOString() };
    try {
      await this.#cluster.request({
        method: 'PATCH',
        path: objectPath(object),
        body: { metadata: { uid: object.metadata.uid, annotations } },
        contentType: 'application/merge-patch+json',
      });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
  }

  /** Objects of a definition, of all namespaces. */
  customObjects(group: string, version: string, plural: string): Promise<KubeObject[]> {
    return list<KubeObject>(this.#cluster, `/apis/${group}/${version}/${plural}`);
  }

  /** One of them as it was read: refused with 409 where somebody has changed it since. */
  async replace(object: KubeObject, plural: string): Promise<void> {
    const { namespace, name } = object.metadata;
    const scope = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
    const path = `/apis/${object.apiVersion}${scope}/${plural}/${encodeURIComponent(name)}`;
    await this.#cluster.request({ method: 'PUT', path, query: { fieldManager: FIELD_MANAGER }, body: object });
  }

  /** Of a definition: in which versions its objects may be stored. */
  async setStoredVersions(definition: KubeObject, storedVersions: readonly string[]): Promise<void> {
    const path = `${objectPath(definition)}/status`;
    const contentType = 'application/merge-patch+json';
    await this.#cluster.request({ method: 'PATCH', path, body: { status: { storedVersions } }, contentType });
  }

  /** Only the object that was seen, by its uid; a Deployment after its pods. One that is gone already, or was made anew since, is no failure. */
  async remove(object: KubeObject): Promise<void> {
    const body = {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      propagationPolicy: object.kind === 'Deployment' ? 'Foreground' : 'Background',
      ...(object.metadata.uid === undefined ? {} : { preconditions: { uid: object.metadata.uid } }),
    };
    try {
      await this.#cluster.request({ method: 'DELETE', path: objectPath(object), body });
    } catch (error) {
      if (!(error instanceof ApiError && (error.status === 404 || error.status === 409))) throw error;
    }
  }
}

/** The part of the API server's words that names managers and fields, in one line. */
function conflictsOf(message: string): string {
  const at = message.search(/conflicts? with "/);
  return (at < 0 ? message : message.slice(at)).replace(/\s+/g, ' ');
}
