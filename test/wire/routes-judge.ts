import type { RouteExpectation } from '../support/routes/row.ts';
import type { Answer } from './app/contract.ts';
import { inWords, type Verdict } from './row.ts';

/** Standard deviations that a share may be off: of a thousand shares that are right one in ten thousand is further off. */
const DEVIATIONS = 4.5;
const INVALID = 'invalid';

/** What a client, and the server that answered it, have seen, against what a row expects. */
export function judgeRoute(
  expect: RouteExpectation,
  isGrpc: boolean,
  answers: readonly Answer[],
  copies: Readonly<Record<string, number>>,
): Verdict {
  const first = answers[0]!;
  const wrong = expect.shares === undefined ? ofOne(expect, isGrpc, first) : ofShares(expect, isGrpc, answers);
  for (const [name, percent] of Object.entries(expect.mirrors ?? {}))
    wrong.push(...shareOff(`copies to ${name}`, copies[name] ?? 0, answers.length, percent));
  for (const [name, count] of Object.entries(copies))
    if (name !== expect.backend && expect.mirrors?.[name] === undefined) wrong.push(`${count} copies to ${name}`);
  const seen = expect.shares === undefined ? inWords(first) : tallied(answers, expect, isGrpc);
  return { holds: wrong.length === 0, measured: [seen, ...wrong].join('; ') };
}

function ofOne(expect: RouteExpectation, isGrpc: boolean, answer: Answer): string[] {
  const wrong: string[] = [];
  const compare = (what: string, expected: unknown, measured: unknown) => {
    if (expected !== undefined && expected !== measured) wrong.push(`${what} is ${String(measured)}`);
  };
  if (answer.error !== '') wrong.push(answer.error);
  compare('the Service that answers', expect.backend ?? null, answer.seen?.name ?? null);
  if (isGrpc) compare('grpc-status', expect.grpcStatus ?? 0, answer.grpcStatus);
  else compare('the status', expect.status ?? 200, answer.status);
  compare('Location', expect.location, answer.headers['location']);
  compare('the target seen', expect.target, answer.seen?.target);
  compare('the host seen', expect.host, answer.seen?.host);
  for (const [name, value] of Object.entries(expect.requestHeaders ?? {}))
    compare(`${name} seen`, value, joined(answer.seen?.headers[name]));
  for (const [name, value] of Object.entries(expect.responseHeaders ?? {}))
    compare(`${name} of the response`, value, joined(answer.headers[name]));
  if (answer.ms < (expect.delayMs ?? 0)) wrong.push(`after ${answer.ms.toFixed(0)} ms`);
  return wrong;
}

/** Blanks behind commas have no meaning (RFC 9110 §5.6.1). */
const joined = (value: string | undefined): string | null => value?.replaceAll(/,\s+/g, ',') ?? null;

function ofShares(expect: RouteExpectation, isGrpc: boolean, answers: readonly Answer[]): string[] {
  const tally = tallyOf(answers, expect, isGrpc);
  const names = new Set([...Object.keys(expect.shares ?? {}), ...tally.keys()]);
  return [...names].flatMap((name) => shareOff(name, tally.get(name) ?? 0, answers.length, expect.shares?.[name] ?? 0));
}

/** Empty, or what is wrong with it. */
function shareOff(what: string, count: number, of: number, percent: number): string[] {
  const share = percent / 100;
  const tolerance = DEVIATIONS * Math.sqrt((share * (1 - share)) / of);
  return Math.abs(count / of - share) <= tolerance ? [] : [`${what}: ${count} of ${of} instead of ${percent} %`];
}

function tallyOf(answers: readonly Answer[], expect: RouteExpectation, isGrpc: boolean): Map<string, number> {
  const tally = new Map<string, number>();
  for (const answer of answers) {
    const isInvalid = isGrpc
      ? answer.grpcStatus === expect.grpcStatus
      : answer.seen === null && answer.status === expect.status;
    const name = answer.seen?.name ?? (isInvalid ? INVALID : inWords(answer));
    tally.set(name, (tally.get(name) ?? 0) + 1);
  }
  return tally;
}

function tallied(answers: readonly Answer[], expect: RouteExpectation, isGrpc: boolean): string {
  const tally = tallyOf(answers, expect, isGrpc);
  return [...tally].map(([name, count]) => `${name} ${((100 * count) / answers.length).toFixed(0)} %`).join(', ');
}
