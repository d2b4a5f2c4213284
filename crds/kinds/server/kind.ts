import { CUSTOM, type KindRow } from '../row.ts';
import { assessServer } from './assess.ts';
import { SERVER, type ServerModel } from './model.ts';
import { parseServer } from './parse.ts';
import { SERVERS_SELECTING } from './queries.ts';

export const SERVER_ROW: KindRow<ServerModel> = {
  ...SERVER,
  ...CUSTOM,
  plural: 'servers',
  watched: 'v1beta3',
  indexes: [SERVERS_SELECTING],
  status: { form: 'conditions', assess: assessServer },
  parse: parseServer,
};
