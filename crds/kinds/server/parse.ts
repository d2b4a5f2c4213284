import { ACCESS_POLICIES } from '../../../proxy-image/contract/access-policy.ts';
import type { Fields } from '../../parse/fields.ts';
import { parseLabelSelector } from '../../parse/label-selector.ts';
import { type Built, parseStrictly, type Source } from '../../parse/resource.ts';
import { parsePortOrName } from '../../scalars/port.ts';
import type { Parsed } from '../../types/problem.ts';
import { SERVER, type ServerModel } from './model.ts';

const PROXY_PROTOCOLS = ['unknown', 'HTTP/1', 'HTTP/2', 'gRPC', 'opaque', 'TLS'] as const;

/** A Server without `accessPolicy` (any version before v1beta3) denies what no authorization allows, as Linkerd's schema default says. */
export function parseServer(raw: unknown): Parsed<ServerModel> {
  return parseStrictly(raw, SERVER, buildServer);
}

/** One whose pods and port can be read and the rest not (a policy of a later version, say) denies there: without it the default policy would hold. */
function buildServer({ meta, spec, problems }: Source): Built<ServerModel> {
  const before = problems.count;
  checkSelectors(spec);
  const podSelector = spec.object('podSelector');
  const where = {
    meta,
    podSelector: podSelector === null ? null : parseLabelSelector(podSelector),
    port: parseServerPort(spec),
  };
  const isWhereKnown = problems.count === before;
  spec.closed(['podSelector', 'externalWorkloadSelector', 'port', 'proxyProtocol', 'accessPolicy']);
  const model: ServerModel = {
    ...where,
    proxyProtocol: spec.oneOf('proxyProtocol', PROXY_PROTOCOLS, 'unknown'),
    accessPolicy: spec.oneOf('accessPolicy', ACCESS_POLICIES, 'deny'),
  };
  return { model, strictest: isWhereKnown ? { ...model, accessPolicy: 'deny' } : null };
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
