import type { WriteStream } from 'node:tty';
import type { Clock } from '../lib/clock.ts';

/** Where text goes. Writing never fails: what nobody reads any more is dropped. */
export interface Output {
  write(text: string): void;
  /** `null`: a pipe or a file, which gets no colour and no spinner. */
  terminal: WriteStream | null;
  /** Aborted when whoever reads has gone: what goes on without end ends then. */
  unread: AbortSignal;
}

/** The world as the command sees it, so that a test needs no process. */
export interface Context {
  /** As people call the command: `weft`, or `kubectl weft`. */
  name: string;
  /** Without the program. */
  argv: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
  /** What relative paths are relative to. */
  cwd: string;
  stdin: AsyncIterable<Uint8Array | string>;
  /** Results, and nothing else. */
  stdout: Output;
  /** Reports, progress and errors. */
  stderr: Output;
  clock: Clock;
  /** Aborted by ^C, from when it is asked for the first time: before, ^C ends the process. */
  interrupted(): AbortSignal;
}
