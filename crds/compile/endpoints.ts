import type { AddressFamily } from '../../proxy-image/contract/keys.ts';
import type { Endpoint, EndpointsResource } from '../../proxy-image/contract/resources.ts';
import type { EndpointSliceModel } from '../kinds/endpoint-slice/model.ts';
import { endpointSlicesOf } from '../kinds/endpoint-slice/queries.ts';
import type { PodModel } from '../kinds/pod/model.ts';
import { podByIp, podOf } from '../kinds/pod/queries.ts';
import { type ServiceName, tcpPort } from '../kinds/service/authority.ts';
import { serviceOf } from '../kinds/service/queries.ts';
import { compareText } from '../state/order.ts';
import type { ClusterView } from '../state/view.ts';
import { EndpointCompiler } from './endpoint.ts';
import type { Unsourced } from './shared/unsourced.ts';

export interface EndpointsAddress extends ServiceName {
  port: number;
  family: AddressFamily;
}

type SliceEndpoint = EndpointSliceModel['endpoints'][number];

interface Candidate {
  address: string;
  port: number;
  endpoint: SliceEndpoint;
}

/**
 * The addresses behind one Service port, sorted by address and port. Slices are merged, those of the other family and of FQDNs ignored.
 * Terminating endpoints are left out unless there are no others; then those that still serve are used, as kube-proxy does.
 */
export function compileEndpoints(view: ClusterView, key: EndpointsAddress): Unsourced<EndpointsResource> {
  const compiler = new EndpointCompiler(view);
  const labels = { namespace: key.namespace, service: key.service };
  const endpoints = candidates(view, key).map(({ address, port, endpoint }): Endpoint => {
    const pod = podBehind(view, key.namespace, address, endpoint);
    const { nodeName: node, zone, hintZones } = endpoint;
    return compiler.compile({ address, port, pod, namespace: key.namespace, node, zone, hintZones, labels });
  });
  return { endpoints };
}

function candidates(view: ClusterView, key: EndpointsAddress): Candidate[] {
  const service = serviceOf(view, key.namespace, key.service);
  const port = service === null || service.type === 'ExternalName' ? null : tcpPort(service, key.port);
  if (port === null) return [];
  const addressType = key.family === 'ipv4' ? 'IPv4' : 'IPv6';
  const slices = endpointSlicesOf(view, key.namespace, key.service).filter(
    (slice) => slice.addressType === addressType,
  );
  const all = slices.flatMap((slice) => sliceCandidates(slice, port.name));
  const ready = all.filter(({ endpoint }) => endpoint.ready && !endpoint.terminating);
  const draining = all.filter(({ endpoint }) => endpoint.terminating && endpoint.serving);
  return distinct(ready.length > 0 ? ready : draining);
}

/** A slice has resolved the Service port for all its endpoints: pods on which a named port has another number are in another slice. */
function sliceCandidates(slice: EndpointSliceModel, portName: string): Candidate[] {
  const port = slice.ports.find(({ name, protocol }) => name === portName && protocol === 'TCP');
  if (port === undefined) return [];
  // Consumers use the first address only (Kubernetes API: EndpointSlice `addresses`).
  return slice.endpoints.flatMap((endpoint) => {
    const [address] = endpoint.addresses;
    return address === undefined ? [] : [{ address, port: port.port, endpoint }];
  });
}

/** While endpoints move between slices, an address may be in two of them. */
function distinct(all: Candidate[]): Candidate[] {
  const byAddress = new Map<string, Candidate>();
  for (const candidate of all) {
    const text = `${candidate.address} ${candidate.port}`;
    if (!byAddress.has(text)) byAddress.set(text, candidate);
  }
  return [...byAddress.values()].sort((a, b) => compareText(a.address, b.address) || a.port - b.port);
}

/** By targetRef, else by address. A targetRef to a pod that has other addresses is not believed: its identity would be expected of a stranger. */
function podBehind(view: ClusterView, namespace: string, address: string, endpoint: SliceEndpoint): PodModel | null {
  const named = endpoint.targetPod === '' ? null : podOf(view, namespace, endpoint.targetPod);
  if (named !== null && (named.ips.length === 0 || named.ips.includes(address))) return named;
  return podByIp(view, address);
}
