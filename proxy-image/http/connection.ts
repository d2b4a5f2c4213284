import type { Connection } from '../io/transport/types.ts';

/** A client's connection once it is known to speak HTTP, as the stacks see it, whatever version it is. */
export interface HttpConnection {
  /** No request is under way and no part of one has come. */
  readonly idle: boolean;
  /** Nothing is under way on it that anybody else takes part in: it is idle, or a request has begun of which not even the head is complete. */
  readonly expendable: boolean;
  /** Of an expendable one: it goes for another. */
  makeRoom(): void;
  /** Bytes that were read before this took over. */
  onData(connection: Connection, chunk: Buffer): void;
  /** Answers what is under way, tells the client to leave, and takes no more. Idle connections are for `closeIdle`. */
  drain(): void;
  closeIdle(): void;
  abort(): void;
  /** Carries something else than requests and responses now: an upgraded connection, streams of extended CONNECT. */
  readonly tunnelled: boolean;
  abortTunnels(): void;
}
