import type { ReceivedProxyMessage } from '../../proxy-image/contract/check.ts';
import type { ControlPlaneErrorCode } from '../../proxy-image/contract/control-plane-errors.ts';
import type { Renewable } from './leaf.ts';

/** One connection, as a session sees it. */
export interface Peer extends Renewable {
  /** The one SAN of the verified client certificate. */
  readonly identity: string;
  /** Wall-clock time at which that certificate ends. */
  readonly expiresAtMs: number;
  /** Remote address and port, for the log. */
  readonly address: string;
  /** False after a write that filled the buffer, until `PeerHandler.drained`. */
  readonly writable: boolean;
  write(parts: readonly Uint8Array[]): void;
  /** Answers a ping; left out while the proxy does not read what it was sent. */
  pong(): void;
  /** Stops reading: nothing of what follows is handled until `resume`. */
  pause(): void;
  resume(): void;
  /** Tells the proxy why, then ends the connection. */
  close(code: ControlPlaneErrorCode, detail: string): void;
}

export interface PeerHandler {
  received(message: ReceivedProxyMessage): void;
  drained(): void;
  /** Last call. */
  closed(): void;
}
