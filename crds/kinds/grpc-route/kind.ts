import { assessRoute } from '../route/assess/parents.ts';
import { GRPC_ROUTE, type RouteModel } from '../route/model.ts';
import { GRPC_ROUTES_OF_SERVER, GRPC_ROUTES_OF_SERVICE } from '../route/queries.ts';
import { CUSTOM, type KindRow } from '../row.ts';
import { parseGrpcRoute } from './parse.ts';

/** The definition is the Gateway API's, and other controllers have routes of this kind too. */
export const GRPC_ROUTE_ROW: KindRow<RouteModel> = {
  ...GRPC_ROUTE,
  ...CUSTOM,
  plural: 'grpcroutes',
  watched: 'v1',
  optional: true,
  indexes: [GRPC_ROUTES_OF_SERVICE, GRPC_ROUTES_OF_SERVER],
  status: { form: 'parents', assess: assessRoute },
  parse: parseGrpcRoute,
};
