import { isDnsLabel } from '../../crds/scalars/name.ts';
import { ControlPlaneError } from '../../proxy-image/contract/control-plane-errors.ts';
import type { CodedError } from '../../proxy-image/contract/errors.ts';
import { serviceAccountIdentity, TOKEN_AUDIENCE } from '../../proxy-image/contract/names.ts';

/** `status` of a TokenReview (authentication.k8s.io/v1); absent fields as empty values. */
export interface TokenReviewStatus {
  authenticated: boolean;
  audiences: readonly string[];
  username: string;
  extra: Readonly<Record<string, readonly string[]>>;
  error: string;
}

/** Asks the API server about a token. Rejects when there is no answer. */
export interface TokenReviewer {
  review(token: string, audience: string): Promise<TokenReviewStatus>;
}

/** Who sent a token. */
export interface Caller {
  serviceAccount: string;
  namespace: string;
  /** Empty where the token is not bound to a pod. */
  pod: string;
  podUid: string;
}

const POD_NAME = 'authentication.kubernetes.io/pod-name';
const POD_UID = 'authentication.kubernetes.io/pod-uid';

/**
 * The pod that a token speaks for. Audiences are compared here too: an API server that knows none answers without any.
 * @throws ControlPlaneError WEFT_SIGNING_TOKEN
 */
export function callerOf(status: TokenReviewStatus, requirePod: boolean): Caller {
  if (!status.authenticated)
    throw refused(status.error === '' ? 'it is not authenticated' : status.error.slice(0, 200));
  if (!status.audiences.includes(TOKEN_AUDIENCE)) throw refused(`its audience is not ${TOKEN_AUDIENCE}`);
  const [system, kind, namespace = '', serviceAccount = '', ...rest] = status.username.split(':');
  const isServiceAccount = system === 'system' && kind === 'serviceaccount' && rest.length === 0;
  // Each part is one label of the identity, so that policies can match on label boundaries (Linkerd: identity validator).
  if (!isServiceAccount || !isDnsLabel(namespace) || !isDnsLabel(serviceAccount)) {
    throw refused(
      `its user is no ServiceAccount with a name of one DNS label: ${JSON.stringify(status.username.slice(0, 200))}`,
    );
  }
  const pod = status.extra[POD_NAME]?.[0] ?? '';
  const podUid = status.extra[POD_UID]?.[0] ?? '';
  if (requirePod && (pod === '' || podUid === '')) throw refused('it is not bound to a pod');
  return { serviceAccount, namespace, pod, podUid };
}

export function identityOf(caller: Caller, suffix: string): string {
  return serviceAccountIdentity(caller.serviceAccount, caller.namespace, suffix);
}

function refused(detail: string): CodedError {
  return new ControlPlaneError('WEFT_SIGNING_TOKEN', detail);
}
