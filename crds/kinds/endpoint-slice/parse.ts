import { oneOf, PROTOCOLS, textList } from '../../parse/kubernetes-object.ts';
import { child, listOf, numberOf, readMeshMeta, textOf } from '../../parse/metadata.ts';
import type { EndpointSliceModel } from './model.ts';

const SERVICE_LABEL = 'kubernetes.io/service-name';

/** A discovery.k8s.io/v1 EndpointSlice. Never throws. */
export function reduceEndpointSlice(raw: unknown): EndpointSliceModel {
  const meta = readMeshMeta(raw);
  return {
    meta,
    service: meta.labels[SERVICE_LABEL] ?? '',
    addressType: oneOf(textOf(raw, 'addressType'), ['IPv4', 'IPv6', 'FQDN'], 'IPv4'),
    ports: listOf(raw, 'ports')
      .map(reducePort)
      .filter(({ port }) => port > 0),
    endpoints: listOf(raw, 'endpoints').map(reduceEndpoint),
  };
}

function reducePort(raw: unknown): EndpointSliceModel['ports'][number] {
  return {
    name: textOf(raw, 'name'),
    port: numberOf(raw, 'port'),
    protocol: oneOf(textOf(raw, 'protocol'), PROTOCOLS, 'TCP'),
  };
}

/** Unset conditions: `ready` counts as true, `serving` as `ready`, `terminating` as false (EndpointSlice v1 API reference). */
function reduceEndpoint(raw: unknown): EndpointSliceModel['endpoints'][number] {
  const conditions = child(raw, 'conditions');
  const ready = child(conditions, 'ready') !== false;
  const serving = child(conditions, 'serving');
  const targetRef = child(raw, 'targetRef');
  return {
    addresses: textList(listOf(raw, 'addresses')),
    ready,
    terminating: child(conditions, 'terminating') === true,
    serving: typeof serving === 'boolean' ? serving : ready,
    targetPod: textOf(targetRef, 'kind') === 'Pod' ? textOf(targetRef, 'name') : '',
    nodeName: textOf(raw, 'nodeName'),
    zone: textOf(raw, 'zone'),
    hintZones: listOf(child(raw, 'hints'), 'forZones')
      .map((zone) => textOf(zone, 'name'))
      .filter((name) => name !== ''),
  };
}
