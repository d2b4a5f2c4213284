import type { ClusterView } from '../../../state/view.ts';
import { type Finding, listed } from '../../assessment.ts';
import { isFault } from '../../http-fault/model.ts';
import { faultOf } from '../../http-fault/queries.ts';
import { backendProblem } from '../../service/authority.ts';
import { serviceOf } from '../../service/queries.ts';
import type { ObjectTarget, RouteFilter, RouteModel, RouteRule } from '../model.ts';
import { isService } from '../refs.ts';

interface Unresolved {
  /** Of RouteConditionResolvedRefs. */
  reason: 'InvalidKind' | 'BackendNotFound' | 'FilterNotFound';
  message: string;
}

/** RouteConditionResolvedRefs: whether everything that the rules send to, or are filtered by, is there. */
export function assessReferences(view: ClusterView, route: RouteModel): Finding {
  const unresolved = route.rules.flatMap((rule) => unresolvedOf(view, rule, route.meta.namespace));
  const [first] = unresolved;
  if (first === undefined) return { ok: true, reason: 'ResolvedRefs', message: 'everything it refers to exists' };
  return { ok: false, reason: first.reason, message: listed([...new Set(unresolved.map(({ message }) => message))]) };
}

function unresolvedOf(view: ClusterView, { filters, backends }: RouteRule, namespace: string): Unresolved[] {
  const all = [...filters, ...backends.flatMap((backend) => backend.filters)];
  const found = [
    ...backends.map((backend) => unresolvedTarget(view, backend)),
    ...all.map((filter) => unresolvedFilter(view, filter, namespace)),
  ];
  return found.filter((each) => each !== null);
}

function unresolvedFilter(view: ClusterView, filter: RouteFilter, namespace: string): Unresolved | null {
  if (filter.type === 'mirrorTo') return unresolvedTarget(view, filter.to);
  if (filter.type !== 'extension') return null;
  const { group, kind, name } = filter;
  if (!isFault(group, kind)) return { reason: 'InvalidKind', message: `${kind}.${group} is not a filter` };
  if (faultOf(view, namespace, name) !== null) return null;
  return { reason: 'FilterNotFound', message: `HTTPFault ${namespace}/${name} does not exist` };
}

function unresolvedTarget(view: ClusterView, target: ObjectTarget): Unresolved | null {
  const { group, kind, namespace, name, port } = target;
  if (!isService(target)) {
    return { reason: 'InvalidKind', message: `${kind}${group === '' ? '' : `.${group}`} cannot be a backend` };
  }
  const fault = backendProblem(serviceOf(view, namespace, name), port);
  return fault === null ? null : { reason: 'BackendNotFound', message: `Service ${namespace}/${name} ${fault}` };
}
