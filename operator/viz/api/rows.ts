/** What is done with a resource, as RBAC rules name it. Nothing that is served here can be changed or deleted. */
export type Verb = 'get' | 'list' | 'watch' | 'create';

/** Who asks, as the API server has found out. */
export interface User {
  name: string;
  uid: string;
  groups: readonly string[];
  extra: Readonly<Record<string, readonly string[]>>;
}

export interface ApiRequest {
  verb: Verb;
  /** `null`: the whole cluster. */
  namespace: string | null;
  /** Of one object; `null`: a collection is asked for. */
  name: string | null;
  query: URLSearchParams;
  user: User;
  /** Aborted when the client leaves, and when the time for an answer is over (that of a stream is not bounded). */
  signal: AbortSignal;
  /**
   * What was sent with a POST.
   * @throws ApiFailure 413: it is longer
   */
  body(maxBytes: number): Promise<Buffer>;
}

/** JSON, or bytes that come bit by bit: `chunks` is asked for the next when the client has taken the last, and ended (`return`) when it leaves. */
export type ApiAnswer =
  | {
      json: object;
      /** The same for `kubectl get`, which asks for columns and cells. */
      table?: () => Table;
    }
  | { contentType: string; chunks: AsyncIterable<Uint8Array> };

/** Part of `meta.k8s.io/v1` `Table`. */
export interface Table {
  columns: readonly { name: string; type: 'string' | 'integer' | 'number'; description: string; wide?: true }[];
  /** `name`: by which `kubectl -o name` knows it. */
  rows: readonly { name: string; namespace?: string; cells: readonly (string | number)[] }[];
}

/** One resource, or subresource, of a group: the whole of what there is to say of it. Discovery, paths and authorization follow from the rows. */
export interface ApiRow {
  group: string;
  version: string;
  /** Plural, as in paths and RBAC rules. */
  resource: string;
  /** Of the resource: `tap` of `pods/tap`. Another row may be for the resource itself; none need be. */
  subresource?: string;
  /** Of what is answered, in discovery. */
  kind: string;
  singular: string;
  /** Whether it is also to be had of one namespace. What is not is of the cluster alone. */
  namespaced: boolean;
  verbs: readonly Verb[];
  shortNames?: readonly string[];
  /** Called once the user may do it. What it throws that is no `ApiFailure` is answered with 500 and logged. */
  handle(request: ApiRequest): Promise<ApiAnswer>;
}
