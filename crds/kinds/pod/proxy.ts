import { ENVIRONMENT, type Variable } from '../../../proxy-image/contract/environment.ts';
import {
  CONTROL_PLANE_LABEL,
  CONTROL_PLANE_NAMESPACE,
  INIT_CONTAINER,
  PROXY_CONTAINER,
} from '../../../proxy-image/contract/names.ts';
import type { PortRange } from '../../../proxy-image/contract/port-ranges.ts';
import { PROXY_PORTS, type ProxyPorts } from '../../../proxy-image/contract/ports.ts';
import { listOf, textOf } from '../../parse/metadata.ts';
import { parsePort, readPortRanges } from '../../scalars/port.ts';
import type { PodModel } from './model.ts';

type PodProxy = Pick<PodModel, 'meshed' | 'proxyPorts' | 'skipInboundPorts'>;

const NO_PROXY: PodProxy = { meshed: false, proxyPorts: PROXY_PORTS, skipInboundPorts: [] };

/**
 * The proxy of a pod, as its containers were told: what annotations say counts at injection and not later. The proxy of another control plane
 * (Linkerd's own sets the same label to its own namespace) is no proxy of ours: it has no identity that we could verify, and does not believe ours.
 */
export function readPodProxy(
  labels: Readonly<Record<string, string>>,
  spec: unknown,
  containers: readonly unknown[],
): PodProxy {
  const proxy = containers.find((container) => textOf(container, 'name') === PROXY_CONTAINER);
  if (proxy === undefined || labels[CONTROL_PLANE_LABEL] !== CONTROL_PLANE_NAMESPACE) return NO_PROXY;
  return { meshed: true, proxyPorts: readPorts(proxy), skipInboundPorts: readSkippedPorts(spec) };
}

function readPorts(proxy: unknown): ProxyPorts {
  return {
    outbound: portOf(proxy, ENVIRONMENT.outboundListen),
    inboundMesh: portOf(proxy, ENVIRONMENT.inboundListen),
    inboundPlain: portOf(proxy, ENVIRONMENT.inboundPlainListen),
    tap: portOf(proxy, ENVIRONMENT.tapPort),
    admin: portOf(proxy, ENVIRONMENT.adminListen),
  };
}

/** Of a port, or of a list of listen addresses: these have one port (`linkerd-init` fails otherwise). What is no port is the default. */
function portOf(proxy: unknown, variable: Required<Variable>): number {
  return lastPort(environmentOf(proxy, variable)) ?? lastPort(variable.fallback) ?? 0;
}

function lastPort(addresses: string): number | null {
  const port = parsePort(addresses.slice(addresses.lastIndexOf(':') + 1));
  return port.ok ? port.value : null;
}

/** What `linkerd-init` was told. A value that it could not have understood skips nothing: then the pod's init has failed. */
function readSkippedPorts(spec: unknown): PortRange[] {
  const init = listOf(spec, 'initContainers').find((container) => textOf(container, 'name') === INIT_CONTAINER);
  if (init === undefined) return [];
  return readPortRanges(environmentOf(init, ENVIRONMENT.skipInboundPorts));
}

/** As the proxy reads its environment: an empty variable is an absent one. */
function environmentOf(container: unknown, { name, fallback }: Required<Variable>): string {
  const variable = listOf(container, 'env').find((entry) => textOf(entry, 'name') === name);
  return textOf(variable, 'value').trim() || fallback;
}
