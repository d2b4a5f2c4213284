import type { Backend } from '../../../proxy-image/contract/policy/backend.ts';
import { serviceMeta } from '../../../proxy-image/contract/policy/meta.ts';
import { faultOf } from '../../kinds/http-fault/queries.ts';
import { effectiveRoutes } from '../../kinds/route/attachment.ts';
import type { ObjectTarget, RouteModel } from '../../kinds/route/model.ts';
import { routesOfService } from '../../kinds/route/queries.ts';
import { isService } from '../../kinds/route/refs.ts';
import { serviceAuthority } from '../../kinds/service/authority.ts';
import { isOverruling } from '../../kinds/service-profile/effective.ts';
import { splitOf } from '../../kinds/traffic-split/queries.ts';
import { compileBackend } from './backends.ts';
import type { OutboundPort } from './port.ts';
import { compileRoutes } from './routes.ts';
import type { RuleSource } from './rules.ts';

/** What HTTPRoutes and GRPCRoutes say of a port; a profile or a split that says where traffic goes takes their place (Linkerd: HTTPRoute and ServiceProfile). */
export const routeRules: RuleSource = (port, tables) => {
  if (isOverruled(port)) return null;
  const routes = routesOf(port);
  if (routes.length === 0) return null;
  const { view, traffic } = port;
  return compileRoutes(tables, routes, {
    backendOf: (target, status) => backendOf(port, target, status),
    faultOf: (namespace, name) => faultOf(view, namespace, name),
    retry: traffic.retry,
    timeouts: traffic.timeouts,
  });
};

function isOverruled({ view, profile, name }: OutboundPort): boolean {
  return isOverruling(profile) || splitOf(view, name.namespace, name.service) !== null;
}

/** Those of the Service's own namespace are asked for only where the client's has none, so that a change of them touches nobody else. */
function routesOf({ view, service, name, port, clientNamespace }: OutboundPort): RouteModel[] {
  const own =
    clientNamespace === '' || clientNamespace === name.namespace ? [] : routesOfService(view, name, clientNamespace);
  const speaking = effectiveRoutes(own, service, port, clientNamespace);
  if (speaking.length > 0) return speaking;
  return effectiveRoutes(routesOfService(view, name, name.namespace), service, port, name.namespace);
}

function backendOf(root: OutboundPort, target: ObjectTarget, status: number): Backend {
  const { namespace, name: service, port } = target;
  if (!isService(target)) return failing(root, target, status, `${target.kind} cannot be a backend`);
  const backend = compileBackend(root, { namespace, service, port });
  if (backend.dispatch.type !== 'fail') return backend;
  return { ...backend, dispatch: { ...backend.dispatch, status } };
}

function failing(
  { mesh }: OutboundPort,
  { namespace, name, port, ...kind }: ObjectTarget,
  status: number,
  message: string,
): Backend {
  return {
    meta: { ...serviceMeta(namespace, name, port), ...kind },
    authority: serviceAuthority({ namespace, service: name }, port, mesh),
    dispatch: { type: 'fail', status, message },
  };
}
