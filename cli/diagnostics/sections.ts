import { KINDS } from '../../crds/kinds/registry.ts';
import type { KindRow } from '../../crds/kinds/row.ts';
import { child, listOf, textOf } from '../../crds/parse/metadata.ts';
import { CONTROL_PLANE_LABEL, CONTROL_PLANE_NAMESPACE, FIELD_MANAGER } from '../../proxy-image/contract/names.ts';
import { OPERATOR_PORTS } from '../../proxy-image/contract/ports.ts';
import { ApiError, type Cluster, list } from '../cluster/cluster.ts';
import { readPod } from '../cluster/pod-http.ts';
import { SELECTOR } from '../install/resources.ts';
import { meshPartOf } from './pod.ts';
import { redactObject, redactText } from './redact.ts';
import type { Section, Sources } from './section.ts';
import type { ArchiveFile } from './tar.ts';

/** What a container has said at last: enough for hours of an operator in good health, and a bound for one in bad. */
const LOG_LINES = 5_000;
const LOG_BYTES = 4 * 1024 * 1024;

const WITHIN = `/api/v1/namespaces/${CONTROL_PLANE_NAMESPACE}`;

/** In the order in which they are collected. */
export const SECTIONS: readonly Section[] = [
  { title: 'versions', collect: versions },
  { title: 'nodes', collect: nodes },
  { title: 'control plane', collect: controlPlane },
  { title: 'logs of the control plane', collect: logs },
  { title: 'metrics of the control plane', collect: controlPlaneMetrics },
  { title: 'webhooks and aggregated APIs', collect: registrations },
  { title: 'definitions', collect: definitions },
  { title: 'objects of the mesh', collect: objects },
  { title: 'pods of the mesh', collect: pods },
  { title: 'events', collect: events },
  { title: 'proxies', collect: ({ verb }) => fromVerb(verb, 'proxies.json', ['proxy-status', '-A', '-o', 'json']) },
  {
    title: 'check',
    collect: ({ verb }) => fromVerb(verb, 'check.json', ['check', '--proxy', '-o', 'json']),
  },
];

/** Everything that is put into the archive goes through here, or through `text`. */
function json(path: string, value: unknown): ArchiveFile {
  return { path, content: `${JSON.stringify(redactObject(value), null, 2)}\n` };
}

function text(path: string, content: string): ArchiveFile {
  return { path, content: redactText(content) };
}

async function fromVerb(verb: Sources['verb'], path: string, argv: readonly string[]): Promise<ArchiveFile[]> {
  const { stdout, stderr } = await verb(argv);
  return [printedAs(path, stdout), ...(stderr === '' ? [] : [text(`${path}.stderr.txt`, stderr)])];
}

/** JSON as such, so that it is still JSON when something has been taken out. */
function printedAs(path: string, stdout: string): ArchiveFile {
  try {
    return json(path, JSON.parse(stdout));
  } catch {
    return text(path, stdout);
  }
}

async function versions({ cluster, verb }: Sources): Promise<ArchiveFile[]> {
  const kubernetes = json('versions/kubernetes.json', await cluster.request<unknown>({ path: '/version' }));
  return [kubernetes, ...(await fromVerb(verb, 'versions/weft.json', ['version', '--proxy', '-o', 'json']))];
}

/** What they are, not what runs on them. */
async function nodes({ cluster }: Sources): Promise<ArchiveFile[]> {
  const found = await list<unknown>(cluster, '/api/v1/nodes');
  const told = found.map((node) => {
    const status = child(node, 'status');
    return {
      name: textOf(child(node, 'metadata'), 'name'),
      nodeInfo: child(status, 'nodeInfo'),
      conditions: child(status, 'conditions'),
      podCIDRs: child(child(node, 'spec'), 'podCIDRs'),
    };
  });
  return [json('nodes.json', told)];
}

async function controlPlane({ cluster }: Sources): Promise<ArchiveFile[]> {
  const kinds = [
    ['pods', `${WITHIN}/pods`],
    ['services', `${WITHIN}/services`],
    ['deployments', `/apis/apps/v1/namespaces/${CONTROL_PLANE_NAMESPACE}/deployments`],
    ['poddisruptionbudgets', `/apis/policy/v1/namespaces/${CONTROL_PLANE_NAMESPACE}/poddisruptionbudgets`],
    ['leases', `/apis/coordination.k8s.io/v1/namespaces/${CONTROL_PLANE_NAMESPACE}/leases`],
  ] as const;
  const files: ArchiveFile[] = [];
  for (const [name, path] of kinds) files.push(await listedAs(`control-plane/${name}.json`, cluster, path));
  return files;
}

async function listedAs(file: string, cluster: Cluster, path: string): Promise<ArchiveFile> {
  return json(file, await list<unknown>(cluster, path));
}

/** @returns names of containers, by name of the pod */
async function operators(cluster: Cluster): Promise<{ name: string; containers: string[] }[]> {
  const found = await list<unknown>(cluster, `${WITHIN}/pods`, { labelSelector: SELECTOR });
  return found.map((pod) => ({
    name: textOf(child(pod, 'metadata'), 'name'),
    containers: listOf(child(pod, 'spec'), 'containers').map((container) => textOf(container, 'name')),
  }));
}

async function logs({ cluster }: Sources): Promise<ArchiveFile[]> {
  const files: ArchiveFile[] = [];
  for (const { name, containers } of await operators(cluster)) {
    for (const container of containers) {
      for (const previous of ['false', 'true']) {
        const query = { container, previous, tailLines: String(LOG_LINES), limitBytes: String(LOG_BYTES) };
        const path = `control-plane/logs/${name}/${container}${previous === 'true' ? '.previous' : ''}.log`;
        files.push(...(await logOf(cluster, `${WITHIN}/pods/${name}/log`, query, path)));
      }
    }
  }
  return files;
}

/** A container that has not been restarted has no log of before. */
async function logOf(
  cluster: Sources['cluster'],
  path: string,
  query: Record<string, string>,
  file: string,
): Promise<ArchiveFile[]> {
  try {
    return [text(file, await cluster.text({ path, query }))];
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return query['previous'] === 'true' && error.status === 400 ? [] : [text(`${file}.missing.txt`, error.message)];
  }
}

async function controlPlaneMetrics({ cluster }: Sources): Promise<ArchiveFile[]> {
  const found = await operators(cluster);
  const files = found.map(async ({ name }) => {
    const pod = { namespace: CONTROL_PLANE_NAMESPACE, name };
    return text(`control-plane/metrics/${name}.txt`, await readPod(cluster, pod, OPERATOR_PORTS.admin, '/metrics'));
  });
  return Promise.all(files);
}

/** Ours as they are; of others, which may meet the same pods, what they are for. */
async function registrations({ cluster }: Sources): Promise<ArchiveFile[]> {
  const files: ArchiveFile[] = [];
  for (const plural of ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations']) {
    const found = await list<unknown>(cluster, `/apis/admissionregistration.k8s.io/v1/${plural}`);
    files.push(json(`webhooks/${plural}.json`, found.map(webhooksOf)));
  }
  const apis = await list<unknown>(cluster, '/apis/apiregistration.k8s.io/v1/apiservices');
  const ours = apis.filter((api) => isOurGroup(textOf(child(api, 'spec'), 'group')));
  return [...files, json('apiservices.json', ours)];
}

function webhooksOf(configuration: unknown): unknown {
  if (/^(?:weft|linkerd)-/.test(textOf(child(configuration, 'metadata'), 'name'))) return configuration;
  return {
    metadata: { name: textOf(child(configuration, 'metadata'), 'name') },
    webhooks: listOf(configuration, 'webhooks').map((webhook) => ({
      name: textOf(webhook, 'name'),
      rules: child(webhook, 'rules'),
      failurePolicy: child(webhook, 'failurePolicy'),
      namespaceSelector: child(webhook, 'namespaceSelector'),
      objectSelector: child(webhook, 'objectSelector'),
    })),
  };
}

function isOurGroup(group: string): boolean {
  return /(?:^|\.)(?:weft\.dev|linkerd\.io|smi-spec\.io)$/.test(group);
}

/** Not their schemas: these are those of the release. */
async function definitions({ cluster }: Sources): Promise<ArchiveFile[]> {
  const found = await list<unknown>(cluster, '/apis/apiextensions.k8s.io/v1/customresourcedefinitions');
  const told = found
    .filter((definition) =>
      KINDS.some(({ group }) => group !== '' && group === textOf(child(definition, 'spec'), 'group')),
    )
    .map((definition) => ({
      metadata: child(definition, 'metadata'),
      versions: listOf(child(definition, 'spec'), 'versions').map((version) => ({
        name: textOf(version, 'name'),
        served: child(version, 'served'),
        storage: child(version, 'storage'),
        hasStatus: child(child(version, 'subresources'), 'status') !== undefined,
      })),
      conversion: child(child(child(definition, 'spec'), 'conversion'), 'strategy'),
      status: child(definition, 'status'),
    }));
  return [json('definitions.json', told)];
}

/** Every kind that configuration is made of, but pods. */
async function objects({ cluster, namespace }: Sources): Promise<ArchiveFile[]> {
  const files: ArchiveFile[] = [];
  for (const row of KINDS.filter(({ kind }) => !TOLD_ELSEWHERE.includes(kind))) {
    files.push(await objectsOf(cluster, row, namespace));
  }
  return files;
}

const TOLD_ELSEWHERE: readonly string[] = ['Pod'];

async function objectsOf(cluster: Cluster, row: KindRow, namespace: string | null): Promise<ArchiveFile> {
  const file = `objects/${row.plural}${row.group === '' ? '' : `.${row.group}`}`;
  const root = row.group === '' ? `/api/${row.watched}` : `/apis/${row.group}/${row.watched}`;
  const within = namespace === null || row.scope === 'Cluster' ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  try {
    return await listedAs(`${file}.json`, cluster, `${root}${within}/${row.plural}`);
  } catch (error) {
    if (error instanceof ApiError) return text(`${file}.missing.txt`, error.message);
    throw error;
  }
}

async function pods({ cluster, namespace }: Sources): Promise<ArchiveFile[]> {
  const path = namespace === null ? '/api/v1/pods' : `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`;
  const found = await list<unknown>(cluster, path, { labelSelector: CONTROL_PLANE_LABEL });
  return [json('pods.json', found.map(meshPartOf))];
}

/** Those of the control plane's namespace, and those that the control plane has written anywhere. */
async function events({ cluster }: Sources): Promise<ArchiveFile[]> {
  const own = await list<unknown>(cluster, `/apis/events.k8s.io/v1/namespaces/${CONTROL_PLANE_NAMESPACE}/events`);
  const all = await list<unknown>(cluster, '/apis/events.k8s.io/v1/events');
  const written = all.filter(
    (event) =>
      textOf(event, 'reportingController') === FIELD_MANAGER &&
      textOf(child(event, 'metadata'), 'namespace') !== CONTROL_PLANE_NAMESPACE,
  );
  return [json('events.json', [...own, ...written])];
}
