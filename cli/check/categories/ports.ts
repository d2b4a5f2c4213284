import { OpaquePorts } from '../../../crds/compile/shared/opaque-ports.ts';
import { serviceProtocol } from '../../../crds/compile/shared/port-protocol.ts';
import { MESH } from '../../../crds/kinds/mesh/model.ts';
import { NAMESPACE } from '../../../crds/kinds/namespace/model.ts';
import { POD } from '../../../crds/kinds/pod/model.ts';
import { SERVICE, type ServiceModel } from '../../../crds/kinds/service/model.ts';
import { matchesSelector } from '../../../crds/scalars/label-selector.ts';
import { portInRanges } from '../../../proxy-image/contract/port-ranges.ts';
import type { Category, Finding } from '../facts/check.ts';
import type { Facts, ObservedPod } from '../facts/facts.ts';
import { flag, objectName } from '../facts/name.ts';

const NEEDS = [SERVICE.id, POD.id, NAMESPACE.id, MESH.id];

export const PORTS: Category = {
  name: 'weft-opaque-ports-definition',
  isOfWorkloads: true,
  checks: [
    {
      code: 'opaque-port-mismatch',
      description: 'opaque ports are properly annotated',
      severity: 'warning',
      needs: NEEDS,
      run: mismatched,
    },
    {
      code: 'service-port-skipped',
      description: 'no Service leads to a port that bypasses the proxy',
      severity: 'warning',
      needs: NEEDS,
      run: (facts) =>
        ofPorts(facts, ({ pod, target }) =>
          portInRanges(target, pod.model.skipInboundPorts)
            ? `leads to port ${target} of pod ${pod.model.meta.name}, which bypasses the proxy (skip-inbound-ports): no identity, no encryption, no policy`
            : '',
        ),
    },
    {
      code: 'service-proxy-port',
      description: "no Service leads to a port of the proxy's own",
      severity: 'warning',
      needs: NEEDS,
      run: (facts) =>
        ofPorts(facts, ({ pod, target }) => {
          const { admin, tap, ...own } = pod.model.proxyPorts;
          return Object.values(own).includes(target)
            ? `leads to port ${target}, on which the proxy of pod ${pod.model.meta.name} listens itself`
            : '';
        }),
    },
    {
      code: 'service-target-port',
      description: 'ports that Services name are there',
      severity: 'warning',
      needs: NEEDS,
      run: namelessPorts,
    },
  ],
};

type ServicePort = ServiceModel['ports'][number];

interface Led {
  service: ServiceModel;
  port: ServicePort;
  pod: ObservedPod;
  /** The number that it leads to on this pod. */
  target: number;
}

function services(facts: Facts): ServiceModel[] {
  const models = facts.parsed
    .filter(({ row }) => row.id === SERVICE.id)
    .map(({ parsed }) => parsed.model as ServiceModel);
  return models.filter(({ selector }) => Object.keys(selector).length > 0);
}

function meshedOf(facts: Facts, { meta, selector }: ServiceModel): ObservedPod[] {
  const labels = { matchLabels: selector, matchExpressions: [] };
  return facts.meshed.filter(
    ({ model }) => model.meta.namespace === meta.namespace && matchesSelector(labels, model.meta.labels),
  );
}

function targetsOf({ targetPort, port }: ServicePort, { model }: ObservedPod): number[] {
  if (typeof targetPort === 'number') return [targetPort || port];
  return model.containerPorts.filter(({ name }) => name === targetPort).map((each) => each.port);
}

/** One finding for each port of a Service, from the first pod that shows it. */
function ofPorts(facts: Facts, judge: (led: Led) => string): Finding[] {
  return services(facts).flatMap((service) => {
    const pods = meshedOf(facts, service);
    return service.ports
      .filter(({ protocol }) => protocol === 'TCP')
      .flatMap((port) => {
        for (const pod of pods) {
          for (const target of targetsOf(port, pod)) {
            const reason = judge({ service, port, pod, target });
            if (reason !== '') return [finding(service, `port ${port.port} ${reason}`)];
          }
        }
        return [];
      });
  });
}

function finding({ meta: { namespace, name } }: ServiceModel, reason: string): Finding {
  const remedy = `kubectl ${flag(namespace)}edit service ${name}`;
  return { object: objectName(SERVICE.kind, name, namespace), namespace, reason, remedy };
}

/** Callers go by the Service, the pod's proxy by the pod: they must agree. An `appProtocol` says it for good. */
function mismatched(facts: Facts): Finding[] {
  const opaque = new OpaquePorts(facts.view);
  return ofPorts(facts, ({ service, port, pod, target }) => {
    if (port.appProtocol !== '') return '';
    const ofService = serviceProtocol(port, opaque.ofService(service)) === 'opaque';
    const ofPod = portInRanges(target, opaque.ofPod(pod.model));
    if (ofService === ofPod) return '';
    const [one, other] = ofService ? ['opaque', 'not'] : ['not opaque', 'is'];
    return `is ${one}, and port ${target} of pod ${pod.model.meta.name} ${other === 'is' ? 'is' : 'is not'}: annotate both with config.linkerd.io/opaque-ports`;
  });
}

function namelessPorts(facts: Facts): Finding[] {
  return services(facts).flatMap((service) => {
    const pods = meshedOf(facts, service);
    if (pods.length === 0) return [];
    return service.ports
      .filter(({ protocol, targetPort }) => protocol === 'TCP' && typeof targetPort === 'string')
      .filter((port) => pods.every((pod) => targetsOf(port, pod).length === 0))
      .map(({ port, targetPort }) =>
        finding(service, `port ${port} leads to a port called ${targetPort}, which none of ${pods.length} pods has`),
      );
  });
}
