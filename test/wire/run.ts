import { randomUUID } from 'node:crypto';
import { sleep } from '../../hack/demo/shell.ts';
import { TAG } from './app/contract.ts';
import { each, type Objects } from './cluster.ts';
import type { Asking } from './pod.ts';
import type { Question, Verdict, WireRow } from './row.ts';
import { CLIENTS, TARGETS } from './world.ts';

export interface Judged {
  row: WireRow;
  answers: (Verdict & { expected: string; afterMs: number })[];
}

/** From the last object's creation until every row must hold. */
const LIMIT_MS = 20_000;
const AGAIN_MS = 500;
/** Questions at the same time; more would only wait for one another on a small machine. */
const AT_ONCE = 12;

export class Run {
  readonly #objects: Objects;
  readonly #pods: ReadonlyMap<string, Asking>;
  readonly #say: (text: string) => void;
  #addresses = new Map<string, string>();

  constructor(objects: Objects, pods: ReadonlyMap<string, Asking>, say: (text: string) => void) {
    this.#objects = objects;
    this.#pods = pods;
    this.#say = say;
  }

  /** All rows at once: each is asked until it holds or the time is over, and then, all of them being there, once more. */
  async of(rows: readonly WireRow[], services: readonly object[]): Promise<Judged[]> {
    const refused = await this.#create(rows, services);
    const createdMs = performance.now();
    const judged = rows.map((row): Judged => ({ row, answers: row.questions.map(() => UNASKED) }));
    const questions = judged.flatMap(({ row }, at) =>
      row.questions.map((question, index) => ({ at, index, question })),
    );
    for (const { row, answers } of judged) {
      const why = row.objects.flat().flatMap((object) => refused.get(object) ?? []);
      if (why.length + row.refused.length > 0) answers.fill(ofRefusal(row, why.join('; ')));
    }
    const asked = questions.filter(({ at, index }) => judged[at]!.answers[index] === UNASKED);
    await each(asked, AT_ONCE, async ({ at, index, question }) => {
      judged[at]!.answers[index] = await this.#until(question, createdMs);
    });
    this.#say('every row was asked until it held');
    const held = asked.filter(({ at, index }) => judged[at]!.answers[index]!.holds);
    await each(held, AT_ONCE, async ({ at, index, question }) => {
      const verdict = await this.#asked(question);
      if (!verdict.holds)
        Object.assign(judged[at]!.answers[index]!, verdict, { measured: `${verdict.measured} (later)` });
    });
    this.#say('and once more');
    return judged;
  }

  async #create(rows: readonly WireRow[], services: readonly object[]): Promise<Map<object, string>> {
    const depth = Math.max(1, ...rows.map(({ objects }) => objects.length));
    const apart = new Set(rows.flatMap(({ oneAge }) => oneAge));
    const lists = Array.from({ length: depth }, (_, index) =>
      rows.flatMap(({ objects }) => objects[index] ?? []).filter((object) => !apart.has(object)),
    );
    lists[0]!.push(...services);
    const refused = await this.#objects.create(lists);
    for (const { oneAge } of rows) if (oneAge.length > 0) await this.#objects.createOfOneAge(oneAge);
    this.#addresses = await this.#objects.serviceAddresses();
    this.#say(`${lists.flat().length + apart.size} objects are there, ${refused.size} were refused`);
    return refused;
  }

  async #until(question: Question, createdMs: number): Promise<Judged['answers'][number]> {
    for (;;) {
      const verdict = await this.#asked(question);
      const afterMs = performance.now() - createdMs;
      if (verdict.holds || afterMs > LIMIT_MS) return { ...verdict, expected: question.expected, afterMs };
      await sleep(AGAIN_MS);
    }
  }

  async #asked(question: Question): Promise<Verdict> {
    const { client, service, ask } = question;
    const ip = this.#addresses.get(`${service.namespace}/${service.name}`);
    if (ip === undefined) return { holds: false, measured: `no Service ${service.namespace}/${service.name}` };
    const pod = this.#pods.get(CLIENTS[client].pod)!;
    const tag = randomUUID();
    const headers = question.counted ? [...ask.headers, [TAG, tag] as const] : ask.headers;
    try {
      const { answers } = await pod.ask({ ...ask, headers, ip });
      return question.judge(answers, question.counted ? await this.#countsOf(tag) : {});
    } catch (error) {
      return { holds: false, measured: error instanceof Error ? error.message : String(error) };
    }
  }

  /** Requests with this tag that the targets have counted; copies, and attempts that should not be, may come a little after the answers. */
  async #countsOf(tag: string): Promise<Record<string, number>> {
    await sleep(AGAIN_MS);
    const counting = Object.keys(TARGETS).map((name) => this.#pods.get(name)!.ask({ ...COUNTS, target: tag }));
    const counts: Record<string, number> = {};
    for (const told of await Promise.all(counting))
      for (const [name, count] of Object.entries(told.counts)) counts[name] = (counts[name] ?? 0) + count;
    return counts;
  }
}

const COUNTS = { kind: 'counts', ip: '', port: 0, method: '', headers: [], count: 0, timeoutMs: 0 } as const;

function ofRefusal({ refused, questions }: WireRow, why: string): Judged['answers'][number] {
  const expected = refused === '' ? (questions[0]?.expected ?? '') : `refused by the API server: ${refused}`;
  const measured = why === '' ? 'taken by the API server' : `refused by the API server: ${why}`;
  return { expected, measured, holds: refused !== '' && why.includes(refused), afterMs: 0 };
}

const UNASKED = { holds: false, measured: '', expected: '', afterMs: 0 };
