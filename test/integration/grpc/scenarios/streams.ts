import type { StatusObject } from '@grpc/grpc-js';
import { until } from '../../transport/recorder.ts';
import { Caller } from '../calls.ts';
import type { Scenario } from '../scenario.ts';
import { type Ending, endingOf } from '../transcript.ts';

/** A channel is one connection, and no peer has to let more than a hundred streams through at a time (RFC 9113 section 6.5.2). */
const CHANNELS = 100;
const STREAMS_PER_CHANNEL = 100;
const STREAMS = CHANNELS * STREAMS_PER_CHANNEL;
const LIMIT_MS = 60_000;

export const STREAMS_AT_ONCE: Scenario = {
  name: '10,000 streams open at the same time',
  serve: {
    bidi: (call) => {
      call.on('data', (message: Buffer) => call.write(message));
      call.on('end', () => call.end());
    },
  },
  run: async ({ port, application }) => {
    const callers = Array.from({ length: CHANNELS }, () => new Caller(port));
    let answered = 0;
    const early: Ending[] = [];
    const calls = callers.flatMap((caller, channel) =>
      Array.from({ length: STREAMS_PER_CHANNEL }, (_, stream) => {
        const one = caller.bidi();
        one.call.on('data', () => {
          answered++;
        });
        one.call.on('status', (status: StatusObject) => early.push(endingOf(status)));
        one.call.write(Buffer.from(`${channel}/${stream}`));
        return one;
      }),
    );
    const held = (): boolean => answered === STREAMS || early.length > 0;
    await until(held, `an answer on each of ${STREAMS} open streams`, LIMIT_MS);
    if (early.length > 0) throw new Error(`${early.length} ended by themselves, ${JSON.stringify(early[0])}`);
    const served = application.served.splice(0).length;
    for (const { call } of calls) {
      call.write(Buffer.from('last'));
      call.end();
    }
    const seen = await Promise.all(calls.map((one) => one.seen));
    for (const caller of callers) caller.close();
    return { served, seen };
  },
  shows: '"served":10000',
};
