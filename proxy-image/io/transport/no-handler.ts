import type { ConnectionHandler } from './types.ts';

/** Handler between the making of a connection and its owner's, and after its owner has lost interest. */
export const NO_HANDLER: ConnectionHandler = {
  onConnect: () => {},
  onSecure: () => {},
  onData: () => {},
  onDrain: () => {},
  onEnd: () => {},
  onClose: () => {},
};
