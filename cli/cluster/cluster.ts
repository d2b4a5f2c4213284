import type { Duplex } from 'node:stream';
import { CliError } from '../errors.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface ClusterRequest {
  /** `GET` where it is not said. */
  method?: Method;
  /** `/api/v1/...` */
  path: string;
  query?: Readonly<Record<string, string>>;
  body?: unknown;
  /** What of the objects is wanted; JSON of all where it is not said. */
  accept?: string;
  /** Of the body; JSON where it is not said. */
  contentType?: string;
  /** From sending to the last byte; `--request-timeout` where it is not said. */
  timeoutMs?: number;
}

/** What is asked of one API server. Reading is all that a verb does unasked. */
export interface Cluster {
  /** URL of the API server. */
  readonly server: string;
  /** `--namespace`, else that of the context, else `default`. */
  readonly namespace: string;
  /**
   * The answer's JSON; whoever asks names its type, since the schema of the API server is the contract.
   * @throws CliError WEFT_CLI_UNREACHABLE, WEFT_CLI_CREDENTIALS; ApiError for what the API server refused
   */
  request<R>(request: ClusterRequest): Promise<R>;
  /** Milliseconds since the epoch by the clock of the API server when it gave its last answer, within a second; `null` where it has not said. */
  serverMs?(): number | null;
}

/** What is answered bit by bit. */
export interface StreamAccess extends Cluster {
  /**
   * The answer as it comes, once its head is there; without an end but its own, and that of `signal`, after which nothing more comes.
   * @throws as `Cluster.request` does
   */
  stream(request: ClusterRequest, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
}

export interface PodName {
  namespace: string;
  name: string;
}

/** What is asked of pods, by way of the API server. */
export interface PodAccess {
  /**
   * The answer as it is: logs, metrics, what a pod itself says.
   * @throws as `Cluster.request` does
   */
  text(request: ClusterRequest): Promise<string>;
  /**
   * A connection to a port of a pod, from within the pod (`pods/portforward`), whatever policies say of connections from elsewhere. Where nothing listens it ends
   * with an error that says so.
   * @throws CliError WEFT_CLI_UNREACHABLE, WEFT_CLI_CREDENTIALS; ApiError for what the API server refused
   */
  forward(pod: PodName, port: number): Promise<Duplex>;
}

/** An answer that is no success. */
export class ApiError extends CliError {
  /** Of HTTP. */
  readonly status: number;
  /** Of the Status object, for example `NotFound`; empty where the answer was none. */
  readonly reason: string;
  /** The message without what every such error says. */
  readonly detail: string;

  constructor(status: number, reason: string, detail: string) {
    super(codeOf(status), detail);
    this.detail = detail;
    this.name = 'ApiError';
    this.status = status;
    this.reason = reason;
  }
}

function codeOf(status: number) {
  if (status === 401) return 'WEFT_CLI_CREDENTIALS';
  return status === 403 ? 'WEFT_CLI_FORBIDDEN' : 'WEFT_CLI_API';
}

/** `null` where there is no such object, or no such kind. */
export async function find<R>(cluster: Cluster, path: string): Promise<R | null> {
  try {
    return await cluster.request<R>({ path });
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}

interface Page<R> {
  metadata?: { continue?: string };
  items?: R[];
}

/** Items of one answer: what `kubectl` asks for at a time. */
const PAGE_ITEMS = 500;

/** Of each object of a list its metadata alone, which is a tenth of it (apimachinery `meta.k8s.io/v1`). */
export const METADATA_ONLY = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';

/** All objects of a list, page by page. */
export async function list<R>(
  cluster: Cluster,
  path: string,
  query: Readonly<Record<string, string>> = {},
  accept = 'application/json',
): Promise<R[]> {
  const items: R[] = [];
  let next: string | undefined = '';
  do {
    const from: Record<string, string> = next === '' ? {} : { continue: next };
    const page: Page<R> = await cluster.request({
      path,
      query: { limit: String(PAGE_ITEMS), ...query, ...from },
      accept,
    });
    items.push(...(page.items ?? []));
    next = page.metadata?.continue;
  } while (next !== undefined && next !== '');
  return items;
}
