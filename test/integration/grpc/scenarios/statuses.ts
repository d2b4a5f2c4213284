import { Metadata, type StatusObject, status } from '@grpc/grpc-js';
import type { Scenario } from '../scenario.ts';

/** Details are percent-encoded on the wire (gRPC over HTTP/2, "Status-Message"). */
const DETAILS = 'no: ü, 日本, 🧵, 100 %, "quoted", a\ttab,\na line; a\\b ~';

const CODES = Array.from({ length: 17 }, (_, code) => code);

function ended(code: number, details: string, trailers: Record<string, string> = {}): StatusObject {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(trailers)) metadata.set(name, value);
  return { code, details, metadata };
}

function codeOf(message: Buffer): number {
  return Number(message.toString());
}

export const STATUSES: Scenario[] = [
  {
    name: 'every status code of a unary call, without initial metadata: trailers only',
    serve: {
      unary: (call, callback) => {
        const code = codeOf(call.request);
        callback(code === 0 ? null : ended(code, `${code}: ${DETAILS}`, { 'x-code': String(code) }), call.request);
      },
    },
    run: async ({ caller }) => {
      const all = [];
      for (const code of CODES) all.push(await caller.unary(Buffer.from(String(code))).seen);
      return all;
    },
    shows: JSON.stringify(`16: ${DETAILS}`),
  },
  {
    name: 'every status code of a stream, after some messages',
    serve: {
      serverStream: (call) => {
        const code = codeOf(call.request);
        for (let i = 0; i < 3; i++) call.write(Buffer.from(`${code}.${i}`));
        if (code === 0) call.end();
        else call.emit('error', ended(code, DETAILS, { 'x-code': String(code) }));
      },
    },
    run: async ({ caller }) => {
      const all = [];
      for (const code of CODES) all.push(await caller.serverStream(Buffer.from(String(code))).seen);
      return all;
    },
    shows: '"16.2"',
  },
  {
    name: 'every status code of a call with initial metadata and no message',
    serve: {
      clientStream: (call, callback) => {
        const initial = new Metadata();
        initial.set('x-initial', 'sent');
        call.sendMetadata(initial);
        call.once('data', (message: Buffer) => {
          const code = codeOf(message);
          call.on('end', () => callback(code === 0 ? null : ended(code, DETAILS), Buffer.from('fine')));
        });
      },
    },
    run: async ({ caller }) => {
      const all = [];
      for (const code of CODES) {
        const { call, seen } = caller.clientStream();
        call.write(Buffer.from(String(code)));
        call.end();
        all.push(await seen);
      }
      return all;
    },
    shows: '"code":16',
  },
  {
    name: 'details that are empty and details that are long',
    serve: { unary: (call, callback) => callback(ended(status.INTERNAL, 'ü'.repeat(call.request.length))) },
    run: async ({ caller }) => {
      const all = [];
      for (const length of [0, 1, 1000]) all.push(await caller.unary(Buffer.alloc(length)).seen);
      return all;
    },
    shows: 'ü'.repeat(1000),
  },
  {
    name: 'an answer before the client has finished: its later messages are of no interest',
    serve: { bidi: (call) => call.once('data', () => call.emit('error', ended(status.ABORTED, 'heard enough'))) },
    run: ({ caller }) => {
      const { call, seen } = caller.bidi();
      call.write(Buffer.from('one'));
      return seen;
    },
    shows: 'heard enough',
  },
  {
    name: 'a method that the server does not have',
    serve: {},
    run: async ({ caller }) => {
      const { promise, resolve } = Promise.withResolvers<object>();
      const same = (bytes: Buffer): Buffer => bytes;
      const path = '/weft.test.Scenario/Missing';
      caller.client.makeUnaryRequest(path, same, same, Buffer.from('x'), (error) =>
        resolve({ code: error?.code, details: error?.details }),
      );
      return promise;
    },
    shows: '"code":12',
  },
];
