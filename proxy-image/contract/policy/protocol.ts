export type InboundProtocol = 'detect' | 'http1' | 'http2' | 'grpc' | 'opaque' | 'tls';
export type OutboundProtocol = 'detect' | 'http1' | 'http2' | 'opaque';

/** One that a proxy does not know it treats as `opaque`: bytes are carried as they are. */
export const INBOUND_PROTOCOLS: readonly InboundProtocol[] = ['detect', 'http1', 'http2', 'grpc', 'opaque', 'tls'];
export const OUTBOUND_PROTOCOLS: readonly OutboundProtocol[] = ['detect', 'http1', 'http2', 'opaque'];
