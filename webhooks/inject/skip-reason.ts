import type { Obstacle } from '../../crds/kinds/pod/obstacles.ts';

/** Why a pod is left as it is (Linkerd: the same codes in its events, metrics and CLI report; the last one is ours). */
export type SkipReason =
  | Obstacle
  | 'injection_enable_annotation_absent'
  | 'injection_disable_annotation_present'
  | 'invalid_inject_annotation_at_workload'
  | 'invalid_inject_annotation_at_ns'
  | 'pod_security_level';

export const SKIP_TEXT: Readonly<Record<SkipReason, string>> = {
  host_network_enabled: 'hostNetwork is enabled',
  sidecar_already_exists: 'pod has a sidecar injected already',
  unsupported_resource: 'this kind of object is not injected',
  injection_enable_annotation_absent: 'neither the namespace nor the pod has the annotation linkerd.io/inject: enabled',
  injection_disable_annotation_present: 'pod has the annotation linkerd.io/inject: disabled',
  invalid_inject_annotation_at_workload:
    'the annotation linkerd.io/inject of the pod must be enabled, disabled or ingress',
  invalid_inject_annotation_at_ns:
    'the annotation linkerd.io/inject of the namespace must be enabled, disabled or ingress',
  windows_pod: 'pod is for Windows, and the proxy is a Linux program',
  mirror_pod: 'pod is the mirror of a static pod, which only the file on its node can change',
  volume_name_taken:
    "pod has a volume of the proxy's (linkerd-identity-end-entity, linkerd-identity-token or weft-api-access)",
  pod_security_level:
    'pod-security.kubernetes.io/enforce of the namespace forbids NET_ADMIN, which linkerd-init needs; only privileged allows it',
};
