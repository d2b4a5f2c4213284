import type { ClusterView } from '../../state/view.ts';
import { type Assessment, conflicted, invalid, ready, waiting } from '../assessment.ts';
import { meshOf } from '../mesh/queries.ts';
import { assessBackends, tcpPorts } from '../service/assess-backends.ts';
import { serviceFqdn } from '../service/authority.ts';
import { serviceOf } from '../service/queries.ts';
import { profileOf } from '../service-profile/queries.ts';
import type { TrafficSplitModel } from './model.ts';
import { splitOf } from './queries.ts';
import { hasWeight } from './weights.ts';

/** Whether a split takes effect, and for what share not. A split is overruled by an older one on the same Service, and by a profile's dstOverrides. */
export function assessSplit(view: ClusterView, split: TrafficSplitModel): Assessment {
  const { namespace } = split.meta;
  const conflict = conflictOf(view, split);
  if (conflict !== null) return conflicted(conflict);
  const root = serviceOf(view, namespace, split.service);
  if (root === null) return waiting('ServiceNotFound', [`Service ${namespace}/${split.service} does not exist`]);
  if (root.headless || root.type === 'ExternalName') {
    const kind = root.headless ? 'headless' : 'of type ExternalName';
    return invalid(
      'UnsupportedService',
      `Service ${namespace}/${split.service} is ${kind}: it has no address to split`,
    );
  }
  const ports = tcpPorts(root);
  if (ports.length === 0) return invalid('UnsupportedService', `Service ${namespace}/${split.service} has no TCP port`);
  const backends = split.backends.map(({ service, weight }) => ({ namespace, service, ports, weight }));
  return assessBackends(view, backends) ?? describe(split);
}

function describe(split: TrafficSplitModel): Assessment {
  if (!hasWeight(split.backends)) {
    return ready(`all weights are 0: traffic goes to the own endpoints of Service ${split.service}`, 'NoWeights');
  }
  const shares = split.backends.filter(({ weight }) => weight > 0).length;
  return ready(`traffic to Service ${split.service} is split among ${shares} of ${split.backends.length} backends`);
}

function conflictOf(view: ClusterView, split: TrafficSplitModel): string | null {
  const { namespace, name } = split.meta;
  const winner = splitOf(view, namespace, split.service);
  if (winner !== null && winner.meta.name !== name) {
    return `TrafficSplit ${namespace}/${winner.meta.name} is older and splits the same Service`;
  }
  const profile = profileOf(view, namespace, serviceFqdn({ namespace, service: split.service }, meshOf(view)));
  if (profile === null || profile.dstOverrides.length === 0) return null;
  return `dstOverrides of ServiceProfile ${namespace}/${profile.meta.name} take its place`;
}
