import type { RouteExpectation, RouteRow } from '../support/routes/row.ts';
import { type Answer, type Ask, BEHAVIOUR, type Behaviour } from './app/contract.ts';
import { inWords, type Question, type Verdict } from './row.ts';

/** A server says nothing, or goes on, for so long after it should have been given up. */
const BEYOND_MS = 2_000;
/** Long for a request that nothing limits. */
const LONG_MS = 3_000;
/** Clients wait for so long after the server would have answered. */
const SLACK_MS = 10_000;
/** Of a body that comes slowly; far below every `idle` of the rows. */
const PAUSE_MS = 250;
/** Timers of two processes that are compared. */
const EARLY_MS = 5;
const GATEWAY_TIMEOUT = 504;
const DEADLINE_EXCEEDED = 4;
/** Statuses by which it is seen that what is not named is not tried again: of HTTP one of these is free in every row. */
const NOT_NAMED = { http: [503, 504, 429], grpc: [13] };

type Kind = Ask['kind'];
/** What is done to the base of a row's questions. */
interface Case {
  what: string;
  behaviour: Behaviour;
  /** Until the server would have answered. */
  serverMs: number;
  judge(answer: Answer, attempts: number): Verdict;
}

/** Whether what a row says is seen only at a Service that is slow or fails. */
export function isOfTimes({ timeouts, retry }: RouteExpectation): boolean {
  return timeouts !== undefined || retry !== undefined;
}

/** What a row says of times and retries, as questions beside the one of where its requests go; over HTTP/1 and HTTP/2, or gRPC. */
export function questionsOfTimes({ expect, request }: RouteRow, base: Question): Question[] {
  const kinds: readonly Kind[] = request.grpc === true ? ['grpc'] : ['http', 'http2'];
  return kinds.flatMap((kind) =>
    [...ofTimeouts(expect, kind), ...ofRetries(expect, kind)].map((one) => question(one, kind, expect, base)),
  );
}

function question({ what, behaviour, serverMs, judge }: Case, kind: Kind, expect: RouteExpectation, base: Question) {
  const { ask } = base;
  const headers = [...ask.headers, [BEHAVIOUR, JSON.stringify(behaviour)] as const];
  return {
    ...base,
    ask: { ...ask, kind, headers, timeoutMs: serverMs + SLACK_MS },
    expected: `${kind}: ${what}`,
    counted: true,
    judge: ([answer]: readonly Answer[], counts: Readonly<Record<string, number>>) =>
      judge(answer!, counts[expect.backend!] ?? 0),
  };
}

const shortest = (...limits: readonly number[]): number => Math.min(...limits.filter((ms) => ms > 0));

function ofTimeouts({ timeouts, retry }: RouteExpectation, kind: Kind): Case[] {
  if (timeouts === undefined) return [];
  const { requestMs = 0, attemptMs = 0, responseMs = 0, idleMs = 0 } = timeouts;
  // An attempt that has no answer in its time is tried again, for as long as there is time for the whole.
  const isTriedAgain = attemptMs > 0 && (retry?.limit ?? 0) > 0;
  const ofSilence = shortest(requestMs, responseMs, idleMs, isTriedAgain ? 0 : attemptMs);
  const ofBytes = shortest(requestMs, responseMs, attemptMs);
  const attempts = isTriedAgain ? Math.ceil(requestMs / (2 * attemptMs)) : 1;
  const cases = Number.isFinite(ofSilence) ? [silent(ofSilence, attempts, isTriedAgain, kind)] : [slow()];
  if (Number.isFinite(ofBytes)) {
    const bytes = Math.ceil((ofBytes + BEYOND_MS) / PAUSE_MS);
    cases.push(brokenOff('that is still coming', { bytes, pauseMs: PAUSE_MS }, ofBytes, kind));
  }
  if (idleMs > 0 && ofBytes > idleMs)
    cases.push(brokenOff('that stops after a byte', { bytes: 1, pauseMs: idleMs + BEYOND_MS }, idleMs, kind));
  if (idleMs > 0 && ofBytes > 1.5 * idleMs) cases.push(neverIdle(idleMs));
  return cases;
}

function silent(limitMs: number, least: number, isTriedAgain: boolean, kind: Kind): Case {
  const silentMs = limitMs + BEYOND_MS;
  const many = isTriedAgain ? `at least ${least} attempts` : 'one attempt';
  return {
    what: `where the server is silent, ${kind === 'grpc' ? 'DEADLINE_EXCEEDED' : GATEWAY_TIMEOUT} after ${limitMs} ms and ${many}`,
    behaviour: { silentMs },
    serverMs: silentMs,
    judge(answer, attempts) {
      const isTold = kind === 'grpc' ? answer.grpcStatus === DEADLINE_EXCEEDED : answer.status === GATEWAY_TIMEOUT;
      const isByProxy = answer.error === '' && answer.seen === null && isTold;
      const isInTime = answer.ms >= limitMs - EARLY_MS && answer.ms < silentMs;
      const isRightOften = isTriedAgain ? attempts >= least : attempts === 1;
      return { holds: isByProxy && isInTime && isRightOften, measured: timed(answer, attempts) };
    },
  };
}

/** Only clients of gRPC can be told once a response has begun. */
function brokenOff(which: string, drip: NonNullable<Behaviour['drip']>, limitMs: number, kind: Kind): Case {
  const serverMs = drip.bytes * drip.pauseMs;
  return {
    what: `a response ${which} is broken off after ${limitMs} ms`,
    behaviour: { drip },
    serverMs,
    judge(answer, attempts) {
      const isTold = kind === 'grpc' && answer.grpcStatus === DEADLINE_EXCEEDED && answer.seen === null;
      const isBroken = answer.status === 200 && (isTold || answer.error !== '');
      const isInTime = answer.ms >= limitMs - EARLY_MS && answer.ms < serverMs;
      return { holds: isBroken && isInTime && attempts === 1, measured: timed(answer, attempts) };
    },
  };
}

function neverIdle(idleMs: number): Case {
  const bytes = Math.ceil((1.5 * idleMs) / PAUSE_MS);
  return {
    what: `a response that takes ${bytes * PAUSE_MS} ms comes whole, for it is never idle`,
    behaviour: { drip: { bytes, pauseMs: PAUSE_MS } },
    serverMs: bytes * PAUSE_MS,
    judge: (answer, attempts) => ({
      holds: isWhole(answer) && answer.ms >= bytes * PAUSE_MS - EARLY_MS,
      measured: timed(answer, attempts),
    }),
  };
}

function slow(): Case {
  return {
    what: `an answer after ${LONG_MS} ms`,
    behaviour: { silentMs: LONG_MS },
    serverMs: LONG_MS,
    judge: (answer, attempts) => ({
      holds: isWhole(answer) && answer.ms >= LONG_MS - EARLY_MS,
      measured: timed(answer, attempts),
    }),
  };
}

function ofRetries({ retry }: RouteExpectation, kind: Kind): Case[] {
  if (retry === undefined) return [];
  if (retry === null) return [lasting(NOT_NAMED.http[0]!, 1, kind)];
  const { http = [], grpc = [], limit = 0, backoffMs = 0 } = retry;
  const named = new Set(kind === 'grpc' ? grpc : http.flat());
  const isNamed = (status: number) =>
    kind === 'grpc' ? grpc.includes(status) : http.some(([min, max]) => min <= status && status <= max);
  const other = (kind === 'grpc' ? NOT_NAMED.grpc : NOT_NAMED.http).find((status) => !isNamed(status))!;
  return [
    ...[...named].flatMap((status) => [passing(status, limit, backoffMs), lasting(status, limit + 1, kind)]),
    lasting(other, 1, kind),
  ];
}

/** As many failures as there are retries. */
function passing(status: number, limit: number, pauseMs: number): Case {
  return {
    what: `where ${limit} attempts end with ${status}, the answer of the next${pauseMs > 0 ? `, after ${pauseMs} ms at least` : ''}`,
    behaviour: { fail: { first: limit, status } },
    serverMs: 0,
    judge: (answer, attempts) => ({
      holds: isWhole(answer) && attempts === limit + 1 && answer.ms >= pauseMs - EARLY_MS,
      measured: timed(answer, attempts),
    }),
  };
}

/** Every attempt fails. */
function lasting(status: number, allowed: number, kind: Kind): Case {
  return {
    what: `where all end with ${status}, that after ${allowed === 1 ? 'one attempt' : `${allowed} attempts`}`,
    behaviour: { fail: { first: Number.MAX_SAFE_INTEGER, status } },
    serverMs: 0,
    judge(answer, attempts) {
      const isPassedOn =
        kind === 'grpc' ? answer.grpcStatus === status : answer.status === status && answer.seen !== null;
      return { holds: answer.error === '' && isPassedOn && attempts === allowed, measured: timed(answer, attempts) };
    },
  };
}

const isWhole = ({ error, seen, status, grpcStatus }: Answer): boolean =>
  error === '' && seen !== null && status === 200 && grpcStatus <= 0;

function timed(answer: Answer, attempts: number): string {
  return `${inWords(answer)}, after ${answer.ms.toFixed(0)} ms and ${attempts} attempts`;
}
