import type { ObjectRefText } from '../../crds/state/object-ref.ts';
import type { Programmed } from '../status/programmed.ts';

/**
 * On the port of the configuration stream, between two replicas of the operator: the leader connects to each replica to which proxies may be connected, and is told
 * what it has. Both ends frame JSON (`contract/framing.ts`), ignore fields and types of messages that they do not know, and prove the control plane's identity.
 * A release that does not know the protocol refuses the name in the handshake.
 */
export const REPLICA_ALPN = 'weft-replica/1';

/** A replica says so often that it is there, whether or not there is anything new; the leader answers. */
export const BEAT_MS = 2_000;
/** Three beats: who was silent for so long is not believed to be there any more. */
export const SILENT_MS = 6_000;
/** Proxies acknowledge together, so that one report has what changed in this time. */
export const REPORT_EVERY_MS = 200;

/** A report beyond this goes in parts. */
export const PART_TARGET_BYTES = 64 * 1024;
/** One object has some 7 KiB at the most. */
export const MAX_REPLICA_MESSAGE_BYTES = 1024 * 1024;
/** Of what one replica may have; an honest one stays far below (`serve/limits.ts`). */
export const MAX_OBJECTS = 200_000;
export const MAX_PROXIES = 100_000;
/** Names of pods with their namespace have 317 characters, keys 300. */
export const MAX_TEXT = 512;

/** How far the proxies of one replica are with what one object took part in; without proxies the object is not there. */
export interface ObjectReport extends Programmed {
  object: ObjectRefText;
}

/** All that changed since the last report, the first of a connection everything. Monotonic milliseconds are those of whoever reports. */
export interface ReplicaReport {
  type: 'report';
  /** When it was written. */
  atMs: number;
  /** It goes on with the next message: what is there so far does not count without the rest. */
  more: boolean;
  objects: readonly ObjectReport[];
  /** Proxies that have connected since (with when), or again, and those that are gone (with `null`). */
  proxies: readonly (readonly [name: string, sinceMs: number | null])[];
  /** By kind, the resourceVersion up to which this replica has seen it, and told proxies. */
  positions: Readonly<Record<string, string>>;
  /** Of its proxies, those without any change on the way or waiting. */
  current: number;
}

export type ReplicaMessage =
  /** First. `replica`: of which pod. */
  | { type: 'hello'; replica: string }
  | ReplicaReport
  /** Last: no proxy is connected to it any more. */
  | { type: 'stopping' };

export type LeaderMessage =
  /** First. `leader`: pod of whoever asks. */
  | { type: 'follow'; leader: string }
  /** After each report, or part of one. */
  | { type: 'heard' }
  /** These proxies have connected to another replica, at these times by the clock of whom this is said to: what came of them before is over. */
  | { type: 'elsewhere'; proxies: readonly (readonly [name: string, sinceMs: number])[] }
  /** So many proxies are enough for whom this is said to: others have less than their share. Said every second for as long as that is so. */
  | { type: 'keep'; proxies: number };
