import type { Filter } from '../../../proxy-image/contract/policy/filter.ts';
import { grpcStatusOf } from '../../../proxy-image/contract/policy/grpc-status.ts';
import type { Meta } from '../../../proxy-image/contract/policy/meta.ts';
import type { RouteModel } from '../../kinds/route/model.ts';

/** `section`: the name of the rule; empty where it has none, or all of the route is meant. */
export function metaOfRoute({ group, kind, meta }: RouteModel, section: string): Meta {
  return { group, kind, namespace: meta.namespace, name: meta.name, section, port: 0 };
}

/** Answers every request. */
export function failing(status: number, message: string): Filter {
  return { type: 'fail', status, grpcStatus: grpcStatusOf(status), message, ratio: 1 };
}

/** What a rule does that cannot be carried out as it stands: other rules must not answer its requests (Gateway API: HTTPRouteFilter). */
export const INVALID_RULE: Filter = failing(500, 'a rule of the route is not valid');
