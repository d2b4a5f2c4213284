/**
 * The error catalogue: stable code → message and what to check next. `docs/errors.md` lists the same codes; a test holds them together.
 * `detail` carries what varies; the message is constant, so that logs can be grouped by it.
 */
export interface ErrorEntry {
  message: string;
  next: string;
}

export const ERRORS = {
  WEFT_CONFIG_ENVIRONMENT: {
    message: 'an environment variable is missing or has a value of the wrong form',
    next: 'compare the container environment with proxy-image/contract/environment.ts; an injected pod sets all of them',
  },
  WEFT_INIT_NFT_MISSING: {
    message: 'the program nft could not be started',
    next: 'the image of linkerd-init must contain nftables; compare config.linkerd.io/proxy-image and Mesh spec.proxy.image with the image that was built',
  },
  WEFT_INIT_NOT_PERMITTED: {
    message: 'the redirection rules may not be changed',
    next: 'linkerd-init runs as user 0 with the capability NET_ADMIN; a security policy of the cluster may have removed it from the pod',
  },
  WEFT_INIT_KERNEL: {
    message: 'the kernel of the node refused the redirection rules',
    next: 'the node needs nf_tables with nat and redirect for IPv4, and for IPv6 where the node has it: modules nft_chain_nat, nft_redir',
  },
  WEFT_INIT_FAILED: {
    message: 'the redirection rules could not be loaded',
    next: 'the detail repeats what nft wrote; run the same image with the verb init in a pod of its own to try again',
  },
  WEFT_AWAIT_TIMEOUT: {
    message: 'the proxy was not ready in time',
    next: 'the log of linkerd-proxy says what it waits for: certificate, workload policy or listeners',
  },
  WEFT_USAGE: {
    message: 'the command line is not understood',
    next: 'the verbs are run, init and await',
  },
  WEFT_IDENTITY_TOKEN: {
    message: 'the ServiceAccount token could not be read',
    next: 'the pod needs the projected volume with audience identity.l5d.io that injection adds; check that nothing removed it from the pod',
  },
  WEFT_IDENTITY_ANSWER: {
    message: 'the answer of the identity service cannot be used',
    next: 'the detail says which part is wrong; compare the ServiceAccount of the pod with WEFT_PROXY_IDENTITY_NAME and the clocks of node and operator',
  },
  WEFT_IDENTITY_REFUSED: {
    message: 'the identity service refused to sign a certificate',
    next: 'the detail repeats its reason; the log of the operator has the same line with the name of the pod',
  },
  WEFT_IDENTITY_STORE: {
    message: 'the identity directory cannot be read or written',
    next: 'the volume at WEFT_PROXY_IDENTITY_DIR must be writable for the user of the proxy; a restarted container has to ask for everything again without it',
  },
  WEFT_CONTROL_RESOLVE: {
    message: 'the name of the operator has no address',
    next: 'check the Service weft-operator in weft-system and the DNS of the cluster from a pod of the same namespace',
  },
  WEFT_CONTROL_CONNECT: {
    message: 'the operator could not be reached',
    next: 'check that the operator runs and that no NetworkPolicy forbids ports 8080 and 8086 of weft-system',
  },
  WEFT_CONTROL_IDENTITY: {
    message: 'the peer did not prove to be the operator',
    next: 'the trust anchors that the pod was started with may be gone: compare linkerd.io/trust-root-sha256 of the pod with the current bundle and restart the pod',
  },
  WEFT_CONTROL_PROTOCOL: {
    message: 'the operator sent something that is not understood',
    next: 'compare the versions of operator and proxy; the detail says what came',
  },
  WEFT_CONTROL_SILENT: {
    message: 'the operator stopped answering on an open connection',
    next: 'the proxy connects again by itself; if it repeats, look at the load of the operator and at the network between',
  },
  WEFT_TRANSPORT_LISTEN: {
    message: 'a listener could not be opened',
    next: 'the detail has the address; another process of the pod may use the port, or the address family may be missing on the node',
  },
  WEFT_TRANSPORT_FFI: {
    message: 'the C library could not be loaded to read original destinations',
    next: 'the image must contain glibc or musl under its usual name; the detail lists the names tried',
  },
  WEFT_TLS_CREDENTIALS: {
    message: 'key, certificate or trust anchors cannot be used',
    next: 'they must be PEM, and the key must belong to the certificate; the detail says which part is wrong',
  },
  WEFT_STREAM_REFUSED: {
    message: 'the operator refused the configuration stream',
    next: 'the detail repeats its reason: a proxy may only ask for its own pod and needs the identity of that pod',
  },
  WEFT_STATE_FILE: {
    message: 'the stored snapshot could not be read or written',
    next: 'nothing is lost while the operator is reachable; check the volume at WEFT_PROXY_IDENTITY_DIR',
  },
  WEFT_DIRECT_ACCOUNT: {
    message: 'direct mode has no credentials for the API server',
    next: 'direct mode needs the token volume that injection adds with config.weft.dev/source: kubernetes; inject the pod anew',
  },
  WEFT_DIRECT_API: {
    message: 'the API server refused or failed a request of direct mode',
    next: 'bind the ClusterRole weft-proxy-direct to the ServiceAccount of the pod; the detail has the status and the path',
  },
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
  WEFT_FRAMING: {
    message: 'a message is longer than allowed, or no JSON',
    next: 'the two sides may be of incompatible versions, or something else speaks on this port; the detail says what came',
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
  WEFT_SERVE_STOPPING: {
    message: 'this replica of the operator is stopping',
    next: 'nothing to do: proxies connect to another replica by themselves',
  },
  WEFT_SERVE_EXPIRED: {
    message: 'the certificate of a proxy has expired on an open connection',
    next: 'the proxy connects again with its renewed certificate; if it repeats, look at its control_identity_cert_* metrics',
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
  WEFT_INSTALL_CONFLICT: {
    message: 'somebody else has set fields of the control plane to other values',
    next: 'the detail names fields and managers; take your change back, or install with --force, which takes these fields',
  },
  WEFT_INSTALL_DEFINITION: {
    message: 'a custom resource definition of somebody else lacks the version that the operator reads',
    next: 'install with --upgrade-crds, which replaces the definition by one that serves all versions; objects stay',
  },
  WEFT_INSTALL_GATEWAY_API: {
    message: 'the definitions of the Gateway API cannot be had',
    next: 'they come from a Go module, by the Go client, which the detail quotes; or name a folder that has them by GATEWAY_API_DEFINITIONS, or install without --gateway-api',
  },
  WEFT_UNINSTALL_INJECTED: {
    message: 'pods still have a proxy, and would go on without anybody who configures it',
    next: 'take the annotation linkerd.io/inject away and restart them first, or uninstall with --force',
  },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;

export class WeftError extends Error {
  readonly code: ErrorCode;
  readonly next: string;
  constructor(code: ErrorCode, detail = '', cause?: unknown) {
    super(
      detail === '' ? ERRORS[code].message : `${ERRORS[code].message}: ${detail}`,
      cause === undefined ? undefined : { cause },
    );
    this.name = 'WeftError';
    this.code = code;
    this.next = ERRORS[code].next;
  }
}
