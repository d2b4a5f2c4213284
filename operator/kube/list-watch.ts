import type { Readable } from 'node:stream';
import { LineSplitter } from '../../lib/lines.ts';
import { ListItems } from '../../lib/list-items.ts';
import { RequestError } from '../runtime/errors.ts';
import type {
  ListOptions,
  ListPage,
  ListWatch,
  RawObject,
  WatchObserver,
  WatchOptions,
} from '../runtime/list-watch.ts';
import { type ApiStatus, fromStatus, toRequestError } from './errors.ts';
import { type ResourceType, resourcePath } from './resources.ts';
import type { RestClient, RestRequest } from './rest.ts';

/** A page of large objects, or all of a kind at once where the API server ignores the limit. */
const LIST_TIMEOUT_MS = 60_000;

/** Without its items. */
interface RawList {
  apiVersion?: string;
  kind?: string;
  metadata?: { resourceVersion?: string; continue?: string };
}

export interface Selection {
  /** Empty: all namespaces. */
  namespace?: string;
  fieldSelector?: string;
  labelSelector?: string;
  /** Of each object only `metadata`, as `PartialObjectMetadata` (Kubernetes API concepts: metadata-only fetches). */
  metadataOnly?: boolean;
}

/** An API server that has no such form sends the whole. */
const METADATA_LIST = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json';
const METADATA = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json';

/**
 * List and watch of one kind. The watch is our own over the client's credentials and connections: the client's `Watch` asks for no bookmarks, drops
 * lines that it cannot parse, and ends every watch after 30 quiet seconds.
 */
export function listWatch<Raw extends RawObject>(
  rest: RestClient,
  type: ResourceType,
  selection: Selection = {},
): ListWatch<Raw> {
  const path = resourcePath(type, selection.namespace);
  const selectors = selectorsOf(selection);
  const accepting = (accept: string) => (selection.metadataOnly === true ? { accept } : {});
  return {
    async list(options: ListOptions, item: (object: Raw) => void): Promise<ListPage> {
      const query = { ...selectors, ...listQuery(options) };
      const { signal } = options;
      const timeoutMs = LIST_TIMEOUT_MS;
      const wanted: RestRequest = { method: 'GET', path, query, timeoutMs, signal, ...accepting(METADATA_LIST) };
      const { metadata } = await rest.stream(wanted, (body) => readList(body, item));
      return { resourceVersion: metadata?.resourceVersion ?? '', continueToken: metadata?.continue ?? '' };
    },
    async watch(options: WatchOptions, observer: WatchObserver<Raw>): Promise<void> {
      const query = {
        ...selectors,
        watch: 'true',
        allowWatchBookmarks: 'true',
        resourceVersion: options.resourceVersion,
        timeoutSeconds: String(options.timeoutSeconds),
      };
      const { signal } = options;
      const response = await rest.send({ method: 'GET', path, query, signal, ...accepting(METADATA) });
      observer.opened();
      await readEvents(response.body, observer);
    },
  };
}

/** Objects are handed on within the tick of their bytes. */
async function readList<Raw>(body: AsyncIterable<Buffer>, item: (object: Raw) => void): Promise<RawList> {
  const items = new ListItems();
  let type: ReturnType<typeof typeOfItems> | null = null;
  for await (const chunk of body) {
    items.push(chunk, (json) => {
      type ??= typeOfItems(parsed<RawList>(items.around));
      item({ ...type, ...parsed<Raw>(json) });
    });
  }
  return parsed<RawList>(items.end());
}

/** The caller names the type: the API server's schema is the contract. */
function parsed<R>(json: string): R {
  return JSON.parse(json);
}

/**
 * Items of built-in kinds come without their type; an event in a watch has it. What a list of these says of it comes before its items; those of custom kinds have
 * their own.
 */
function typeOfItems({ apiVersion = '', kind = '' }: RawList): { apiVersion: string; kind: string } {
  return { apiVersion, kind: kind.replace(/List$/, '') };
}

function selectorsOf({ fieldSelector = '', labelSelector = '' }: Selection): Record<string, string> {
  return {
    ...(fieldSelector === '' ? {} : { fieldSelector }),
    ...(labelSelector === '' ? {} : { labelSelector }),
  };
}

function listQuery({ resourceVersion, continueToken, limit }: ListOptions): Record<string, string> {
  const query: Record<string, string> = { limit: String(limit) };
  if (continueToken !== '') query['continue'] = continueToken;
  else if (resourceVersion !== '') query['resourceVersion'] = resourceVersion;
  return query;
}

/** Resolves at the end of the stream. Events are handed on within the tick of their bytes. */
function readEvents<Raw>(body: Readable, observer: WatchObserver<Raw>): Promise<void> {
  const lines = new LineSplitter();
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => {
      reject(toRequestError(error));
      body.destroy();
    };
    body.on('data', (chunk: Buffer) => {
      try {
        lines.push(chunk, (line) => handleEvent(line, observer));
      } catch (error) {
        fail(error);
      }
    });
    body.on('end', resolve);
    body.on('error', fail);
    body.on('close', () => reject(new RequestError('Transient', 'the watch was cut off')));
  });
}

function handleEvent<Raw>(line: string, observer: WatchObserver<Raw>): void {
  const { type, object } = JSON.parse(line) as { type?: string; object?: Raw & ApiStatus };
  if (object === undefined || object === null) throw new RequestError('Transient', 'a watch event without an object');
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
    case 'BOOKMARK':
      observer.event(type, object);
      return;
    case 'ERROR':
      throw fromStatus(object);
    default:
      throw new RequestError('Transient', 'a watch event of unknown type');
  }
}
