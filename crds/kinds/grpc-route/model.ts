import { kindName } from '../../types/kind-name.ts';
import { GATEWAY_GROUP, type RouteModel } from '../route/model.ts';

export const GRPC_ROUTE = kindName<RouteModel>(GATEWAY_GROUP, 'GRPCRoute', ['v1']);
