import type { Change } from './messages.ts';

/**
 * Where configuration comes from, as the data plane sees it: the operator's stream and direct mode implement the same interface.
 * `start` calls `sink` with batches in dependency order; the sink returns the keys it refused with their problems, everything else took effect.
 */
export interface ConfigSource {
  start(sink: ConfigSink): void;
  subscribe(key: string): void;
  unsubscribe(key: string): void;
  /** True while the source is connected and current; false means the last snapshot serves. */
  readonly connected: boolean;
  stop(): void;
}

export interface RejectedKey {
  key: string;
  problems: string[];
  /** True: the resource took effect without the rules that `problems` names (unknown rule types, refused expressions). Otherwise the last good value stands. */
  applied?: boolean;
}

export interface ConfigSink {
  apply(changes: readonly Change[]): RejectedKey[];
  connectionChanged(connected: boolean): void;
}
