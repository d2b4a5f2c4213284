import type { Meta } from '../../../contract/policy/meta.ts';
import { PROFILE_KIND } from '../../../contract/policy/meta.ts';
import type { ObjectLabel } from '../../../contract/resources.ts';
import {
  type Counted,
  type Direction,
  labelText,
  type SeriesLabels,
  TRAFFIC_LABELS,
  type TrafficLabel,
} from '../../../contract/traffic/labels.ts';
import type { EndedCall } from '../recorder.ts';

/** What the recorder says of a series, or discovery of an endpoint (`dst_` before each). */
type Labels = ReadonlyMap<string, string>;
type Given = Partial<Record<TrafficLabel, string | undefined>>;

/** Owners of pods as discovery names them (`crds/compile/endpoint.ts`), and their kinds; one that is not here goes by its label. */
const OWNERS: Readonly<Record<string, string>> = {
  deployment: 'Deployment',
  statefulset: 'StatefulSet',
  daemonset: 'DaemonSet',
  replicaset: 'ReplicaSet',
  replicationcontroller: 'ReplicationController',
  rollout: 'Rollout',
  k8s_job: 'Job',
  k8s_cronjob: 'CronJob',
};
/** What else discovery says of an endpoint. */
const NO_OWNERS: ReadonlySet<string> = new Set([
  ...['namespace', 'pod', 'service', 'serviceaccount', 'control_plane_ns', 'pod_template_hash', 'zone'],
  'zone_locality',
]);
const DST = 'dst_';

/** What is empty is left out; texts become such as a report may have. */
function seriesLabels(direction: Direction, counted: Counted, given: Given): SeriesLabels {
  const labels: Partial<Record<TrafficLabel, string>> = {};
  for (const name of TRAFFIC_LABELS) {
    const text = given[name];
    if (text !== undefined && text !== '') labels[name] = labelText(text);
  }
  return { ...labels, direction, counted };
}

/** Of what the recorder counts together for want of room. */
export function overflowLabels(direction: Direction, counted: Counted): SeriesLabels {
  return { direction, counted, overflow: 'true' };
}

/** Connections to endpoints. */
export function dialledLabels(labels: Labels): SeriesLabels {
  const given: Given = { ...transportFacts(labels), ...peerOf(labels), peerIdentity: labels.get('server_id') };
  return seriesLabels('outbound', 'connections', { ...given, ...serviceOf(labels) });
}

/** Connections of clients; `server`: of the port that they have reached. */
export function acceptedLabels(labels: Labels, server: ObjectLabel): SeriesLabels {
  return seriesLabels('inbound', 'connections', {
    ...transportFacts(labels),
    peerIdentity: labels.get('client_id'),
    serverKind: server.kind,
    serverName: server.name,
    serverPort: labels.get('target_port'),
  });
}

/** Requests or connections of clients, by what was decided about them. */
export function judgedLabels(counted: Counted, labels: Labels): SeriesLabels {
  return seriesLabels('inbound', counted, {
    ...transportFacts(labels),
    peerIdentity: labels.get('client_id'),
    serverKind: labels.get('srv_kind'),
    serverName: labels.get('srv_name'),
    serverPort: labels.get('srv_port'),
    routeKind: labels.get('route_kind'),
    routeName: labels.get('route_name'),
    authorizationKind: labels.get('authz_kind'),
    authorizationName: labels.get('authz_name'),
  });
}

/** Requests of the pod's own application. Of those for a pod itself it is known whose they are. */
export function requestLabels(call: EndedCall, podsApart: boolean): SeriesLabels {
  return seriesLabels('outbound', 'requests', call.entry === null ? peerIn(call, podsApart) : calledIn(call));
}

/** Attempts of them at endpoints. */
export function attemptLabels(call: EndedCall, podsApart: boolean): SeriesLabels {
  const identity = call.endpoint?.facts.identity ?? null;
  return seriesLabels('outbound', 'attempts', {
    ...calledIn(call),
    ...peerIn(call, podsApart),
    peerIdentity: identity ?? '',
    tls: identity === null ? 'no_identity' : 'true',
    noTlsReason: identity === null ? 'not_provided_by_service_discovery' : '',
  });
}

function peerIn({ endpoint }: EndedCall, podsApart: boolean): Given {
  const facts = Object.entries(endpoint?.facts.labels ?? {});
  const peer = peerOf(new Map(facts.map(([name, text]) => [DST + name, text])));
  return podsApart || peer.peerKind === 'Pod' ? peer : { ...peer, peerPod: '' };
}

/** The Service, the route and the backend. */
function calledIn({ entry, route, backend }: EndedCall): Given {
  if (entry === null) return {};
  const { origin } = route.policy;
  return {
    authority: entry.authority,
    serviceNamespace: entry.namespace,
    serviceName: entry.service,
    servicePort: String(entry.port),
    routeKind: origin.kind,
    routeNamespace: origin.namespace,
    // A profile has routes, other objects are routes.
    routeName: origin.kind === PROFILE_KIND ? route.name : origin.name,
    ...(backend === null ? {} : backendOf(backend.meta)),
  };
}

function backendOf({ namespace, name, port }: Meta): Given {
  return { backendNamespace: namespace, backendName: name, backendPort: port === 0 ? '' : String(port) };
}

function transportFacts(labels: Labels): Given {
  return { tls: labels.get('tls'), noTlsReason: labels.get('no_tls_reason') };
}

function serviceOf(labels: Labels): Given {
  const authority = labels.get('authority') ?? '';
  const serviceName = labels.get(`${DST}service`);
  if (serviceName === undefined) return { authority };
  const servicePort = authority.slice(authority.lastIndexOf(':') + 1);
  return { authority, serviceName, serviceNamespace: labels.get(`${DST}namespace`), servicePort };
}

/** The pod of an endpoint, and what owns it. A pod without an owner is its own workload, as the reporter is (`operator/serve/reporter.ts`). */
function peerOf(labels: Labels): Given {
  const peerPod = labels.get(`${DST}pod`);
  if (peerPod === undefined) return {};
  const given: Given = { peerNamespace: labels.get(`${DST}namespace`), peerKind: 'Pod', peerName: peerPod, peerPod };
  for (const [label, text] of labels) {
    if (!label.startsWith(DST)) continue;
    const name = label.slice(DST.length);
    if (!NO_OWNERS.has(name)) return { ...given, peerKind: OWNERS[name] ?? name, peerName: text };
  }
  return given;
}
