#!/usr/bin/env node
import { basename } from 'node:path';
import type { WriteStream } from 'node:tty';
import type { Context, Output } from './context.ts';
import { VERBS } from './registry.ts';
import { run } from './run.ts';

/** kubectl finds plug-ins by this prefix of the program's name. */
const PLUGIN = /^kubectl-/;

/** Whoever reads may go before everything is written (`weft … | head`): that is no failure of ours, and the status is what it would have been. */
function outputOf(stream: WriteStream): Output {
  const reading = new AbortController();
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    reading.abort();
  });
  return {
    write: (text) => {
      if (!reading.signal.aborted) stream.write(text);
    },
    terminal: stream.isTTY ? stream : null,
    unread: reading.signal,
  };
}

const interrupting = new AbortController();
const [, program = '', ...argv] = process.argv;
const context: Context = {
  name: PLUGIN.test(basename(program)) ? 'kubectl weft' : 'weft',
  argv,
  env: process.env,
  cwd: process.cwd(),
  // Not touched before it is read: opening it costs, and a terminal would keep the process.
  stdin: { [Symbol.asyncIterator]: () => process.stdin[Symbol.asyncIterator]() },
  stdout: outputOf(process.stdout),
  stderr: outputOf(process.stderr),
  clock: { nowMs: () => performance.now(), wallMs: () => Date.now() },
  interrupted: () => {
    process.once('SIGINT', () => interrupting.abort());
    return interrupting.signal;
  },
};
// Not awaited here: in the bundle verbs import from this file, and would wait for its end.
void run(context, VERBS).then((status) => {
  process.exitCode = status;
});
