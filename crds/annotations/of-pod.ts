import { PROXY_PORT_NAMES } from '../../proxy-image/contract/names.ts';
import type { MeshModel } from '../kinds/mesh/model.ts';
import type { PodModel } from '../kinds/pod/model.ts';
import { type PortNames, portNames } from '../scalars/port-list.ts';
import { AnnotationReader, type Annotations, type Finding } from './reader.ts';

/** What is said of a pod: by itself, else by its namespace, else by the Mesh. Injection reads so before the pod has its proxy, the compiler after. */
export function readerOfPod(
  pod: PodModel,
  namespace: Annotations,
  mesh: MeshModel,
  report?: (finding: Finding) => void,
): AnnotationReader {
  return new AnnotationReader({
    layers: [
      { place: 'workload', annotations: pod.meta.annotations },
      { place: 'namespace', annotations: namespace },
    ],
    mesh,
    names: namesOfPod(pod),
    ...(report === undefined ? {} : { report }),
  });
}

/** Names that a pod's lists may use: of ports of its own containers. Those of the proxy were not there when injection read the same lists. */
export function namesOfPod({ containerPorts, meshed, proxyPorts }: PodModel): PortNames {
  if (!meshed) return portNames(containerPorts);
  const { inboundMesh, admin } = PROXY_PORT_NAMES;
  return portNames(
    containerPorts.filter(
      ({ name, port }) =>
        !(name === inboundMesh && port === proxyPorts.inboundMesh) && !(name === admin && port === proxyPorts.admin),
    ),
  );
}
