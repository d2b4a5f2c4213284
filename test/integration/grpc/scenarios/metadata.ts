import { Metadata } from '@grpc/grpc-js';
import { until } from '../../transport/recorder.ts';
import type { Scenario } from '../scenario.ts';
import { noise } from '../transcript.ts';

const EVERY_OCTET = Buffer.from(Array.from({ length: 256 }, (_, octet) => octet));

function metadata(entries: readonly (readonly [string, string | Buffer])[]): Metadata {
  const all = new Metadata();
  for (const [name, value] of entries) all.add(name, value);
  return all;
}

/** Just below 64 KiB in all, 16 KiB in one field: the usual limits of proxies. Node's own HTTP/2 takes no more than 128 fields. */
const LARGE = metadata([
  ['x-large', 'v'.repeat(15_000)],
  ...Array.from({ length: 3 }, (_, i) => [`x-big-${i}`, `${i}`.repeat(8000)] as const),
  ...Array.from({ length: 80 }, (_, i) => [`x-many-${i}`, `value ${i}`] as const),
]);

export const METADATA: Scenario[] = [
  {
    name: 'metadata of the request: printable ASCII, repeated, empty, binary',
    serve: { unary: (_, callback) => callback(null, Buffer.from('seen')) },
    run: ({ caller }) =>
      caller.unary(
        Buffer.from('ask'),
        metadata([
          ['x-text', ' !"#$%&\'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~'.trim()],
          ['x-repeated', 'first'],
          ['x-repeated', 'second'],
          ['x-repeated', 'first'],
          ['x-empty', ''],
          ['x-octets-bin', EVERY_OCTET],
          ['x-repeated-bin', Buffer.from([0])],
          ['x-repeated-bin', Buffer.from([0, 255])],
          ['x-none-bin', Buffer.alloc(0)],
          ['authorization', 'Bearer of.a.token'],
          ['x-a_b.c-9', 'every kind of character that a name may have'],
        ]),
      ).seen,
    shows: `base64:${EVERY_OCTET.toString('base64')}`,
  },
  {
    name: 'initial and trailing metadata of the answer',
    serve: {
      unary: (call, callback) => {
        call.sendMetadata(
          metadata([
            ['x-initial', 'one'],
            ['x-initial', 'two'],
            ['x-initial-bin', EVERY_OCTET],
          ]),
        );
        const trailer = metadata([
          ['x-trailer', 'three'],
          ['x-trailer', 'four'],
          ['x-trailer-bin', noise(500)],
          ['x-empty', ''],
        ]);
        callback(null, Buffer.from('answer'), trailer);
      },
    },
    run: ({ caller }) => caller.unary(Buffer.from('ask')).seen,
    shows: `base64:${noise(500).toString('base64')}`,
  },
  {
    name: 'initial metadata before any message',
    serve: {
      bidi: (call) => {
        call.sendMetadata(metadata([['x-initial', 'early']]));
        call.on('data', (message: Buffer) => call.write(message));
        call.on('end', () => call.end(metadata([['x-trailer', 'late']])));
      },
    },
    run: async ({ caller }) => {
      const { call, seen } = caller.bidi();
      let early = false;
      call.on('metadata', () => {
        early = true;
      });
      await until(() => early, 'initial metadata while neither side has sent a message');
      call.write(Buffer.from('now'));
      call.end();
      return seen;
    },
    shows: 'early',
  },
  {
    name: 'metadata near the limits, there and back',
    serve: {
      unary: (call, callback) => {
        call.sendMetadata(LARGE);
        callback(null, Buffer.from('answer'), LARGE);
      },
    },
    run: ({ caller }) => caller.unary(Buffer.from('ask'), LARGE).seen,
    shows: 'v'.repeat(15_000),
  },
  {
    name: 'metadata that changes with every call',
    serve: { unary: (call, callback) => callback(null, call.request, call.metadata.clone()) },
    run: async ({ caller }) => {
      const all = [];
      for (let i = 0; i < 200; i++) {
        const changing = metadata([
          ['x-request-id', `id-${i * 7919}`],
          ['x-octets-bin', noise(i, i)],
        ]);
        all.push(await caller.unary(Buffer.from('ask'), changing).seen);
      }
      return all;
    },
    shows: `id-${199 * 7919}`,
  },
];
