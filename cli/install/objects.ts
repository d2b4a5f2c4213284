import { parseAllDocuments } from 'yaml';
import { CONTROL_PLANE_NAMESPACE, CONTROL_PLANE_SERVICE, VIZ_PORT_NAME } from '../../proxy-image/contract/names.ts';
import { type Identity, type KubeObject, keyOf } from './object.ts';
import type { Sources } from './sources.ts';
import type { Values } from './values.ts';

/** Its Deployment is what an installation is known by. */
export const OPERATOR_IDENTITY: Identity = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: CONTROL_PLANE_SERVICE, namespace: CONTROL_PLANE_NAMESPACE },
};
/** Of the operator's Deployment: the values that the installation was made with, for the next one. */
export const VALUES_ANNOTATION = 'weft.dev/install-values';

/** Every object of an installation, in the order in which they are applied. */
export interface Installation {
  definitions: readonly KubeObject[];
  controlPlane: readonly KubeObject[];
}

const REPLICAS_HA = 3;

/** The same values give the same objects: nothing here is random, nor of a time or a cluster. */
export function installation(sources: Sources, values: Values): Installation {
  const texts = sources.controlPlane.map((text) => substituted(text, values));
  const controlPlane = texts.flatMap(objectsOf);
  const operator = controlPlane.find(isOperator);
  if (operator !== undefined) configure(operator as unknown as Deployment, values);
  return {
    definitions: sources.definitions.flatMap(objectsOf),
    controlPlane: values['viz.enabled'] === 'false' ? withoutViz(controlPlane) : controlPlane,
  };
}

export function isOperator(object: Identity): boolean {
  return keyOf(object) === keyOf(OPERATOR_IDENTITY);
}

function objectsOf(text: string): KubeObject[] {
  return parseAllDocuments(text).map((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw error;
    return document.toJS() as KubeObject;
  });
}

/** What is there for live numbers alone carries this label. */
const VIZ_COMPONENT = ['app.kubernetes.io/component', 'viz'] as const;
const ROLES_WITHOUT_VIZ = 'controllers,config,identity,webhooks';

/** Without live numbers: no group of the API, no right for one, no port, and no proxy is asked for reports. */
function withoutViz(objects: readonly KubeObject[]): KubeObject[] {
  const [key, value] = VIZ_COMPONENT;
  const rest = objects.filter(({ metadata }) => metadata.labels?.[key] !== value);
  for (const object of rest) {
    if (object.kind === 'Service') withoutPort(object['spec'] as Pick<Container, 'ports'>);
    if (!isOperator(object)) continue;
    const [container] = (object as unknown as Deployment).spec.template.spec.containers;
    withoutPort(container);
    container.env.push({ name: 'WEFT_OPERATOR_ROLES', value: ROLES_WITHOUT_VIZ });
  }
  return rest;
}

function withoutPort(holder: Pick<Container, 'ports'>): void {
  holder.ports = holder.ports.filter(({ name }) => name !== VIZ_PORT_NAME);
}

/** Where no image is named, images are on the nodes already (`hack/images`). */
function substituted(text: string, values: Values): string {
  const prefix = values['images.prefix'] ?? 'localhost/';
  const tag = values['images.tag'] ?? 'dev';
  const substitutes: Readonly<Record<string, string>> = {
    OPERATOR_IMAGE: values['images.operator'] ?? `${prefix}weft-operator:${tag}`,
    PROXY_IMAGE: values['images.proxy'] ?? `${prefix}weft-proxy:${tag}`,
    IMAGE_INPUTS: values['images.inputs'] ?? 'unknown',
  };
  return text.replace(/\$\{([A-Z_]+)\}/g, (whole, key: string) =>
    key in substitutes ? JSON.stringify(substitutes[key]) : whole,
  );
}

/** What of the operator's Deployment is set here. */
interface Deployment {
  metadata: { annotations?: Record<string, string> };
  spec: {
    replicas?: number;
    template: {
      metadata: { labels: Record<string, string> };
      spec: { topologySpreadConstraints?: object[]; containers: [Container] };
    };
  };
}

interface Container {
  ports: { name: string }[];
  imagePullPolicy: string;
  env: { name: string; value?: string }[];
  resources: { requests: Record<string, string>; limits: Record<string, string> };
}

function configure(operator: Deployment, values: Values): void {
  const highlyAvailable = values.ha === 'true';
  const { spec } = operator;
  const [container] = spec.template.spec.containers;
  const replicas = values['operator.replicas'] ?? (highlyAvailable ? `${REPLICAS_HA}` : undefined);
  if (replicas !== undefined) spec.replicas = Number(replicas);
  if (highlyAvailable) spec.template.spec.topologySpreadConstraints = spread(spec.template.metadata.labels);
  const level = values['operator.logLevel'];
  if (level !== undefined) container.env.push({ name: 'WEFT_OPERATOR_LOG_LEVEL', value: level });
  container.imagePullPolicy = values['images.pullPolicy'] ?? container.imagePullPolicy;
  limit(container.resources, values);
  const record = recordOf(values);
  if (record !== null) operator.metadata.annotations = { [VALUES_ANNOTATION]: record };
}

function limit({ requests, limits }: Container['resources'], values: Values): void {
  for (const resource of ['cpu', 'memory'] as const) {
    const request = values[`operator.resources.requests.${resource}`];
    const most = values[`operator.resources.limits.${resource}`];
    if (request !== undefined) requests[resource] = request;
    if (most !== undefined) limits[resource] = most;
  }
}

/**
 * Of one revision only (`matchLabelKeys`), so that a new one finds room beside the old one on as many nodes as there are replicas. Nodes that take no pod, such as
 * those of a control plane or in maintenance, are none that lack a replica (`nodeTaintsPolicy`). Zones are wished for: a cluster may have one.
 */
function spread({ 'app.kubernetes.io/name': name }: Record<string, string>): object[] {
  const constraint = (topologyKey: string, whenUnsatisfiable: string) => ({
    maxSkew: 1,
    topologyKey,
    whenUnsatisfiable,
    nodeTaintsPolicy: 'Honor',
    labelSelector: { matchLabels: { 'app.kubernetes.io/name': name } },
    matchLabelKeys: ['pod-template-hash'],
  });
  return [
    constraint('kubernetes.io/hostname', 'DoNotSchedule'),
    constraint('topology.kubernetes.io/zone', 'ScheduleAnyway'),
  ];
}

/** In the order of the names, whatever order they were given in; null where nothing was set. */
function recordOf(values: Values): string | null {
  const entries = Object.entries(values).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return entries.length === 0 ? null : JSON.stringify(Object.fromEntries(entries));
}
