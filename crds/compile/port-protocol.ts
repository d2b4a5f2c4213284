import type { InboundProtocol, OutboundProtocol } from '../../proxy-image/contract/policy/protocol.ts';
import { type PortRange, portInRanges } from '../../proxy-image/contract/port-ranges.ts';
import type { ServerModel } from '../kinds/server/model.ts';

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

/** As far as callers tell protocols apart. */
export function forCallers(protocol: InboundProtocol): OutboundProtocol {
  if (protocol === 'tls') return 'opaque';
  return protocol === 'grpc' ? 'http2' : protocol;
}
