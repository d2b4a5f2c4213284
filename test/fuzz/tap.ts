/**
 * Fuzzes the control port: what a proxy is asked, and what the control plane is answered. Nothing is thrown, problems are few and short, what is accepted is accepted again
 * as it is and within its bounds, and a filter that was accepted can be asked about anything.
 */
import { checkControlAnswer, checkControlQuestion } from '../../proxy-image/contract/control/check.ts';
import { checkTapEvent } from '../../proxy-image/contract/tap/check-event.ts';
import { checkTapQuestion } from '../../proxy-image/contract/tap/check-question.ts';
import { TAP_TEXT, type TapEvent } from '../../proxy-image/contract/tap/events.ts';
import { TAP_LIMITS, type TapQuestion } from '../../proxy-image/contract/tap/question.ts';
import { TapFilter } from '../../proxy-image/stack/control/tap/filter.ts';
import { runFromCommandLine } from './driver.ts';
import { Mutator } from './mutator.ts';

const QUESTION: TapQuestion = {
  direction: 'outbound',
  to: { labels: { namespace: 'shop', deployment: 'web' }, addresses: ['10.1.0.1'] },
  from: null,
  scheme: 'http',
  method: 'GET',
  authority: 'web.shop:80',
  path: '/a',
  maxRps: 100,
  share: 0.5,
  headers: true,
};
const FLOW = {
  id: 1,
  direction: 'inbound',
  src: { ip: '10.1.0.2', port: 40_000, identity: 'web.shop', labels: {} },
  dst: { ip: '10.1.0.1', port: 80, identity: '', labels: { pod: 'web-1' } },
  tls: 'true',
  route: { route: 'GET /a' },
} as const;
const HEADERS: [string, string][] = [['x', 'y']];
const EVENTS: readonly TapEvent[] = [
  { type: 'listening' },
  { type: 'missed', events: 3 },
  {
    type: 'request',
    ...FLOW,
    version: 'HTTP/1.1',
    scheme: 'http',
    method: 'GET',
    authority: 'a',
    path: '/',
    headers: HEADERS,
  },
  { type: 'response', ...FLOW, status: 200, latencyUs: 12, headers: HEADERS },
  {
    type: 'end',
    ...FLOW,
    durationUs: 5,
    totalUs: 9,
    status: 200,
    grpcStatus: 13,
    requestBytes: 1,
    responseBytes: 2,
    end: 'complete',
    resetCode: null,
    retries: 0,
    error: '',
  },
  { type: 'opened', ...FLOW },
  { type: 'closed', ...FLOW, durationUs: 1, sentBytes: 2, receivedBytes: 3, error: '' },
];

export interface FuzzInput {
  /** JSON texts. */
  envelope: string;
  question: string;
  event: string;
}

export class Fuzzer {
  readonly #mutator: Mutator;

  constructor(seed: number) {
    this.#mutator = new Mutator(seed);
  }

  next(): FuzzInput {
    const event = this.#mutator.pick(EVENTS);
    const envelope = this.#mutator.pick([
      { type: 'ask', version: 1, verb: 'tap', about: QUESTION },
      { type: 'tell', item: event },
      { type: 'refused', reason: 'busy', problems: ['x'] },
    ]);
    return {
      envelope: this.#mutator.json(envelope, 3),
      question: this.#mutator.json(QUESTION, 3),
      event: this.#mutator.json(event, 3),
    };
  }
}

export function check({ envelope, question, event }: FuzzInput): void {
  checkEnvelope(JSON.parse(envelope));
  const asked = checkTapQuestion(JSON.parse(question));
  if ('problems' in asked) few(asked.problems);
  else checkQuestion(asked.question);
  const told = checkTapEvent(JSON.parse(event));
  if ('problem' in told) few([told.problem]);
  else if (told.event !== null) checkEvent(told.event);
}

function few(problems: readonly string[]): void {
  if (problems.length === 0 || problems.length > 20 || problems.some((problem) => problem === ''))
    throw new Error(`problems that say nothing, or too much: ${problems.length}`);
}

function checkEnvelope(value: unknown): void {
  const asked = checkControlQuestion(value);
  if ('problem' in asked) few([asked.problem]);
  const answered = checkControlAnswer(value);
  if ('problem' in answered) few([answered.problem]);
  else if (answered.answer.type === 'refused' && answered.answer.problems.length > 20) throw new Error('many problems');
}

function checkQuestion(question: TapQuestion): void {
  const again = checkTapQuestion(JSON.parse(JSON.stringify(question)));
  if (JSON.stringify(again) !== JSON.stringify({ question })) throw new Error('not accepted as it is');
  const { maxRps, share, to, from } = question;
  if (!(maxRps >= 1 && maxRps <= TAP_LIMITS.mostRps && share > 0 && share <= 1)) throw new Error('no bounds');
  if (to === null && from === null) return;
  const filter = new TapFilter(question);
  if (to !== null && filter.takesPeer('outbound', 'nowhere', {})) throw new Error('a peer that nobody asked for');
  if (from !== null && filter.takesPeer('inbound', 'nowhere', {})) throw new Error('a client that nobody asked for');
}

function checkEvent(event: TapEvent): void {
  const again = checkTapEvent(JSON.parse(JSON.stringify(event)));
  if (JSON.stringify(again) !== JSON.stringify({ event })) throw new Error('not accepted as it is');
  const longest = JSON.stringify(event)
    .match(/"(?:[^"\\]|\\.)*"/g)!
    .map((text) => (JSON.parse(text) as string).length);
  if (Math.max(...longest) > TAP_TEXT.length) throw new Error('a text without bounds');
}

if (import.meta.main) runFromCommandLine('tap', (seed) => new Fuzzer(seed), check);
