import { LIMITS } from '../../parse/limits.ts';
import { parseNetwork } from '../../parse/network.ts';
import { parseResource, type Source } from '../../parse/resource.ts';
import type { Parsed } from '../../types/problem.ts';
import { NETWORK_AUTHENTICATION, type NetworkAuthenticationModel } from '../authentication/network.ts';

export function parseNetworkAuthentication(raw: unknown): Parsed<NetworkAuthenticationModel> {
  return parseResource(raw, NETWORK_AUTHENTICATION, buildAuthentication);
}

function buildAuthentication({ meta, spec }: Source): NetworkAuthenticationModel {
  spec.closed(['networks']);
  const networks = spec.objects('networks', LIMITS.networks);
  if (networks.length === 0) spec.problems.error(spec.at('networks'), 'must have at least one network');
  return { meta, networks: networks.map(parseNetwork) };
}
