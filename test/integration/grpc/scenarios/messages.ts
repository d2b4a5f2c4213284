import { compressionAlgorithms, Metadata } from '@grpc/grpc-js';
import { until } from '../../transport/recorder.ts';
import { Caller } from '../calls.ts';
import type { Scenario } from '../scenario.ts';
import { digest, noise } from '../transcript.ts';

const MIB = 1024 * 1024;

/** Around the sizes of a frame (RFC 9113 section 4.2) and of a window (section 6.9.2), less the five bytes of the message's prefix. */
const SIZES = [0, 1, 16_378, 16_379, 16_380, 16_384, 65_529, 65_530, 65_531, 65_535, 65_536, 200_000];

export const MESSAGES: Scenario[] = [
  {
    name: 'unary',
    serve: { unary: (call, callback) => callback(null, Buffer.concat([Buffer.from('you said '), call.request])) },
    run: ({ caller }) => caller.unary(Buffer.from('hello')).seen,
    shows: 'you said hello',
  },
  {
    name: 'empty messages',
    serve: {
      bidi: (call) => {
        call.on('data', (message: Buffer) => call.write(message));
        call.on('end', () => call.end());
      },
    },
    run: ({ caller }) => {
      const { call, seen } = caller.bidi();
      for (let i = 0; i < 3; i++) call.write(Buffer.alloc(0));
      call.end();
      return seen;
    },
    shows: '"messages":["","",""]',
  },
  {
    name: 'no message at all in either direction',
    serve: { bidi: (call) => call.on('end', () => call.end()).resume() },
    run: ({ caller }) => {
      const { call, seen } = caller.bidi();
      call.end();
      return seen;
    },
    shows: '"messages":[]',
  },
  {
    name: 'messages of the sizes at which frames and windows end',
    serve: { unary: (call, callback) => callback(null, call.request) },
    run: async ({ caller }) => {
      const all = [];
      for (const sizeBytes of SIZES) all.push(await caller.unary(noise(sizeBytes)).seen);
      return all;
    },
    shows: digest(noise(65_536)),
  },
  {
    name: 'a message of 16 MiB there and back',
    serve: { unary: (call, callback) => callback(null, call.request) },
    run: ({ caller }) => caller.unary(noise(16 * MIB)).seen,
    shows: digest(noise(16 * MIB)),
  },
  {
    name: 'messages of 16 MiB in both directions at once',
    serve: {
      bidi: (call) => {
        call.write(noise(16 * MIB, 7));
        call.on('data', (message: Buffer) => call.write(Buffer.from(digest(message))));
        call.on('end', () => call.end());
      },
    },
    run: ({ caller }) => {
      const { call, seen } = caller.bidi();
      call.write(noise(16 * MIB, 8));
      call.end();
      return seen;
    },
    shows: digest(noise(16 * MIB, 8)),
  },
  {
    name: 'a stream of the client',
    serve: {
      clientStream: (call, callback) => {
        const digests: string[] = [];
        call.on('data', (message: Buffer) => digests.push(digest(message)));
        call.on('end', () => callback(null, Buffer.from(digest(Buffer.from(digests.join())))));
      },
    },
    run: ({ caller }) => {
      const { call, seen } = caller.clientStream();
      for (let i = 0; i < 300; i++) call.write(noise(i * 37, i));
      call.end();
      return seen;
    },
    shows: '"code":0',
  },
  {
    name: 'a stream of the server',
    serve: {
      serverStream: (call) => {
        for (let i = 0; i < 300; i++) call.write(noise(i * 37, i));
        call.end();
      },
    },
    run: ({ caller }) => caller.serverStream(Buffer.from('all')).seen,
    shows: digest(noise(299 * 37, 299)),
  },
  {
    name: 'a stream of the server whose reader stops for a while',
    serve: {
      serverStream: async (call) => {
        for (let i = 0; i < 40; i++) {
          if (!call.write(noise(256 * 1024, i))) await new Promise((resolve) => call.once('drain', resolve));
        }
        call.end();
      },
    },
    run: async ({ caller }) => {
      const { call, seen } = caller.serverStream(Buffer.from('all'));
      await new Promise((resolve) => call.once('data', resolve));
      call.pause();
      await new Promise((resolve) => setTimeout(resolve, 300));
      call.resume();
      return seen;
    },
    shows: digest(noise(256 * 1024, 39)),
  },
  {
    name: 'ping-pong',
    serve: {
      bidi: (call) => {
        call.on('data', (message: Buffer) => call.write(Buffer.from(`pong ${message}`)));
        call.on('end', () => call.end());
      },
    },
    run: async ({ caller }) => {
      const { call, seen } = caller.bidi();
      for (let i = 0; i < 200; i++) {
        call.write(Buffer.from(String(i)));
        await new Promise((resolve) => call.once('data', resolve));
      }
      call.end();
      return seen;
    },
    shows: 'pong 199',
  },
  {
    name: 'both directions at full speed, neither waiting for the other',
    serve: {
      bidi: (call) => {
        let received = 0;
        for (let i = 0; i < 500; i++) call.write(noise(3000, i));
        call.on('data', (message: Buffer) => {
          received += message.length;
        });
        call.on('end', () => {
          call.write(Buffer.from(`received ${received}`));
          call.end();
        });
      },
    },
    run: ({ caller }) => {
      const { call, seen } = caller.bidi();
      for (let i = 0; i < 500; i++) call.write(noise(2000, i));
      call.end();
      return seen;
    },
    shows: 'received 1000000',
  },
  {
    name: 'a server that goes on long after the client has said its last',
    serve: {
      bidi: (call) => {
        call.on('end', async () => {
          for (let i = 0; i < 5; i++) {
            call.write(Buffer.from(`late ${i}`));
            await new Promise((resolve) => setTimeout(resolve, 30));
          }
          call.end();
        });
        call.resume();
      },
    },
    run: ({ caller }) => {
      const { call, seen } = caller.bidi();
      call.end();
      return seen;
    },
    shows: 'late 4',
  },
  {
    name: 'a client that goes on until it has heard what it waits for',
    serve: {
      bidi: (call) => {
        let count = 0;
        call.on('data', () => {
          if (++count === 20) call.write(Buffer.from('enough'));
        });
        call.on('end', () => call.end());
      },
    },
    run: async ({ caller }) => {
      const { call, seen } = caller.bidi();
      let enough = false;
      call.on('data', () => {
        enough = true;
      });
      for (let i = 0; i < 20; i++) call.write(Buffer.from(String(i)));
      await until(() => enough, 'the server has heard twenty messages before the half-close');
      call.end();
      return seen;
    },
    shows: 'enough',
  },
  {
    name: 'a thousand calls, one after the other',
    serve: { unary: (call, callback) => callback(null, call.request) },
    run: async ({ caller, application }) => {
      const messages: string[] = [];
      for (let i = 0; i < 1000; i++) messages.push(...(await caller.unary(Buffer.from(String(i))).seen).messages);
      const calls = application.served.splice(0).length;
      return { messages, calls };
    },
    shows: '"999"],"calls":1000',
  },
  {
    name: 'compressed messages',
    serve: {
      bidi: (call) => {
        const metadata = new Metadata();
        metadata.set('x-accepts', String(call.metadata.get('grpc-accept-encoding')));
        call.sendMetadata(metadata);
        call.on('data', (message: Buffer) => call.write(Buffer.from(digest(message))));
        call.on('end', () => call.end());
      },
    },
    run: async ({ port }) => {
      const caller = new Caller(port, { 'grpc.default_compression_algorithm': compressionAlgorithms.gzip });
      const { call, seen } = caller.bidi();
      for (let i = 0; i < 10; i++) call.write(Buffer.from(`${i} `.repeat(50_000)));
      call.write(noise(100_000));
      call.end();
      const all = await seen;
      caller.close();
      return all;
    },
    shows: digest(noise(100_000)),
  },
];
