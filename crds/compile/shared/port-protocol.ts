import type { InboundProtocol, OutboundProtocol } from '../../../proxy-image/contract/policy/protocol.ts';
import { type PortRange, portInRanges } from '../../../proxy-image/contract/port-ranges.ts';
import type { ServerModel } from '../../kinds/server/model.ts';
import type { ServicePort } from '../../kinds/service/authority.ts';

/**
 * What is declared to be spoken on a port of a pod: what its Server says, else its opaque ports. A Server of `unknown` protocol, which it is where none is
 * written, does not take the clients of an opaque port through ten seconds of detection.
 */
export function inboundProtocol(
  port: number,
  server: ServerModel | null,
  opaquePorts: readonly PortRange[],
): InboundProtocol {
  switch (server?.proxyProtocol) {
    case 'HTTP/1':
      return 'http1';
    case 'HTTP/2':
      return 'http2';
    case 'gRPC':
      return 'grpc';
    case 'opaque':
      return 'opaque';
    case 'TLS':
      return 'tls';
    default:
      return portInRanges(port, opaquePorts) ? 'opaque' : 'detect';
  }
}

/** … and what callers are told of it. For them an opaque port is opaque whatever its Server says: the pod's proxy takes their word for it. */
export function endpointProtocol(
  port: number,
  server: ServerModel | null,
  opaquePorts: readonly PortRange[],
): OutboundProtocol {
  const addressed = addressProtocol(port, opaquePorts);
  return addressed === 'opaque' ? addressed : forCallers(inboundProtocol(port, server, opaquePorts));
}

/**
 * Of a port of a Service. `appProtocol` beats opaque ports; any that is not HTTP/1, h2c or gRPC is opaque (Linkerd: declared protocols, which leave out gRPC;
 * ports of the Gateway API's conformance suite say `grpc`).
 */
export function serviceProtocol(
  { port, appProtocol }: ServicePort,
  opaquePorts: readonly PortRange[],
): OutboundProtocol {
  switch (appProtocol) {
    case '':
      return addressProtocol(port, opaquePorts);
    case 'http':
      return 'http1';
    case 'kubernetes.io/h2c':
    case 'grpc':
      return 'http2';
    default:
      return 'opaque';
  }
}

/** Of an address that no object of the cluster has: only lists of opaque ports say something. */
export function addressProtocol(port: number, opaquePorts: readonly PortRange[]): OutboundProtocol {
  return portInRanges(port, opaquePorts) ? 'opaque' : 'detect';
}

/** As far as callers tell protocols apart. */
function forCallers(protocol: InboundProtocol): OutboundProtocol {
  if (protocol === 'tls') return 'opaque';
  return protocol === 'grpc' ? 'http2' : protocol;
}
