import { parseSelectorText } from '../../../crds/scalars/label-selector-text.ts';
import type { LabelSelector } from '../../../crds/types/label-selector.ts';
import { TAPPED_KINDS, type TappedResource } from '../../../crds/viz/tap.ts';
import { TAP_LIMITS, type TapPeer, type TapQuestion } from '../../../proxy-image/contract/tap/question.ts';
import { ApiFailure } from '../api/status.ts';

/** What the URL asks beside its path. */
export interface TapWish {
  question: TapQuestion;
  /** `null`: whatever kind. */
  resource: TappedResource | null;
  selector: LabelSelector;
}

const KNOWN = new Set([
  ...['to', 'toNamespace', 'scheme', 'method', 'authority', 'path', 'maxRps', 'headers', 'labelSelector', 'direction'],
  ...['resource', 'watch', 'timeout', 'timeoutSeconds'],
]);

/**
 * `namespace`: of the target, in which `to` is looked for unless it is said.
 * @throws ApiFailure 400
 */
export function readTapQuery(query: URLSearchParams, namespace: string | null): TapWish {
  for (const name of query.keys()) {
    if (!KNOWN.has(name)) throw malformed(`there is no parameter ${quoted(name)}`);
  }
  const selector = parseSelectorText(text(query, 'labelSelector'));
  if (selector === null) throw malformed('labelSelector is no label selector');
  const resource = text(query, 'resource');
  if (resource !== '' && !isTapped(resource)) throw malformed(`resource: ${quoted(resource)} cannot be tapped`);
  return {
    resource: resource === '' ? null : (resource as TappedResource),
    selector,
    question: {
      direction: directionOf(text(query, 'direction')),
      to: peerOf(text(query, 'to'), text(query, 'toNamespace') || (namespace ?? ''), query.has('toNamespace')),
      from: null,
      scheme: text(query, 'scheme').toLowerCase(),
      method: text(query, 'method'),
      authority: text(query, 'authority'),
      path: text(query, 'path'),
      maxRps: rateOf(text(query, 'maxRps')),
      share: 1,
      headers: query.get('headers') === 'true',
    },
  };
}

export function isTapped(resource: string): resource is TappedResource {
  return Object.hasOwn(TAPPED_KINDS, resource);
}

function text(query: URLSearchParams, name: string): string {
  const values = query.getAll(name);
  const [value = ''] = values;
  if (values.length > 1) throw malformed(`${name} is there more than once`);
  if (value.length > TAP_LIMITS.textLength)
    throw malformed(`${name} is longer than ${TAP_LIMITS.textLength} characters`);
  return value;
}

function directionOf(direction: string): TapQuestion['direction'] {
  if (direction === '') return null;
  if (direction === 'inbound' || direction === 'outbound') return direction;
  throw malformed('direction: must be inbound or outbound');
}

function rateOf(written: string): number {
  if (written === '') return TAP_LIMITS.usualRps;
  const rate = /^[1-9][0-9]{0,5}$/.test(written) ? Number(written) : 0;
  if (rate < 1 || rate > TAP_LIMITS.mostRps) throw malformed(`maxRps: must be 1 to ${TAP_LIMITS.mostRps}`);
  return rate;
}

/** `deployments/web`, `namespaces/shop`, `pods`: by the labels that discovery gives to endpoints. */
function peerOf(to: string, namespace: string, isNamespaceSaid: boolean): TapPeer | null {
  if (to === '') return isNamespaceSaid ? { labels: { namespace }, addresses: [] } : null;
  const [resource = '', name = '', ...rest] = to.split('/');
  if (rest.length > 0) throw malformed('to: must be RESOURCE/NAME');
  if (resource === 'namespaces') {
    if (name === '') throw malformed('to: names no namespace');
    return { labels: { namespace: name }, addresses: [] };
  }
  if (!isTapped(resource)) throw malformed(`to: ${quoted(resource)} is nothing that is called`);
  if (name === '') throw malformed('to: must name one, as in deployments/web');
  const labels: Record<string, string> = { [labelOf(resource)]: name };
  if (namespace !== '') labels['namespace'] = namespace;
  return { labels, addresses: [] };
}

/** As `crds/compile/endpoint.ts` names them: Prometheus keeps `job` to itself. */
function labelOf(resource: TappedResource): string {
  const kind = TAPPED_KINDS[resource].toLowerCase();
  return kind === 'job' || kind === 'cronjob' ? `k8s_${kind}` : kind;
}

function malformed(problem: string): ApiFailure {
  return new ApiFailure(400, 'WEFT_VIZ_REQUEST', problem);
}

function quoted(value: string): string {
  return JSON.stringify(value.slice(0, 60));
}
