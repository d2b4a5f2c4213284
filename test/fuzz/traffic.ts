/**
 * Fuzzes live numbers: reports of proxies, and parts of answers of other replicas. Nothing is thrown, problems do not flood the log, what is accepted is accepted
 * again as it is, the window counts what it took and never more than its bounds, and it is empty again when its time is over.
 */
import { BY } from '../../crds/viz/dimensions.ts';
import { mergeParts, partOf } from '../../operator/viz/window/part.ts';
import { TrafficWindow } from '../../operator/viz/window/traffic-window.ts';
import { checkTrafficReport, readTrafficRequest } from '../../proxy-image/contract/traffic/check.ts';
import { COUNTER, FIRST_BUCKET } from '../../proxy-image/contract/traffic/counters.ts';
import { CALLS_BOOKS, reporter, SLOT_MS, START_MS } from '../unit/viz/fixtures.ts';
import { runFromCommandLine } from './driver.ts';
import { Mutator } from './mutator.ts';

const MIB = 1024 * 1024;
const LIMITS = { windowMs: 6 * SLOT_MS, slotMs: SLOT_MS, maxSeries: 12, maxCountBytes: MIB, maxTextBytes: 8 * 1024 };

const REPORTS: readonly unknown[] = [1, 2, 3].map((seq) => ({
  type: 'traffic',
  version: 1,
  run: 'r',
  seq,
  overMs: 12_345,
  agoMs: seq * 100,
  declared: [
    [6, CALLS_BOOKS],
    [7, { direction: 'inbound', counted: 'connections', peerIdentity: 'web.shop' }],
    [8, null],
  ],
  changed: [
    [6, COUNTER.success, 70_000, COUNTER.failure, 1, FIRST_BUCKET + 3, 10],
    [7, COUNTER.open, 4, COUNTER.readBytes, 2 ** 40],
    [0, COUNTER.denied, 2],
  ],
}));
const PART = {
  version: 1,
  replica: 'b',
  by: BY.workload,
  groups: [{ labels: ['shop', 'Deployment', 'web'], numbers: [0, 7, 39, 1, 40, 60_000] }],
};

export interface FuzzInput {
  /** JSON texts. */
  reports: string[];
  part: string;
}

export class Fuzzer {
  readonly #mutator: Mutator;

  constructor(seed: number) {
    this.#mutator = new Mutator(seed);
  }

  next(): FuzzInput {
    const reports = Array.from({ length: 4 }, () => this.#mutator.json(this.#mutator.pick(REPORTS), 4));
    return { reports, part: this.#mutator.json(PART, 3) };
  }
}

export function check({ reports, part }: FuzzInput): void {
  const window = new TrafficWindow(LIMITS);
  const empty = window.figures();
  const stream = window.connected(reporter('web'));
  let nowMs = START_MS;
  for (const text of reports) {
    const message: unknown = JSON.parse(text);
    readTrafficRequest(message);
    const { report, problems } = checkTrafficReport(message);
    if (problems.length > 20 || problems.some((problem) => problem === '' || problem.length > 300)) {
      throw new Error('problems that flood the log');
    }
    nowMs += 7_000;
    if (report === null) continue;
    const again = checkTrafficReport(JSON.parse(JSON.stringify(report)));
    if (JSON.stringify(again) !== JSON.stringify({ report, problems: [] })) throw new Error('not accepted as it is');
    stream.take(report, nowMs);
  }
  checkAnswer(window, part, nowMs);
  if (window.figures().bytes > empty.bytes + MIB) throw new Error('more than there is room for');
  stream.close();
  window.sweep(nowMs + LIMITS.windowMs + SLOT_MS, 1);
  const { proxies, series, texts } = window.figures();
  if (proxies !== 0 || series !== empty.series || texts !== empty.texts) throw new Error('something is left');
}

function checkAnswer(window: TrafficWindow, part: string, nowMs: number): void {
  const groups = window.query({ by: BY.workload, where: {}, lastMs: LIMITS.windowMs }, nowMs);
  const own = partOf('a', BY.workload, groups);
  const merged = mergeParts(['a', 'b'], BY.workload, [JSON.parse(part), JSON.parse(JSON.stringify(own))]);
  if (merged.missing.includes('a')) throw new Error('the own part is missing');
  for (const { sum } of merged.groups) {
    const rates = [sum.successRate ?? 0, sum.requestRate ?? 0, sum.latencyMs(0.99) ?? 0, sum.seconds];
    if (!rates.every((rate) => Number.isFinite(rate) && rate >= 0)) throw new Error(`no rates: ${rates.join(', ')}`);
    if ((sum.successRate ?? 0) > 1) throw new Error('more than all have succeeded');
  }
}

if (import.meta.main) runFromCommandLine('traffic', (seed) => new Fuzzer(seed), check);
