import {
  AUTHORIZATIONS_OF_SERVER,
  SERVER_AUTHORIZATION,
  type ServerAuthorizationModel,
} from '../authorization/server-authorization.ts';
import { CUSTOM, type KindRow } from '../row.ts';
import { assessServerAuthorization } from './assess.ts';
import { parseServerAuthorization } from './parse.ts';

export const SERVER_AUTHORIZATION_ROW: KindRow<ServerAuthorizationModel> = {
  ...SERVER_AUTHORIZATION,
  ...CUSTOM,
  plural: 'serverauthorizations',
  watched: 'v1beta1',
  indexes: [AUTHORIZATIONS_OF_SERVER],
  status: { form: 'conditions', assess: assessServerAuthorization },
  parse: parseServerAuthorization,
};
