import type { MeshModel } from '../kinds/mesh/model.ts';
import type { ServiceModel } from '../kinds/service/model.ts';
import { portNames } from '../scalars/port-list.ts';
import type { Problem } from '../types/problem.ts';
import { OPAQUE_PORTS } from './port-lists.ts';
import { problemOf } from './problem.ts';
import { AnnotationReader } from './reader.ts';
import { parseTraffic } from './traffic.ts';

/** Everything that is wrong with what a Service says of itself; what is not, takes effect. */
export function problemsOfService({ meta, ports }: ServiceModel, mesh: MeshModel): Problem[] {
  const { problems } = parseTraffic(meta.annotations, mesh);
  const ofPorts: Problem[] = [];
  const reader = new AnnotationReader({
    layers: [{ place: 'service', annotations: meta.annotations }],
    mesh,
    names: portNames(ports),
    report: (finding) => ofPorts.push(problemOf(finding)),
  });
  reader.read(OPAQUE_PORTS);
  return [...problems, ...ofPorts];
}
