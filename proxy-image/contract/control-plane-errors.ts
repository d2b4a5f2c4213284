import { CodedError, type ErrorEntry } from './errors.ts';

/** Of operator, webhooks and installation. Some reach a proxy, as text. */
export const CONTROL_PLANE_ERRORS = {
  WEFT_SIGNING_REQUEST: {
    message: 'the certificate request is not of the form that the contract says',
    next: 'compare the versions of operator and proxy; the detail says which part is wrong',
  },
  WEFT_SIGNING_CSR: {
    message: 'the certificate signing request was refused',
    next: 'a proxy sends a P-256 key with a valid signature and asks for no authority; the detail says what came',
  },
  WEFT_SIGNING_TOKEN: {
    message: 'the ServiceAccount token was refused',
    next: 'the token must be unexpired, bound to a pod and made for the audience identity.l5d.io; the audit line of the operator names address and reason',
  },
  WEFT_SIGNING_RATE: {
    message: 'too many certificate requests',
    next: 'the proxy asks again by itself; if it repeats, look for a container that restarts or for the address in the audit lines of the operator',
  },
  WEFT_SIGNING_UNAVAILABLE: {
    message: 'no certificate can be issued at the moment',
    next: 'check the conditions of the Mesh: the issuer may be missing or expired, or the API server may not answer token reviews',
  },
  WEFT_PKI_SECRET: {
    message: 'a Secret holds no usable certificate authority',
    next: 'the detail names the Secret and the part: an unexpired P-256 CA certificate with its key, chaining to ca.crt, as tls.crt and tls.key or crt.pem and key.pem',
  },
  WEFT_PKI_ABSENT: {
    message: 'a Secret with a certificate authority is absent',
    next: 'a replica that is not the leader waits for the leader to create it; a Secret named in the Mesh must be created by its owner, for example cert-manager',
  },
  WEFT_PKI_ANCHORS: {
    message: 'a ConfigMap holds no usable trust anchors',
    next: 'the detail names the ConfigMap and the part: unexpired certificates of authorities as PEM under its key, one of which the issuer chains to; what was read before stays in force',
  },
  WEFT_PKI_RENEWAL: {
    message: 'a certificate authority is due and could not be renewed',
    next: 'it is tried again every 15 seconds; the detail names the Secret and the reason: the Role weft-operator must allow patch on it, it must not be immutable, and the clocks must agree',
  },
  WEFT_WEBHOOK_REVIEW: {
    message: 'the request is not an admission review that can be answered',
    next: 'only API servers call the webhooks, with admission.k8s.io/v1 reviews as JSON; the detail says what is wrong',
  },
  WEFT_WEBHOOK_LIMIT: {
    message: 'the admission review is larger or deeper than allowed',
    next: '10 MB of body and 100 levels of JSON are the limits; an object of the API server stays far below both',
  },
  WEFT_WEBHOOK_HANDLER: {
    message: 'an admission review could not be judged',
    next: 'check the conditions of the Mesh for a missing trust anchor; otherwise it is a defect, and the log of the operator has the error',
  },
  WEFT_SERVE_IDENTITY: {
    message: 'a proxy asked for a pod that its certificate does not belong to',
    next: 'compare the ServiceAccount of the pod with the identity in the detail; a certificate of one ServiceAccount cannot speak for pods of another',
  },
  WEFT_SERVE_POD: {
    message: 'the pod of a proxy is not known',
    next: 'the API server or the watch of this replica may lag behind; if it repeats, check that the pod still exists',
  },
  WEFT_SERVE_PROTOCOL: {
    message: 'a proxy sent something that is not understood',
    next: 'compare the versions of operator and proxy; the detail says what came',
  },
  WEFT_SERVE_LIMIT: {
    message: 'a proxy asked for more than one proxy may',
    next: 'an application that connects to very many addresses can do this; the detail names the limit of the configuration server',
  },
  WEFT_SERVE_SILENT: {
    message: 'a proxy did not answer in time',
    next: 'the proxy may be starved of CPU, or the network between lost the connection; it connects again by itself',
  },
  WEFT_SERVE_REPLACED: {
    message: 'a newer connection of the same pod took over',
    next: 'nothing to do: the proxy has connected again before this side noticed that the old connection was gone',
  },
  WEFT_SERVE_MOVED: {
    message: 'this replica of the operator has more proxies than the others',
    next: 'nothing to do: the proxy connects anew, and keeps what it has meanwhile; few are asked in a second, until numbers are even',
  },
  WEFT_SERVE_STOPPING: {
    message: 'this replica of the operator is stopping',
    next: 'nothing to do: proxies connect to another replica by themselves',
  },
  WEFT_SERVE_EXPIRED: {
    message: 'the certificate of a proxy has expired on an open connection',
    next: 'the proxy connects again with its renewed certificate; if it repeats, look at its control_identity_cert_* metrics',
  },
  WEFT_SERVE_TRAFFIC: {
    message: 'a report of traffic does not count, or not all of it',
    next: 'live numbers of the proxy that the line names are missing or too low, those of others are right; compare the versions of operator and proxy, and look at what else runs in its pod: no proxy of ours sends such a report',
  },
  WEFT_VIZ_UNAUTHENTICATED: {
    message: 'the aggregated API does not know who asks',
    next: 'ask the API server, not port 8089 of the operator; if the API server itself is refused, compare its front-proxy certificate with ConfigMap kube-system/extension-apiserver-authentication',
  },
  WEFT_VIZ_FORBIDDEN: {
    message: 'the user may not do this with the resource',
    next: 'bind a role that grants it, for live numbers the ClusterRole weft-viz-reader; kubectl auth can-i asks the same question',
  },
  WEFT_VIZ_REQUEST: {
    message: 'the request to the aggregated API is not understood',
    next: 'the message says which part is wrong; kubectl api-resources lists what there is, docs/live-numbers.md the parameters',
  },
  WEFT_VIZ_LIMIT: {
    message: 'the aggregated API has too much to do',
    next: 'ask again after a second; if it repeats, look for somebody who asks in a loop (weft_viz_requests_total)',
  },
  WEFT_VIZ_UNAVAILABLE: {
    message: 'the aggregated API has no answer at the moment',
    next: 'ask again; if it repeats, the log of the operator names the cause: the API server does not review access, or the operator has too little CPU',
  },
  WEFT_VIZ_FAILED: {
    message: 'a request to the aggregated API failed',
    next: 'it is a defect; the log of the operator has the error',
  },
  WEFT_REPLICA_UNREACHABLE: {
    message: 'the leader does not reach a replica of the operator',
    next: 'statuses do not count the proxies of that replica meanwhile; check that a NetworkPolicy of the control plane lets its pods connect to one another on port 8086',
  },
  WEFT_REPLICA_IDENTITY: {
    message: 'one end of a connection between replicas did not prove to be the control plane, or that very replica',
    next: 'after a change of anchors or of the suffix it passes by itself; if it repeats, look for another pod with the address in the EndpointSlices of the Service weft-operator, or for whoever asks under the identity in the log',
  },
  WEFT_REPLICA_RELEASE: {
    message: 'a replica of the operator is of a release that does not report its proxies',
    next: 'nothing during an upgrade; otherwise bring all replicas to one release',
  },
  WEFT_REPLICA_PROTOCOL: {
    message: 'a replica of the operator said something that is not understood, or that cannot be',
    next: 'compare the versions of the replicas; between replicas of one release it is a defect, and the detail says what came',
  },
  WEFT_REPLICA_SILENT: {
    message: 'a replica of the operator was silent for 6 s',
    next: 'it may be starved of CPU, or the network between has lost the connection; the leader connects again by itself',
  },
  WEFT_CACHE_SYNC_TIMEOUT: {
    message: 'a cache of the operator was not filled in time',
    next: 'the detail names the kind: check that its CustomResourceDefinition is installed and that the ClusterRole weft-operator may list it',
  },
  WEFT_LEADER_LOST: {
    message: 'the operator lost its lease and ended at once',
    next: 'it starts again by itself; if it repeats, look at the load of the API server and of the node: the lease is renewed every 2 s and given up after 10 s',
  },
  WEFT_LEADER_OPTIONS: {
    message: 'the times of the leader election do not fit together',
    next: 'the lease must be longer than the renew deadline, and that longer than the pause between attempts times 1.2',
  },
  WEFT_START_FAILED: {
    message: 'a part of the operator did not start',
    next: 'the detail names it and the cause; for a server, check whether something else uses the port',
  },
  WEFT_INSTALL_KUBECTL: {
    message: 'kubectl failed',
    next: 'the detail is what kubectl wrote; check KUBECONFIG and CONTEXT, and that you may create cluster roles and custom resource definitions',
  },
  WEFT_INSTALL_GATEWAY_API: {
    message: 'the definitions of the Gateway API cannot be had',
    next: 'they come from a Go module, by the Go client, which the detail quotes; or name a folder that has them by GATEWAY_API_DEFINITIONS, or install without --gateway-api',
  },
} as const satisfies Record<string, ErrorEntry>;

export type ControlPlaneErrorCode = keyof typeof CONTROL_PLANE_ERRORS;

export class ControlPlaneError extends CodedError {
  constructor(code: ControlPlaneErrorCode, detail = '', cause?: unknown) {
    super(code, CONTROL_PLANE_ERRORS[code], detail, cause);
  }
}
