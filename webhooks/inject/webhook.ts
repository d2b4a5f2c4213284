import type { MeshModel } from '../../crds/kinds/mesh/model.ts';
import type { NamespaceModel } from '../../crds/kinds/namespace/model.ts';
import { ControlPlaneError } from '../../proxy-image/contract/control-plane-errors.ts';
import { type AdmissionRequest, ALLOWED, type Answer } from '../review.ts';
import { type Decision, decide } from './decide.ts';
import type { Demand } from './demands.ts';
import { controllerOf, type OwnerReference } from './owner.ts';
import { inject } from './patch.ts';

/** What injection needs to know of the cluster. */
export interface InjectionSource {
  /** The namespace as it is now: a store that has not seen it yet asks the API server. `null` when there is none. */
  namespace(name: string): Promise<NamespaceModel | null>;
  /** What quotas of the namespace demand of every container; at once, or after a short look-up. Never rejects. */
  demands(namespace: string): Promise<readonly Demand[]>;
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

/** What happened to one pod: labels of the injector's metrics (Linkerd: `proxy_inject_admission_responses_total`), and what its owner is told. */
export interface InjectionOutcome {
  namespace: string;
  /** Empty where the API server has still to make one up. */
  podName: string;
  /** `null`: a bare pod. */
  owner: OwnerReference | null;
  /** Nothing is stored, and nobody is told. */
  isDryRun: boolean;
  injected: boolean;
  warnings: readonly string[];
  /** Lower case; after the owner's own owner, where the pod's labels show it. */
  ownerKind: string;
  annotationAt: 'workload' | 'namespace' | '';
  skipReasons: readonly string[];
}

/** @throws ControlPlaneError WEFT_WEBHOOK_HANDLER while the trust anchor is missing: `failurePolicy` then decides, not we */
export async function injectPod(
  request: AdmissionRequest,
  source: InjectionSource,
  identity: InjectorIdentity,
): Promise<{ answer: Answer; outcome: InjectionOutcome }> {
  if (request.group !== '' || request.kind !== 'Pod' || request.operation !== 'CREATE') {
    return { answer: ALLOWED, outcome: { ...UNTOUCHED, namespace: request.namespace, isDryRun: request.dryRun } };
  }
  const namespace = await source.namespace(request.namespace);
  const trustAnchorsPem = source.trustAnchorsPem();
  const wishes = { annotations: namespace?.meta.annotations ?? {}, labels: namespace?.meta.labels ?? {} };
  const isWanted = decide(request.object, wishes).inject;
  const { decision, owner, patch, warnings } = inject({
    pod: request.object,
    namespace: request.namespace,
    namespaceAnnotations: wishes.annotations,
    namespaceLabels: wishes.labels,
    demands: isWanted ? await source.demands(request.namespace) : [],
    mesh: source.mesh(),
    trustAnchorsPem,
    defaultImage: identity.proxyImage,
    version: identity.version,
  });
  if (decision.inject && trustAnchorsPem === '')
    throw new ControlPlaneError('WEFT_WEBHOOK_HANDLER', 'there is no trust anchor yet');
  return {
    answer: { ...ALLOWED, patch, warnings },
    outcome: { ...labelsOf(owner.kind, decision), ...factsOf(request), injected: decision.inject, warnings },
  };
}

const UNTOUCHED: InjectionOutcome = {
  namespace: '',
  podName: '',
  owner: null,
  isDryRun: false,
  injected: false,
  warnings: [],
  ownerKind: '',
  annotationAt: '',
  skipReasons: ['unsupported_resource'],
};

function factsOf({ namespace, name, dryRun, object }: AdmissionRequest) {
  return { namespace, podName: name, isDryRun: dryRun, owner: controllerOf(object) };
}

function labelsOf(
  kind: string,
  decision: Decision,
): Pick<InjectionOutcome, 'ownerKind' | 'annotationAt' | 'skipReasons'> {
  return {
    ownerKind: kind === '' ? 'pod' : kind.toLowerCase(),
    annotationAt: decision.inject ? decision.annotationAt : '',
    skipReasons: decision.inject ? [] : decision.reasons,
  };
}
