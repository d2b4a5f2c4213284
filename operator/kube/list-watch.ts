import type { Readable } from 'node:stream';
import { LineSplitter } from '../../lib/lines.ts';
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
import type { RestClient } from './rest.ts';

/** A page of large objects, or all of a kind at once where the API server ignores the limit. */
const LIST_TIMEOUT_MS = 60_000;

interface RawList<Raw> {
  apiVersion?: string;
  kind?: string;
  metadata?: { resourceVersion?: string; continue?: string };
  items?: Raw[];
}

export interface Selection {
  /** Empty: all namespaces. */
  namespace?: string;
  fieldSelector?: string;
  labelSelector?: string;
}

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
  return {
    async list(options: ListOptions): Promise<ListPage<Raw>> {
      const query = { ...selectors, ...listQuery(options) };
      const list = await rest.json<RawList<Raw>>({
        method: 'GET',
        path,
        query,
        timeoutMs: LIST_TIMEOUT_MS,
        signal: options.signal,
      });
      return {
        items: (list.items ?? []).map((item) => ({ ...typeOfItems(list), ...item })),
        resourceVersion: list.metadata?.resourceVersion ?? '',
        continueToken: list.metadata?.continue ?? '',
      };
    },
    async watch(options: WatchOptions, observer: WatchObserver<Raw>): Promise<void> {
      const query = {
        ...selectors,
        watch: 'true',
        allowWatchBookmarks: 'true',
        resourceVersion: options.resourceVersion,
        timeoutSeconds: String(options.timeoutSeconds),
      };
      const response = await rest.send({ method: 'GET', path, query, signal: options.signal });
      observer.opened();
      await readEvents(response.body, observer);
    },
  };
}

/** Items of built-in kinds come without their type; an event in a watch has it. */
function typeOfItems({ apiVersion = '', kind = '' }: RawList<unknown>): { apiVersion: string; kind: string } {
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
