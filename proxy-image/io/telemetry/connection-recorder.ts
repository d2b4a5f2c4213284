import type { OutboundProtocol } from '../../contract/policy/protocol.ts';
import type { PortPolicyEntry } from '../../core/policy/policy.ts';
import type { Destination } from '../../core/state/entries.ts';
import type { FirstBytesProtocol, SessionProtocol } from '../../core/state/protocol.ts';

/** What came of listening to a client; `lost`: it has left, or was ended, before it had said what it speaks. */
export type Detection = FirstBytesProtocol | 'lost';

/** How a stream has ended, as far as Linkerd tells it apart; empty = in order. */
export type StreamError = '' | 'invalid_backend' | 'unexpected';

/** Of connections, each once: when something is found out about one, never per request. Times are milliseconds. */
export interface ConnectionRecorder {
  /** Of the application, to a destination that is known; `declared` is what is spoken there, as far as somebody has said so. */
  destined(destination: Destination, declared: OutboundProtocol): void;
  outboundDetected(destination: Destination, result: Detection, tookMs: number): void;
  inboundDetected(policy: PortPolicyEntry, result: Detection, tookMs: number): void;
  /** Another proxy has said what its connection is for. */
  headerRead(session: SessionProtocol, port: number, clientId: string): void;
  /** One that is carried as bytes; `streamClosed` follows. */
  streamOpened(destination: Destination): void;
  streamClosed(destination: Destination, error: StreamError): void;
}
