/**
 * The catalogue of errors: stable code → message and what to check next. `docs/errors.md` lists the same codes; a test holds them together.
 * `detail` carries what varies; the message is constant, so that logs can be grouped by it.
 */
export interface ErrorEntry {
  message: string;
  next: string;
}

/** Of proxies, and of what they and the operator say to one another. The operator's own are in `control-plane-errors.ts`: no proxy is to read them. */
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
  WEFT_FRAMING: {
    message: 'a message is longer than allowed, or no JSON',
    next: 'the two sides may be of incompatible versions, or something else speaks on this port; the detail says what came',
  },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;

/** An error of the catalogue, of whatever program. */
export class CodedError extends Error {
  readonly code: string;
  readonly next: string;
  constructor(code: string, { message, next }: ErrorEntry, detail: string, cause: unknown) {
    super(detail === '' ? message : `${message}: ${detail}`, cause === undefined ? undefined : { cause });
    this.name = 'WeftError';
    this.code = code;
    this.next = next;
  }
}

export class WeftError extends CodedError {
  constructor(code: ErrorCode, detail = '', cause?: unknown) {
    super(code, ERRORS[code], detail, cause);
  }
}
