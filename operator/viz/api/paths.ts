import type { ApiRow, Verb } from './rows.ts';
import { ApiFailure } from './status.ts';

/** What a path asks for, and may be judged by. */
export interface Target {
  row: ApiRow;
  verb: Verb;
  namespace: string | null;
  name: string | null;
}

/** What follows a namespace is a resource within it, also where Kubernetes' own API has a subresource of the namespace: `/namespaces/shop/tap`. */
const PATH =
  /^\/apis\/([^/]+)\/([^/]+)(\/watch)?(?:\/namespaces\/([^/]+)(?=\/))?\/([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?$/;
/** RFC 1123 label, as names of namespaces are. */
const NAMESPACE = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;
/** Names of objects of any kind: what a path cannot hide anything in (Kubernetes: `path.IsValidPathSegmentName`). */
const NAME = /^(?!\.{1,2}$)[^/%]{1,253}$/;

/**
 * As the API server itself reads a path (`apiserver/pkg/endpoints/request/requestinfo.go`), so that both judge the same:
 * `/apis/<group>/<version>[/watch][/namespaces/<namespace>]/<resource>[/<name>[/<subresource>]]`.
 * @throws ApiFailure 404, 405, 400
 */
export function targetOf(rows: readonly ApiRow[], method: string, path: string, query: URLSearchParams): Target {
  const [group, version, watch, namespace = null, resource, name = null, subresource = ''] = partsOf(path);
  const row = rows.find(
    (each) =>
      each.group === group &&
      each.version === version &&
      each.resource === resource &&
      (each.subresource ?? '') === subresource,
  );
  if (row === undefined) throw notFound(path);
  if (namespace !== null && !(row.namespaced && NAMESPACE.test(namespace))) throw notFound(path);
  if (name !== null && !NAME.test(name)) throw notFound(path);
  const verb = verbOf(method, watch !== undefined || isTrue(query.get('watch')), name !== null);
  if (verb === null || !row.verbs.includes(verb)) {
    throw new ApiFailure(
      405,
      'WEFT_VIZ_REQUEST',
      `${nameOf(row)} knows ${row.verbs.join(', ')}, not ${method} as here`,
    );
  }
  return { row, verb, namespace, name };
}

/** Group, version, `/watch`, namespace, resource, name, subresource: decoded one by one, so that none can hide a slash. */
function partsOf(path: string): (string | undefined)[] {
  const [, ...parts] = PATH.exec(path) ?? [];
  return parts.map((part) => part && decoded(part));
}

function verbOf(method: string, watches: boolean, named: boolean): Verb | null {
  if (watches) return method === 'GET' || method === 'POST' ? 'watch' : null;
  if (method === 'POST') return 'create';
  if (method !== 'GET') return null;
  return named ? 'get' : 'list';
}

function isTrue(text: string | null): boolean {
  return text === 'true' || text === '1';
}

/** `traffic.viz.weft.dev`, `pods/tap.tap.linkerd.io` */
export function nameOf({ group, resource, subresource }: Pick<ApiRow, 'group' | 'resource' | 'subresource'>): string {
  return `${resource}${subresource === undefined ? '' : `/${subresource}`}.${group}`;
}

function notFound(path: string): ApiFailure {
  return new ApiFailure(404, 'WEFT_VIZ_REQUEST', `there is nothing at ${JSON.stringify(path.slice(0, 200))}`);
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new ApiFailure(400, 'WEFT_VIZ_REQUEST', 'the path is not well escaped');
  }
}
