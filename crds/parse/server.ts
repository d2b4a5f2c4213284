import { ACCESS_POLICIES } from '../../proxy-image/contract/access-policy.ts';
import { parsePortOrName } from '../scalars/port.ts';
import type { ServerModel } from '../types/models.ts';
import type { Parsed } from '../types/problem.ts';
import type { Fields } from './fields.ts';
import { parseLabelSelector } from './label-selector.ts';
import { type Kind, parseResource, type Source } from './resource.ts';

export const SERVER: Kind = {
  group: 'policy.linkerd.io',
  kind: 'Server',
  versions: ['v1alpha1', 'v1beta1', 'v1beta2', 'v1beta3'],
};

const PROXY_PROTOCOLS = ['unknown', 'HTTP/1', 'HTTP/2', 'gRPC', 'opaque', 'TLS'] as const;

/** A Server without `accessPolicy` (any version before v1beta3) denies what no authorization allows, as Linkerd's schema default says. */
export function parseServer(raw: unknown): Parsed<ServerModel> {
  return parseResource(raw, SERVER, buildServer);
}

function buildServer({ meta, spec }: Source): ServerModel {
  spec.closed(['podSelector', 'externalWorkloadSelector', 'port', 'proxyProtocol', 'accessPolicy']);
  checkSelectors(spec);
  const podSelector = spec.object('podSelector');
  return {
    meta,
    podSelector: podSelector === null ? null : parseLabelSelector(podSelector),
    port: parseServerPort(spec),
    proxyProtocol: spec.oneOf('proxyProtocol', PROXY_PROTOCOLS, 'unknown'),
    accessPolicy: spec.oneOf('accessPolicy', ACCESS_POLICIES, 'deny'),
  };
}

function checkSelectors(spec: Fields): void {
  const external = spec.object('externalWorkloadSelector');
  if (spec.has('podSelector') === (external !== null)) {
    spec.problems.error(spec.path, 'must have exactly one of podSelector and externalWorkloadSelector');
  }
  if (external === null) return;
  parseLabelSelector(external);
  spec.problems.warning(
    external.path,
    'is not supported: external workloads are not meshed, so this Server selects nothing',
  );
}

function parseServerPort(spec: Fields): number | string {
  const port = spec.raw('port');
  if (port !== undefined) return spec.accept<number | string>(parsePortOrName(port), spec.at('port'), 0);
  spec.problems.error(spec.at('port'), 'is required');
  return 0;
}
