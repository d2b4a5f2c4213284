import { PING_INTERVAL_MS, SILENCE_TIMEOUT_MS } from '../../proxy-image/contract/messages.ts';
import type { ServeLimits } from './types.ts';

const MIB = 1024 * 1024;

export const DEFAULT_LIMITS: ServeLimits = {
  // Two replicas of 150,000 pods' worth of proxies would not fit one process anyway; file descriptors are the first to end.
  maxConnections: 20_000,
  // As the proxy has it (STACK_LIMITS): twice a burst of a thousand that come back together.
  maxHandshakes: 2_000,
  // An application that talks to more addresses than this gets the rest spliced, as for an unknown destination.
  maxSubscriptions: 20_000,
  // A hello with 20,000 held keys is about 3 MB.
  maxMessageBytes: 4 * MIB,
  // A busy proxy acks each batch and subscribes key by key; a hundred times that is a loop.
  messagesPerSecond: 1_000,
  messageBurst: 5_000,
  helloTimeoutMs: 10_000,
  idleTimeoutMs: SILENCE_TIMEOUT_MS,
  // The proxy applies a batch in milliseconds; twice its patience with us.
  ackTimeoutMs: 2 * SILENCE_TIMEOUT_MS,
  // Small enough that a starting proxy has its first destinations at once.
  batchTargetBytes: MIB,
  // Bookmarks, which prove how far a store is, come about once a minute.
  withholdMs: 120_000,
  podTimeoutMs: 2 * PING_INTERVAL_MS,
  compileSliceMs: 5,
  // A thousand proxies: some 40 µs each for encryption and system call.
  writeSliceMs: 40,
  // A handshake costs whoever takes a proxy over some 2 ms: two fifths of a core at that rate, of all replicas together.
  handOverPerSecond: 200,
  // With what comes before, half of the 30 s in which the operator stops.
  handOverMs: 15_000,
};
