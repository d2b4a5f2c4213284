import { assessRoute } from '../route/assess/parents.ts';
import { HTTP_ROUTE, POLICY_HTTP_ROUTE, type RouteModel } from '../route/model.ts';
import {
  HTTP_ROUTES_OF_SERVER,
  HTTP_ROUTES_OF_SERVICE,
  POLICY_HTTP_ROUTES_OF_SERVER,
  POLICY_HTTP_ROUTES_OF_SERVICE,
} from '../route/queries.ts';
import { CUSTOM, type KindRow } from '../row.ts';
import { parseHttpRoute, parsePolicyHttpRoute } from './parse.ts';

/** The definition is the Gateway API's, and other controllers have routes of this kind too. */
export const HTTP_ROUTE_ROW: KindRow<RouteModel> = {
  ...HTTP_ROUTE,
  ...CUSTOM,
  plural: 'httproutes',
  watched: 'v1',
  optional: true,
  indexes: [HTTP_ROUTES_OF_SERVICE, HTTP_ROUTES_OF_SERVER],
  status: { form: 'parents', assess: assessRoute },
  parse: parseHttpRoute,
};

export const POLICY_HTTP_ROUTE_ROW: KindRow<RouteModel> = {
  ...POLICY_HTTP_ROUTE,
  ...CUSTOM,
  plural: 'httproutes',
  watched: 'v1beta3',
  indexes: [POLICY_HTTP_ROUTES_OF_SERVICE, POLICY_HTTP_ROUTES_OF_SERVER],
  status: { form: 'parents', assess: assessRoute },
  parse: parsePolicyHttpRoute,
};
