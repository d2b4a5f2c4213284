import type { TapHeader } from '../../proxy-image/contract/tap/events.ts';

/**
 * Tap as the aggregated API serves it: Linkerd's group and paths, so that RBAC rules written for it hold. What is asked stands in the URL, what is answered are
 * lines of JSON (Linkerd's own command speaks another form).
 */
export const TAP_GROUP = 'tap.linkerd.io';
export const TAP_VERSION = 'v1alpha1';

/** Whose pods can be tapped: resources as paths and RBAC rules name them, with the kind of their objects. */
export const TAPPED_KINDS = {
  pods: 'Pod',
  deployments: 'Deployment',
  statefulsets: 'StatefulSet',
  daemonsets: 'DaemonSet',
  replicasets: 'ReplicaSet',
  replicationcontrollers: 'ReplicationController',
  jobs: 'Job',
  cronjobs: 'CronJob',
  services: 'Service',
} as const;
export type TappedResource = keyof typeof TAPPED_KINDS;

/** Whose traffic: an object; all of a kind in a namespace, or in the cluster; a whole namespace, or the cluster. */
export interface TapTarget {
  /** `null`: of all namespaces. */
  namespace: string | null;
  /** `null`: whatever kind. */
  resource: TappedResource | null;
  /** `null`: all of the kind. One of no kind is none. */
  name: string | null;
}

/** What is wanted of it. Parameters of the URL by the same names; empty texts are left out. */
export interface TapParameters {
  /** Of the calls of the pods: to these, `<resource>/<name>`, `<resource>` or nothing; with `toNamespace`, else in the namespace of the target. */
  to: string;
  toNamespace: string;
  scheme: string;
  method: string;
  authority: string;
  path: string;
  /** Of all pods together. */
  maxRps: number;
  /** Header fields too. */
  headers: boolean;
  /** Only pods with these labels. */
  labelSelector: string;
  direction: '' | 'inbound' | 'outbound';
}

/** Path of an object, or of what else a target may be, as the API server judges it. */
export function tapPath({ namespace, resource, name }: TapTarget): string {
  const root = `/apis/${TAP_GROUP}/${TAP_VERSION}/watch`;
  const within = namespace === null ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  if (resource === null || name === null || namespace === null) return `${root}${within}/tap`;
  return `${root}${within}/${resource}/${encodeURIComponent(name)}/tap`;
}

/** Parameters of the URL. What a path does not say of the target stands here too. */
export function tapQuery({ resource, name, namespace }: TapTarget, parameters: TapParameters): Record<string, string> {
  const said: Record<string, string> = { maxRps: String(parameters.maxRps) };
  if (parameters.headers) said['headers'] = 'true';
  if (resource !== null && (name === null || namespace === null)) said['resource'] = resource;
  for (const key of [
    'to',
    'toNamespace',
    'scheme',
    'method',
    'authority',
    'path',
    'labelSelector',
    'direction',
  ] as const) {
    if (parameters[key] !== '') said[key] = parameters[key];
  }
  return said;
}

/** One line of the answer. Lines of a type that is not known are passed over. */
export type TapLine =
  /** Once, when all that could be asked have been. */
  | { type: 'pods'; listening: number; leftOut: TapLeftOut[] }
  /** Later: a pod has come, or is not told of any more. */
  | { type: 'pod'; namespace: string; pod: string; state: 'listening' | 'leftOut'; reason: string }
  | { type: 'event'; event: TapShown }
  /** So many events are missing: of a pod, or dropped on the way to whoever asked. */
  | { type: 'missed'; events: number; pod: string };

/** A pod that is not told of, and why, as a phrase. */
export interface TapLeftOut {
  namespace: string;
  pod: string;
  reason: string;
}

/** Linkerd's command prints an event as JSON in this form; what is not in it there is named so. */
export interface TapShown {
  source: TapEndpoint;
  destination: TapEndpoint;
  routeMeta: Record<string, string>;
  proxyDirection: 'INBOUND' | 'OUTBOUND';
  requestInitEvent?: TapRequestInit;
  responseInitEvent?: TapResponseInit;
  responseEndEvent?: TapResponseEnd;
  /** Not in Linkerd: a connection that is carried as bytes. */
  connectionOpenEvent?: { id: TapId };
  connectionCloseEvent?: TapConnectionClose;
}

export interface TapEndpoint {
  ip: string;
  port: number;
  /** `namespace`, `pod`, `deployment`, …; `tls` of the side that is not the pod's own; `client_id` or `server_id`. */
  metadata: Record<string, string>;
}

/** `base`: of the proxy, among those that are asked; `stream`: of the request there. */
export interface TapId {
  base: number;
  stream: number;
}

export interface TapField {
  name: string;
  valueStr: string;
}

/** `google.protobuf.Duration`, as its JSON in Linkerd's command. */
export interface TapDuration {
  seconds: number;
  nanos: number;
}

export interface TapRequestInit {
  id: TapId;
  method: string;
  scheme: string;
  authority: string;
  path: string;
  headers: TapField[];
  /** Not in Linkerd. */
  version: string;
}

export interface TapResponseInit {
  id: TapId;
  sinceRequestInit: TapDuration;
  httpStatus: number;
  headers: TapField[];
}

export interface TapResponseEnd {
  id: TapId;
  sinceRequestInit: TapDuration;
  sinceResponseInit: TapDuration;
  responseBytes: number;
  /** Always empty: trailers are not told. */
  trailers: readonly TapField[];
  grpcStatusCode?: number;
  resetErrorCode?: number;
  /** Not in Linkerd, from here on. */
  requestBytes: number;
  httpStatus: number;
  end: 'complete' | 'cancelled' | 'truncated';
  retries: number;
  error: string;
}

export interface TapConnectionClose {
  id: TapId;
  duration: TapDuration;
  sentBytes: number;
  receivedBytes: number;
  error: string;
}

export function fieldsOf(headers: readonly TapHeader[]): TapField[] {
  return headers.map(([name, valueStr]) => ({ name, valueStr }));
}

export function durationOf(micros: number): TapDuration {
  const seconds = Math.floor(micros / 1e6);
  return { seconds, nanos: Math.round((micros - seconds * 1e6) * 1000) };
}

export function microsOf({ seconds, nanos }: TapDuration): number {
  return Math.round(seconds * 1e6 + nanos / 1000);
}
