/**
 * What `kubernetes_sd_configs` with `role: pod` finds, as a file for `file_sd_configs`: Debian's Prometheus is built without the former. The labels are those that
 * Prometheus documents, so that the relabelling of samples/observability/prometheus.yml works on the same input.
 */
import type { V1Container, V1Pod } from '@kubernetes/client-node';

export interface TargetGroup {
  targets: string[];
  labels: Record<string, string>;
}

/** A target for each port of each container, those of init containers included. A container without ports is one as well, at the pod's address. */
export function discover(pods: readonly V1Pod[]): TargetGroup[] {
  return pods.flatMap((pod) => {
    const address = pod.status?.podIP ?? '';
    if (address === '') return [];
    const containers = (pod.spec?.containers ?? []).map((container) => targetsOf(container, false, address));
    const init = (pod.spec?.initContainers ?? []).map((container) => targetsOf(container, true, address));
    return [...containers, ...init].flat().map((target) => ({
      targets: target.targets,
      labels: { ...labelsOfPod(pod, address), ...target.labels },
    }));
  });
}

function targetsOf(container: V1Container, isInit: boolean, address: string): TargetGroup[] {
  const labels = {
    __meta_kubernetes_pod_container_name: container.name,
    __meta_kubernetes_pod_container_image: container.image ?? '',
    __meta_kubernetes_pod_container_init: String(isInit),
  };
  if ((container.ports ?? []).length === 0) return [{ targets: [address], labels }];
  return (container.ports ?? []).map((port) => ({
    targets: [`${address}:${port.containerPort}`],
    labels: {
      ...labels,
      __meta_kubernetes_pod_container_port_name: port.name ?? '',
      __meta_kubernetes_pod_container_port_number: String(port.containerPort),
      __meta_kubernetes_pod_container_port_protocol: port.protocol ?? 'TCP',
    },
  }));
}

function labelsOfPod({ metadata, spec, status }: V1Pod, address: string): Record<string, string> {
  const owner = metadata?.ownerReferences?.find(({ controller }) => controller === true);
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')?.status ?? 'unknown';
  return {
    ...mapped('__meta_kubernetes_pod_label_', metadata?.labels),
    ...mapped('__meta_kubernetes_pod_labelpresent_', metadata?.labels, 'true'),
    ...mapped('__meta_kubernetes_pod_annotation_', metadata?.annotations),
    ...mapped('__meta_kubernetes_pod_annotationpresent_', metadata?.annotations, 'true'),
    __meta_kubernetes_namespace: metadata?.namespace ?? '',
    __meta_kubernetes_pod_name: metadata?.name ?? '',
    __meta_kubernetes_pod_ip: address,
    __meta_kubernetes_pod_ready: ready.toLowerCase(),
    __meta_kubernetes_pod_phase: status?.phase ?? '',
    __meta_kubernetes_pod_node_name: spec?.nodeName ?? '',
    __meta_kubernetes_pod_host_ip: status?.hostIP ?? '',
    __meta_kubernetes_pod_uid: metadata?.uid ?? '',
    __meta_kubernetes_pod_controller_kind: owner?.kind ?? '',
    __meta_kubernetes_pod_controller_name: owner?.name ?? '',
  };
}

/** Prometheus: what may not stand in the name of a label becomes `_`. */
function mapped(prefix: string, entries: Record<string, string> = {}, value?: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(entries).map(([key, own]) => [prefix + key.replaceAll(/[^a-zA-Z0-9_]/g, '_'), value ?? own]),
  );
}
