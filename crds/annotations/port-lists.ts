import { EVERY_PORT, mergeRanges, type PortRange } from '../../proxy-image/contract/port-ranges.ts';
import { isPortName, readPortRanges } from '../scalars/port.ts';
import { leftOutText, NO_NAMES, type PortNames, readPortList } from '../scalars/port-list.ts';
import { invalid, quote, type Scalar, valid } from '../scalars/scalar.ts';
import { type Annotation, constant, ofMesh, type Place, type Reading } from './annotation.ts';

const ON_WORKLOADS: readonly Place[] = ['workload', 'namespace'];

/**
 * Ports, ranges and names of ports. An entry that says nothing is left out; a list of which nothing is left says nothing. The empty list says that there are
 * no such ports.
 */
function portList(text: string, names: PortNames): Reading<PortRange[]> {
  const { ranges, leftOut, problem } = readPortList(text, names);
  if (problem !== '') return invalid(problem);
  return leftOut.length === 0 ? valid(ranges) : { ok: true, value: ranges, leftOut: leftOutText(leftOut) };
}

/** As `portList`, of ports of others, which this object has no names for. */
function foreignPortList(text: string): Reading<PortRange[]> {
  return portList(text, NO_NAMES);
}

/**
 * A name that the pod does not have names nothing. What can be read as neither port, range nor name may have been any port, and spoils the list.
 */
function identityPortList(text: string, names: PortNames): Scalar<PortRange[]> {
  const { problem, leftOut } = readPortList(text);
  const unreadable = leftOut.find((entry) => !isPortName(entry));
  if (unreadable !== undefined) return invalid(`must have ports, ranges and names, not ${quote(unreadable)}`);
  if (leftOut.length === 0 && problem !== '') return invalid(problem);
  return valid(mergeRanges(readPortList(text, names).ranges));
}

/** Also of a Service, whose list is about its own ports. */
export const OPAQUE_PORTS: Annotation<PortRange[]> = {
  names: ['config.linkerd.io/opaque-ports'],
  on: ['workload', 'service', 'namespace'],
  parse: portList,
  strictest: null,
  otherwise: ofMesh('proxy.opaquePorts', ({ proxy }) => readPortRanges(proxy.opaquePorts)),
};

/** Which of a pod's ports only meshed clients may use. */
export const IDENTITY_PORTS: Annotation<PortRange[]> = {
  names: ['config.linkerd.io/proxy-require-identity-inbound-ports'],
  on: ON_WORKLOADS,
  parse: identityPortList,
  strictest: { value: [[...EVERY_PORT]], means: 'every port demands an identity', empty: 'none' },
  otherwise: constant<PortRange[]>([], 'none'),
};

export const SKIP_INBOUND_PORTS: Annotation<PortRange[]> = {
  names: ['config.linkerd.io/skip-inbound-ports'],
  on: ON_WORKLOADS,
  parse: portList,
  strictest: null,
  otherwise: ofMesh('proxy.skipInboundPorts', ({ proxy }) => readPortRanges(proxy.skipInboundPorts)),
};

export const SKIP_OUTBOUND_PORTS: Annotation<PortRange[]> = {
  names: ['config.linkerd.io/skip-outbound-ports'],
  on: ON_WORKLOADS,
  parse: foreignPortList,
  strictest: null,
  otherwise: ofMesh('proxy.skipOutboundPorts', ({ proxy }) => readPortRanges(proxy.skipOutboundPorts)),
};

/** Inherited and checked; every port has a policy here, so nothing depends on it. */
export const POD_INBOUND_PORTS: Annotation<PortRange[]> = {
  names: ['config.linkerd.io/pod-inbound-ports'],
  on: ON_WORKLOADS,
  parse: portList,
  strictest: null,
  otherwise: constant<PortRange[]>([], 'none'),
};
