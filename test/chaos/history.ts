import { randomOf } from '../support/random.ts';
import { type Dice, diceOf, type Written, written } from './objects.ts';
import type { Weather } from './weather.ts';

/** What goes wrong between an operator and the API server, for a while. */
export interface Squall {
  name: string;
  weather: Partial<Weather>;
  forMs: number;
}

/** What happens to the API server, its store, or to an operator itself. */
export type Blow =
  | { type: 'cut' | 'expire' }
  | { type: 'clock'; byMs: number }
  /** It ends without a word, and another one starts. */
  | { type: 'kill' }
  /** It is asked to end, and another one starts. */
  | { type: 'replace' };

export type Disaster =
  | { type: 'apiServerPaused' | 'etcdPaused' | 'etcdFull'; forMs: number }
  | { type: 'compacted' }
  | { type: 'apiServerRestarted' };

export type Step =
  | { do: 'write'; what: Written }
  /** Of those that are there, counted from the oldest; nothing where there is none. */
  | { do: 'delete'; which: number }
  | { do: 'pause'; forMs: number }
  /** `at`: which operator, by its place; -1: all of them. */
  | { do: 'squall'; at: number; squall: Squall }
  | { do: 'blow'; at: number; blow: Blow }
  | { do: 'disaster'; disaster: Disaster };

export interface History {
  seed: number;
  steps: readonly Step[];
}

/** With two operators these histories have, together, each kind of fault. */
export const EVERY_FAULT: readonly number[] = [5, 25, 26, 32, 206, 307, 1087];

const MIN_WRITES = 12;
const MORE_WRITES = 24;

/** The same seed is the same history, whatever comes of it on a machine that is fast or slow. */
export function historyOf(seed: number, operators: number): History {
  const dice = diceOf(randomOf(seed));
  const steps: Step[] = [];
  const writes = MIN_WRITES + dice.below(MORE_WRITES);
  const faults = 1 + dice.below(4);
  const faultsAt = new Set(Array.from({ length: faults }, () => dice.below(writes)));
  for (let turn = 0; turn < writes; turn++) {
    if (faultsAt.has(turn)) steps.push(faultOf(dice, operators));
    steps.push(dice.below(4) === 0 ? { do: 'delete', which: dice.below(50) } : { do: 'write', what: written(dice) });
    if (dice.below(4) === 0) steps.push({ do: 'pause', forMs: dice.below(60) });
  }
  return { seed, steps };
}

function faultOf(dice: Dice, operators: number): Step {
  const at = dice.below(operators + 1) - 1;
  const kind = dice.below(20);
  if (kind < 12) return { do: 'squall', at, squall: squallOf(dice) };
  if (kind < 18) return { do: 'blow', at: Math.max(0, at), blow: blowOf(dice) };
  return { do: 'disaster', disaster: disasterOf(dice) };
}

function squallOf(dice: Dice): Squall {
  const forMs = 50 + dice.below(500);
  const share = 0.2 + dice.below(8) / 10;
  const statuses = [410, 429, 429, 500, 503];
  const [name, weather] = dice.of<[string, Partial<Weather>]>([
    ['latency', { latencyMs: 5 + dice.below(150) }],
    ['slow lists', { listLatencyMs: 50 + dice.below(400) }],
    ['refusing', { refusing: true }],
    ['silent', { silent: true }],
    ['statuses', { refused: share, refusal: { status: dice.of(statuses), retryAfterSeconds: dice.below(2) } }],
    ['cut answers', { cut: share }],
    ['truncated answers', { truncated: share }],
    ['duplicates', { duplicating: true }],
    ['no bookmarks', { withoutBookmarks: true }],
    ['all at once', { latencyMs: dice.below(30), refused: 0.2, cut: 0.2, truncated: 0.2, duplicating: true }],
  ]);
  return { name, weather, forMs };
}

function blowOf(dice: Dice): Blow {
  const kind = dice.below(12);
  if (kind < 3) return { type: 'cut' };
  if (kind < 6) return { type: 'expire' };
  if (kind < 9)
    return { type: 'clock', byMs: (dice.below(2) === 0 ? -1 : 1) * dice.of([3_000, 60_000, 6 * 3_600_000]) };
  return kind < 11 ? { type: 'kill' } : { type: 'replace' };
}

function disasterOf(dice: Dice): Disaster {
  const kind = dice.below(16);
  if (kind < 1) return { type: 'apiServerRestarted' };
  if (kind < 6) return { type: 'compacted' };
  const forMs = 100 + dice.below(600);
  if (kind < 9) return { type: 'etcdFull', forMs };
  return { type: kind < 12 ? 'etcdPaused' : 'apiServerPaused', forMs };
}

/** The kinds of its faults. */
export function faultsIn({ steps }: History): Set<string> {
  const kinds = steps.map((step) => {
    if (step.do === 'squall') return `${step.squall.name} ${step.squall.weather.refusal?.status ?? ''}`.trim();
    if (step.do === 'blow') return step.blow.type;
    return step.do === 'disaster' ? step.disaster.type : '';
  });
  return new Set(kinds.filter((kind) => kind !== ''));
}

/** A history as a person reads it. */
export function told({ seed, steps }: History): string {
  return [`seed ${seed}:`, ...steps.map((step, at) => `  ${at}. ${stepTold(step)}`)].join('\n');
}

function stepTold(step: Step): string {
  switch (step.do) {
    case 'write':
      return `write ${step.what.row.plural} ${step.what.name} ${JSON.stringify(step.what.content)}`;
    case 'delete':
      return `delete ${step.which}`;
    case 'pause':
      return `pause ${step.forMs} ms`;
    case 'squall':
      return `operator ${step.at}: ${JSON.stringify(step.squall)}`;
    case 'blow':
      return `operator ${step.at}: ${JSON.stringify(step.blow)}`;
    case 'disaster':
      return JSON.stringify(step.disaster);
  }
}
