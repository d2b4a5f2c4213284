import { CUSTOM, type KindRow } from '../row.ts';
import { assessServerAuthorization } from './assess.ts';
import { SERVER_AUTHORIZATION, type ServerAuthorizationModel } from './model.ts';
import { parseServerAuthorization } from './parse.ts';
import { AUTHORIZATIONS_OF_SERVER } from './queries.ts';

export const SERVER_AUTHORIZATION_ROW: KindRow<ServerAuthorizationModel> = {
  ...SERVER_AUTHORIZATION,
  ...CUSTOM,
  plural: 'serverauthorizations',
  watched: 'v1beta1',
  indexes: [AUTHORIZATIONS_OF_SERVER],
  status: { form: 'conditions', assess: assessServerAuthorization },
  parse: parseServerAuthorization,
};
