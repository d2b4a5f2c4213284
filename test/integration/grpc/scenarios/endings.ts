import { status } from '@grpc/grpc-js';
import { until } from '../../transport/recorder.ts';
import type { Seen } from '../calls.ts';
import type { Scenario } from '../scenario.ts';

const DEADLINE_MS = 300;

/** Whose clock strikes first, the client's or the server's, is not the same in any two runs, and each has words of its own. */
function codeOnly({ ending, ...rest }: Seen): object {
  return { ...rest, code: ending.code };
}

const soon = (): number => Date.now() + DEADLINE_MS;

export const ENDINGS: Scenario[] = [
  {
    name: 'a deadline that passes while the server is silent',
    serve: { unary: () => {} },
    run: async ({ caller, application }) => {
      const seen = await caller.unary(Buffer.from('ask'), undefined, { deadline: soon() }).seen;
      await until(() => application.cancelled === 1, 'the server hears that the call is over');
      return codeOnly(seen);
    },
    shows: /"code":4.*"hasDeadline":true/,
  },
  {
    name: 'a deadline that passes between messages',
    serve: {
      serverStream: (call) => {
        for (let i = 0; i < 3; i++) call.write(Buffer.from(String(i)));
      },
    },
    run: async ({ caller, application }) => {
      const seen = await caller.serverStream(Buffer.from('ask'), undefined, { deadline: soon() }).seen;
      await until(() => application.cancelled === 1, 'the server hears that the call is over');
      return codeOnly(seen);
    },
    shows: /"0","1","2".*"code":4.*"hasDeadline":true/,
  },
  {
    name: 'a deadline that passes while the client still talks',
    serve: { clientStream: (call) => void call.resume() },
    run: async ({ caller, application }) => {
      const { call, seen } = caller.clientStream(undefined, { deadline: soon() });
      const timer = setInterval(() => call.write(Buffer.from('more')), 10);
      const all = await seen;
      clearInterval(timer);
      await until(() => application.cancelled === 1, 'the server hears that the call is over');
      return codeOnly(all);
    },
    shows: '"code":4',
  },
  {
    name: 'a deadline that is kept',
    serve: { unary: (call, callback) => void setTimeout(() => callback(null, call.request), 50) },
    run: ({ caller }) => caller.unary(Buffer.from('in time'), undefined, { deadline: Date.now() + 60_000 }).seen,
    shows: /in time.*"hasDeadline":true/,
  },
  {
    name: 'a call that the client cancels before any answer',
    serve: { unary: () => {} },
    run: async ({ caller, application }) => {
      const { call, seen } = caller.unary(Buffer.from('ask'));
      await until(() => application.served.length === 1, 'the call arrives');
      call.cancel();
      await until(() => application.cancelled === 1, 'the server hears of it');
      return seen;
    },
    shows: '"code":1',
  },
  {
    name: 'a stream that the client cancels in the middle',
    serve: { bidi: (call) => call.on('data', (message: Buffer) => call.write(message)) },
    run: async ({ caller, application }) => {
      const { call, seen } = caller.bidi();
      for (let i = 0; i < 5; i++) {
        call.write(Buffer.from(String(i)));
        await new Promise((resolve) => call.once('data', resolve));
      }
      call.cancel();
      await until(() => application.cancelled === 1, 'the server hears of it');
      return seen;
    },
    shows: /"4".*"code":1,/,
  },
  {
    name: 'a hundred streams that the client cancels, and the one beside them that goes on',
    serve: { bidi: (call) => call.on('data', (message: Buffer) => call.write(message)).on('end', () => call.end()) },
    run: async ({ caller, application }) => {
      const steady = caller.bidi();
      const others = Array.from({ length: 100 }, () => caller.bidi());
      for (const { call } of others) {
        call.write(Buffer.from('x'));
        await new Promise((resolve) => call.once('data', resolve));
      }
      for (const { call } of others) call.cancel();
      await until(() => application.cancelled === 100, 'the server hears of all of them');
      steady.call.write(Buffer.from('still here'));
      steady.call.end();
      return { steady: await steady.seen, others: await Promise.all(others.map(({ seen }) => seen)) };
    },
    shows: 'still here',
  },
  {
    name: 'a call that the server cancels',
    serve: {
      bidi: (call) => {
        call.once('data', (message: Buffer) => {
          call.write(message);
          call.emit('error', { code: status.CANCELLED, details: 'by the server' });
        });
      },
    },
    run: ({ caller }) => {
      const { call, seen } = caller.bidi();
      call.write(Buffer.from('x'));
      return seen;
    },
    shows: 'by the server',
  },
];
