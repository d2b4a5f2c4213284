import type { DialTarget } from '../io/pool/dial.ts';
import type { SessionProtocol } from '../io/tls/transport-header.ts';
import type { Address } from '../io/transport/types.ts';
import type { StackOptions } from './options.ts';
import type { StreamSeeker, StreamTargets } from './stream.ts';

/**
 * The application: at the address that the client reached, not at loopback, so that a port which listens on loopback only does not become reachable
 * through the proxy.
 */
export function applicationTarget(address: Address, session: SessionProtocol): DialTarget {
  return { address, identity: null, port: address.port, session };
}

/** One attempt to reach the application. */
export class ApplicationTargets implements StreamTargets {
  readonly endpoint = null;
  readonly authority = '';
  #target: DialTarget | null;

  constructor(target: DialTarget) {
    this.#target = target;
  }

  seek(seeker: StreamSeeker): void {
    const target = this.#target;
    this.#target = null;
    if (target === null) seeker.foundNone();
    else seeker.found(target);
  }

  cancel(): void {}
  connected(): void {}

  failed(options: StackOptions): void {
    options.recorder.inboundError('tcp', 'connect');
  }

  closed(): void {}
}
