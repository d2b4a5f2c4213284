import type { RouteRequest, RouteRow } from '../support/routes/row.ts';
import { ROUTE_ROWS } from '../support/routes/table.ts';
import { CALLS, worldServices } from '../support/routes/world.ts';
import { judgeRoute } from './routes-judge.ts';
import { isOfTimes, questionsOfTimes } from './routes-times.ts';
import type { Question, WireRow } from './row.ts';
import { NAMESPACES, portOf } from './world.ts';

type Raw = Record<string, unknown>;
interface RawObject extends Raw {
  kind: string;
  metadata: { name: string; namespace: string; annotations?: object; creationTimestamp?: string };
  spec: Raw;
}

/** Rows whose routes must have been created in one second. */
const OF_ONE_AGE: ReadonlySet<string> = new Set(['of equal matches of two routes of one age the first by name wins']);

const EXPERIMENTAL = 'experimental';
/** Rows about objects that only the experimental channel of the Gateway API allows. What the refusal of the standard one says, or has in it. */
const REFUSED_BY_STANDARD: Readonly<Record<string, string>> = {
  'a filter that is not supported': 'Unsupported value: "CORS"',
};
/** Rows about objects that nobody can have: by the definition of the kind, or by our webhook. */
const REFUSED: Readonly<Record<string, string>> = {
  'with 303': 'Unsupported value: 303',
  'with 307': 'Unsupported value: 307',
  'with 308': 'Unsupported value: 308',
  'a redirect beside a rewrite': 'May specify either httpRouteFilterRequestRedirect or httpRouteFilterRequestRewrite',
  'a prefix replaced where none is matched': 'exactly one PathPrefix match must be specified',
  'a filter that would change where a message ends': 'must not be "content-length"',
  'an expression that does not compile matches nothing': 'must be a valid regular expression',
};

/** Requests by which a share is measured. */
const SHARED = 300;
const TIMEOUT_MS = 5_000;

/** All rows of routes that can be seen on the wire with the definitions of this channel, and the titles of those that cannot, with the reason. */
export function routeRows(channel: string): { rows: WireRow[]; absent: Record<string, string> } {
  const rows: WireRow[] = [];
  const absent: Record<string, string> = {};
  for (const [about, of] of Object.entries(ROUTE_ROWS)) {
    for (const row of of) {
      const why = channel === EXPERIMENTAL ? '' : unseen(row);
      if (why === '') rows.push(wireRow(about, row, rows.length, refusalOf(row, channel)));
      else absent[row.title] = why;
    }
  }
  return { rows, absent };
}

function refusalOf({ title }: RouteRow, channel: string): string {
  return REFUSED[title] ?? (channel === EXPERIMENTAL ? '' : (REFUSED_BY_STANDARD[title] ?? ''));
}

function unseen({ objects }: RouteRow): string {
  const rules = objects.flatMap((object) => ((object as RawObject).spec['rules'] ?? []) as Raw[]);
  return rules.some((rule) => 'retry' in rule)
    ? 'the standard channel of the Gateway API has no field `retry`: the API server drops it'
    : '';
}

function wireRow(about: string, row: RouteRow, index: number, refused: string): WireRow {
  const called = row.request.service ?? 'web';
  const parents = new Set([called, ...row.objects.flatMap((each) => ownServices(each as RawObject))]);
  const names: Names = { suffix: `-${index}`, services: parents };
  const own = row.objects.filter((each) => (each as RawObject).kind === 'Service') as RawObject[];
  const services = [...parents]
    .map((name) => own.find(({ metadata }) => metadata.name === name) ?? worldService(name))
    .filter((service) => service !== undefined)
    .map((service) => serviceInCluster(service, names));
  const rest = row.objects.filter((each) => (each as RawObject).kind !== 'Service') as RawObject[];
  const others = byAge(rest).map((each) => each.map((object) => inCluster(object, names)));
  const asked = question(row, index, called);
  return {
    about,
    title: row.title,
    rule: row.rule,
    objects: [services, ...others],
    oneAge: OF_ONE_AGE.has(row.title) ? others.flat() : [],
    questions: [asked, ...(isOfTimes(row.expect) ? questionsOfTimes(row, asked) : [])],
    refused,
  };
}

interface Names {
  suffix: string;
  /** Services that the row has for itself. */
  services: ReadonlySet<string>;
}

function ownServices(object: RawObject): string[] {
  if (object.kind === 'Service') return [object.metadata.name];
  const parents = (object.spec['parentRefs'] ?? []) as { kind?: string; name: string }[];
  return parents.filter(({ kind }) => kind === 'Service').map(({ name }) => name);
}

/** Oldest first. */
function byAge(objects: readonly RawObject[]): RawObject[][] {
  const ageOf = ({ metadata }: RawObject) => metadata.creationTimestamp ?? '';
  const ages = [...new Set(objects.map(ageOf))].sort();
  return ages.map((age) => objects.filter((object) => ageOf(object) === age));
}

const worldService = (name: string): RawObject | undefined =>
  (worldServices() as RawObject[]).find(({ metadata }) => metadata.name === name);

/** Services that rows only send to. */
export function sharedServices(): object[] {
  return (worldServices() as RawObject[]).map((service) =>
    serviceInCluster(service, { suffix: '', services: new Set() }),
  );
}

function serviceInCluster(service: RawObject, names: Names): object {
  const { name, namespace, annotations = {} } = service.metadata;
  const { ports, type, externalName } = service.spec as { ports: Raw[]; type?: string; externalName?: string };
  const target = portOf(name);
  const selector = { app: name === 'empty' ? 'nobody' : namespace === 'depot' ? 'depot' : 'open' };
  const external = type === undefined ? { selector } : { type, externalName };
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: renamed(name, names), namespace: NAMESPACES[namespace], annotations },
    spec: { ...external, ports: ports.map((port) => ({ ...port, targetPort: target })) },
  };
}

const renamed = (name: string, { services, suffix }: Names): string => (services.has(name) ? `${name}${suffix}` : name);

function inCluster(object: RawObject, names: Names): object {
  const { name, namespace, annotations = {} } = object.metadata;
  return {
    ...object,
    metadata: { name: `${name}${names.suffix}`, namespace: NAMESPACES[namespace], annotations },
    spec: translated(object.spec, names),
  };
}

/** References by the names of the cluster, at any depth. */
function translated(value: unknown, names: Names, key = ''): unknown {
  if (Array.isArray(value)) return value.map((each) => translated(each, names, key));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([field, each]) => [field, translated(each, names, field)] as const);
  const object: Raw = Object.fromEntries(entries);
  const { name, namespace } = object as { name?: string; namespace?: string };
  if (['parentRefs', 'backendRefs', 'backendRef'].includes(key) && name !== undefined)
    object['name'] = renamed(name, names);
  if (key === 'extensionRef') object['name'] = `${name}${names.suffix}`;
  if (key.endsWith('Refs') || key.endsWith('Ref')) {
    if (namespace !== undefined) object['namespace'] = NAMESPACES[namespace] ?? namespace;
  }
  return object;
}

function question(row: RouteRow, index: number, called: string): Question {
  const { expect, request } = row;
  const isShared = expect.shares !== undefined || expect.mirrors !== undefined;
  const namespace = called === 'far' ? 'depot' : 'shop';
  return {
    client: request.from === 'buyer' ? 'buyer' : 'one',
    service: { name: `${called}-${index}`, namespace: NAMESPACES[namespace]! },
    ask: {
      kind: request.grpc === true ? 'grpc' : 'http',
      port: request.port ?? (called === CALLS.service ? CALLS.port : 80),
      method: request.method ?? 'GET',
      target: request.target,
      headers: headersOf(request),
      count: isShared ? SHARED : 1,
      timeoutMs: TIMEOUT_MS,
    },
    expected: JSON.stringify(expect),
    counted: expect.mirrors !== undefined,
    judge: (answers, counts) => judgeRoute(expect, request.grpc === true, answers, counts),
  };
}

/** Without any `Host` the client would send the address, which a redirect then names. */
function headersOf({ headers = [] }: RouteRequest): readonly (readonly [string, string])[] {
  return headers;
}
