import type { ClusterView } from '../../../state/view.ts';
import { accepted, type Finding, listed } from '../../assessment.ts';
import { meshOf } from '../../mesh/queries.ts';
import type { ParentAssessment } from '../../row.ts';
import { serversIn } from '../../server/queries.ts';
import { nameOf, type ServicePort } from '../../service/authority.ts';
import type { ServiceModel } from '../../service/model.ts';
import { serviceOf } from '../../service/queries.ts';
import { effectiveProfile, isOverruling } from '../../service-profile/effective.ts';
import { splitOf } from '../../traffic-split/queries.ts';
import { effectiveRoutes, meansPort } from '../attachment.ts';
import type { ParentRef, RouteModel } from '../model.ts';
import { routesOfService } from '../queries.ts';
import { assessReferences } from './references.ts';

/** What is to be said of a route to each of its parents that is ours (Gateway API: RouteParentStatus). */
export function assessRoute(view: ClusterView, route: RouteModel): ParentAssessment[] {
  const ours = route.parents.filter(({ target }) => target !== 'other');
  const resolvedRefs = assessReferences(view, route);
  const partiallyInvalid = droppedRules(route);
  return ours.map((parent) => {
    const finding = invalidRoute(route) ?? assessParent(view, route, parent);
    return {
      parentRef: parent.written,
      accepted: finding,
      resolvedRefs,
      partiallyInvalid: finding.ok ? partiallyInvalid : null,
    };
  });
}

function refused(reason: string, message: string): Finding {
  return { ok: false, reason, message };
}

/** RouteConditionAccepted: a route is not accepted when no rule of it can be carried out. */
function invalidRoute({ rules }: RouteModel): Finding | null {
  if (rules.length === 0 || rules.some(({ broken }) => broken.length === 0)) return null;
  return refused('UnsupportedValue', listed(rules.flatMap(({ broken }) => broken)));
}

/** RouteConditionPartiallyInvalid demands these words. */
function droppedRules({ rules }: RouteModel): Finding | null {
  const problems = rules.flatMap(({ broken }) => broken);
  if (problems.length === 0) return null;
  return { ok: true, reason: 'UnsupportedValue', message: `Dropped Rule: its requests get 500: ${listed(problems)}` };
}

function assessParent(view: ClusterView, route: RouteModel, parent: ParentRef): Finding {
  switch (parent.target) {
    case 'server':
      return assessServer(view, route, parent);
    case 'egressNetwork':
      // As Linkerd says it of one that does not exist: to wait for a word that never comes is worse.
      return refused(
        'NoMatchingParent',
        `EgressNetwork ${parent.namespace}/${parent.name} routes nothing: EgressNetworks are not supported`,
      );
    default:
      return assessService(view, route, parent);
  }
}

/** Linkerd (HTTPRoute on a Server): of the route's own namespace only. */
function assessServer(view: ClusterView, { meta }: RouteModel, { namespace, name }: ParentRef): Finding {
  const found = namespace === meta.namespace && serversIn(view, namespace).some((server) => server.meta.name === name);
  if (found) return accepted(`requests to Server ${namespace}/${name} are told apart by its rules`);
  return refused('NoMatchingParent', `Server ${namespace}/${name} does not exist in the namespace of the route`);
}

function assessService(view: ClusterView, route: RouteModel, parent: ParentRef): Finding {
  const name = `Service ${parent.namespace}/${parent.name}`;
  const service = serviceOf(view, parent.namespace, parent.name);
  if (service === null) return refused('NoMatchingParent', `${name} does not exist`);
  if (service.headless || service.type === 'ExternalName') {
    return refused('NoMatchingParent', `${name} must have a cluster IP: nothing else is routed`);
  }
  const ports = service.ports.filter((port) => port.protocol === 'TCP' && meansPort(parent, service, port));
  if (ports.length === 0) return refused('NoMatchingParent', `${name} has no TCP port of that number and name`);
  return overruled(view, route, service) ?? contended(view, route, service, ports);
}

/** A profile with routes or dstOverrides, and a TrafficSplit, take the place of routes (Linkerd: HTTPRoute and ServiceProfile). */
function overruled(view: ClusterView, { meta }: RouteModel, service: ServiceModel): Finding | null {
  const profile = effectiveProfile(view, meshOf(view), nameOf(service), meta.namespace);
  if (isOverruling(profile)) {
    return conflicted(`ServiceProfile ${profile.meta.namespace}/${profile.meta.name} has routes and takes its place`);
  }
  const split = splitOf(view, service.meta.namespace, service.meta.name);
  return split === null ? null : conflicted(`TrafficSplit ${split.meta.namespace}/${split.meta.name} takes its place`);
}

/** The reason as GEP-1294 and Linkerd spell it. */
function conflicted(message: string): Finding {
  return refused('RouteReasonConflicted', message);
}

/** Another type of route may have taken the ports (GEP-1294, "Route types"). */
function contended(
  view: ClusterView,
  route: RouteModel,
  service: ServiceModel,
  ports: readonly ServicePort[],
): Finding {
  const { namespace } = route.meta;
  const rivals = routesOfService(view, nameOf(service), namespace);
  const held = ports.filter((port) =>
    effectiveRoutes(rivals, service, port, namespace).some((each) => isSame(each, route)),
  );
  const lost = ports.filter((port) => !held.includes(port)).map(({ port }) => port);
  if (held.length > 0) return accepted(scopeText(route, service, lost));
  const types = new Set(rivals.map(({ kind }) => kind));
  return types.size > 1
    ? conflicted(`a GRPCRoute is attached to port ${lost.join(', ')} and takes its place`)
    : refused('NoMatchingParent', `port ${lost.join(', ')} carries another protocol, by its appProtocol`);
}

function isSame(a: RouteModel, b: RouteModel): boolean {
  return (
    a.group === b.group && a.kind === b.kind && a.meta.name === b.meta.name && a.meta.namespace === b.meta.namespace
  );
}

function scopeText({ meta }: RouteModel, service: ServiceModel, lost: readonly number[]): string {
  const scope = meta.namespace === service.meta.namespace ? 'all clients' : `clients in namespace ${meta.namespace}`;
  const but = lost.length === 0 ? '' : `, but for port ${lost.join(', ')}, which another type of route has`;
  return `routes requests of ${scope} to Service ${service.meta.namespace}/${service.meta.name}${but}`;
}
