import type { NamespaceModel } from '../../crds/types/kubernetes.ts';
import type { MeshModel } from '../../crds/types/models.ts';
import { WeftError } from '../../proxy-image/contract/errors.ts';
import { type AdmissionRequest, ALLOWED, type Answer } from '../review.ts';
import type { Decision } from './decide.ts';
import { inject } from './patch.ts';

/** What injection needs to know of the cluster. */
export interface InjectionSource {
  /** The namespace as it is now: a store that has not seen it yet asks the API server. `null` when there is none. */
  namespace(name: string): Promise<NamespaceModel | null>;
  mesh(): MeshModel;
  /** PEM; empty until the trust anchor is there, and then nothing can be injected. */
  trustAnchorsPem(): string;
}

export interface InjectorIdentity {
  /** Version of the operator. */
  version: string;
  /** The proxy image that the operator was installed with. */
  proxyImage: string;
}

/** What happened to one pod; labels of the injector's metrics (Linkerd: `proxy_inject_admission_responses_total`). */
export interface InjectionOutcome {
  namespace: string;
  ownerKind: string;
  annotationAt: 'workload' | 'namespace' | '';
  skipReasons: readonly string[];
}

/** @throws WeftError WEFT_WEBHOOK_HANDLER while the trust anchor is missing: `failurePolicy` then decides, not we */
export async function injectPod(
  request: AdmissionRequest,
  source: InjectionSource,
  identity: InjectorIdentity,
): Promise<{ answer: Answer; outcome: InjectionOutcome }> {
  if (request.group !== '' || request.kind !== 'Pod' || request.operation !== 'CREATE') {
    return { answer: ALLOWED, outcome: { ...UNTOUCHED, namespace: request.namespace } };
  }
  const namespace = await source.namespace(request.namespace);
  const trustAnchorsPem = source.trustAnchorsPem();
  const { decision, owner, patch, warnings } = inject({
    pod: request.object,
    namespace: request.namespace,
    namespaceAnnotations: namespace?.meta.annotations ?? {},
    namespaceLabels: namespace?.meta.labels ?? {},
    mesh: source.mesh(),
    trustAnchorsPem,
    defaultImage: identity.proxyImage,
    version: identity.version,
  });
  if (decision.inject && trustAnchorsPem === '')
    throw new WeftError('WEFT_WEBHOOK_HANDLER', 'there is no trust anchor yet');
  return {
    answer: { ...ALLOWED, patch, warnings },
    outcome: outcomeOf(request.namespace, owner.kind, decision),
  };
}

const UNTOUCHED: InjectionOutcome = {
  namespace: '',
  ownerKind: '',
  annotationAt: '',
  skipReasons: ['unsupported_resource'],
};

function outcomeOf(namespace: string, kind: string, decision: Decision): InjectionOutcome {
  return {
    namespace,
    ownerKind: kind === '' ? 'pod' : kind.toLowerCase(),
    annotationAt: decision.inject ? decision.annotationAt : '',
    skipReasons: decision.inject ? [] : decision.reasons,
  };
}
