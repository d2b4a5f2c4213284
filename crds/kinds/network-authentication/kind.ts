import { NETWORK_AUTHENTICATION, type NetworkAuthenticationModel } from '../authentication/network.ts';
import { CUSTOM, type KindRow } from '../row.ts';
import { assessNetworkAuthentication } from './assess.ts';
import { parseNetworkAuthentication } from './parse.ts';

export const NETWORK_AUTHENTICATION_ROW: KindRow<NetworkAuthenticationModel> = {
  ...NETWORK_AUTHENTICATION,
  ...CUSTOM,
  plural: 'networkauthentications',
  watched: 'v1alpha1',
  indexes: [],
  status: { form: 'conditions', assess: assessNetworkAuthentication },
  parse: parseNetworkAuthentication,
};
