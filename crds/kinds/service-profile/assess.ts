import type { ClusterView } from '../../state/view.ts';
import { type Assessment, invalid, ready, waiting } from '../assessment.ts';
import { meshOf } from '../mesh/queries.ts';
import { assessBackends, tcpPorts } from '../service/assess-backends.ts';
import { serviceOf } from '../service/queries.ts';
import { budgetProblem } from './effective.ts';
import type { ServiceProfileModel } from './model.ts';

/** Whether a profile takes effect: it must be named after a Service of this cluster, and what it sends traffic to must exist. */
export function assessProfile(view: ClusterView, profile: ServiceProfileModel): Assessment {
  const { target } = profile;
  if (target === null) {
    return invalid('NoService', 'the name is not of the form <service>.<namespace>.svc.<cluster domain>');
  }
  const { clusterDomain } = meshOf(view);
  if (target.domain !== clusterDomain) {
    return invalid('OtherClusterDomain', `the name ends in ${target.domain}, the cluster domain is ${clusterDomain}`);
  }
  const budget = profile.retryBudget === null ? null : budgetProblem(profile.retryBudget);
  if (budget !== null) return invalid('InvalidRetryBudget', `${budget}; without a budget nothing is retried`);
  const service = serviceOf(view, target.namespace, target.service);
  if (service === null) {
    return waiting('ServiceNotFound', [`Service ${target.namespace}/${target.service} does not exist`]);
  }
  const backends = profile.dstOverrides.map(({ namespace, service: name, port, weight }) => {
    return { namespace, service: name, ports: port === 0 ? tcpPorts(service) : [port], weight };
  });
  return assessBackends(view, backends) ?? describe(profile);
}

function describe(profile: ServiceProfileModel): Assessment {
  const { target, meta, routes } = profile;
  const scope = target?.namespace === meta.namespace ? 'all clients' : `clients in namespace ${meta.namespace}`;
  return ready(`${routes.length} routes for ${scope} of Service ${target?.namespace}/${target?.service}`);
}
