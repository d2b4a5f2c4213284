import type { ApiRow } from './rows.ts';

/** A document of discovery, with what it is announced as. */
export interface Document {
  contentType: string;
  body: object;
}

/** Nobody can create any of it. Documents of OpenAPI are there so that API servers do not complain of their absence. */
const NOTHING_TO_VALIDATE = { paths: {} };
const JSON_TYPE = 'application/json';
/** `apidiscovery.k8s.io/v2`: all groups in one answer. API servers of 1.30 and later ask for it; earlier ones take the documents of each group. */
const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

/**
 * What API servers, `kubectl` and the garbage collector ask what is here. Made once: it must be answered at once, because an API server that hears nothing for a
 * moment holds the whole group unavailable. `null`: the path is none of discovery.
 */
export function discovery(rows: readonly ApiRow[]): (path: string, accept: string) => Document | null {
  const documents = new Map<string, object>([
    ['/apis', groupList(rows)],
    ['/openapi/v2', { swagger: '2.0', ...NOTHING_TO_VALIDATE, info: { title: 'Weft', version: 'unversioned' } }],
    ['/openapi/v3', openApiRoot(rows)],
  ]);
  for (const [group, ofGroup] of grouped(rows, ({ group }) => group)) {
    documents.set(`/apis/${group}`, { kind: 'APIGroup', apiVersion: 'v1', ...groupOf(group, ofGroup) });
  }
  for (const [groupVersion, ofVersion] of grouped(rows, groupVersionOf)) {
    documents.set(`/apis/${groupVersion}`, resourceList(groupVersion, ofVersion));
    documents.set(`/openapi/v3/apis/${groupVersion}`, openApi(groupVersion));
  }
  const aggregated = { contentType: AGGREGATED, body: groupDiscoveryList(rows) };
  return (path, accept) => {
    const trimmed = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
    if (trimmed === '/apis' && asksForAggregated(accept)) return aggregated;
    const body = documents.get(trimmed);
    return body === undefined ? null : { contentType: JSON_TYPE, body };
  };
}

function asksForAggregated(accept: string): boolean {
  return accept.split(',').some((each) => {
    const [type, ...parameters] = each.split(';').map((part) => part.trim());
    return type === JSON_TYPE && ['g=apidiscovery.k8s.io', 'v=v2'].every((wanted) => parameters.includes(wanted));
  });
}

function groupVersionOf({ group, version }: ApiRow): string {
  return `${group}/${version}`;
}

function groupList(rows: readonly ApiRow[]): object {
  const groups = [...grouped(rows, ({ group }) => group)].map(([group, ofGroup]) => groupOf(group, ofGroup));
  return { kind: 'APIGroupList', apiVersion: 'v1', groups };
}

function groupOf(group: string, rows: readonly ApiRow[]): object {
  const versions = [...grouped(rows, ({ version }) => version).keys()].map((version) => ({
    groupVersion: `${group}/${version}`,
    version,
  }));
  return { name: group, versions, preferredVersion: versions[0] };
}

function resourceList(groupVersion: string, rows: readonly ApiRow[]): object {
  const resources = rows.map((row) => ({
    name: row.subresource === undefined ? row.resource : `${row.resource}/${row.subresource}`,
    singularName: row.singular,
    namespaced: row.namespaced,
    kind: row.kind,
    verbs: row.verbs,
    ...(row.shortNames === undefined ? {} : { shortNames: row.shortNames }),
  }));
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources };
}

function groupDiscoveryList(rows: readonly ApiRow[]): object {
  const items = [...grouped(rows, ({ group }) => group)].map(([group, ofGroup]) => ({
    metadata: { name: group, creationTimestamp: null },
    versions: [...grouped(ofGroup, ({ version }) => version)].map(([version, ofVersion]) => ({
      version,
      freshness: 'Current',
      resources: [...grouped(ofVersion, ({ resource }) => resource).values()].map(resourceDiscovery),
    })),
  }));
  return { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', metadata: {}, items };
}

/** A resource with its subresources. One that is there for these alone has no verbs. */
function resourceDiscovery(rows: readonly ApiRow[]): object {
  const own = rows.find(({ subresource }) => subresource === undefined);
  const any = own ?? rows[0]!;
  const subresources = rows.filter(({ subresource }) => subresource !== undefined);
  return {
    resource: any.resource,
    responseKind: responseKind(any),
    scope: any.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: any.singular,
    verbs: own?.verbs ?? [],
    ...(own?.shortNames === undefined ? {} : { shortNames: own.shortNames }),
    ...(subresources.length === 0
      ? {}
      : {
          subresources: subresources.map((row) => ({
            subresource: row.subresource,
            responseKind: responseKind(row),
            verbs: row.verbs,
          })),
        }),
  };
}

function responseKind({ group, version, kind }: ApiRow): object {
  return { group, version, kind };
}

function openApiRoot(rows: readonly ApiRow[]): object {
  const versions = [...grouped(rows, groupVersionOf).keys()].map((each) => [
    `apis/${each}`,
    { serverRelativeURL: `/openapi/v3/apis/${each}` },
  ]);
  return { paths: Object.fromEntries(versions) };
}

function openApi(groupVersion: string): object {
  return { openapi: '3.0.0', ...NOTHING_TO_VALIDATE, info: { title: groupVersion, version: 'unversioned' } };
}

function grouped<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  return Map.groupBy(items, keyOf);
}
