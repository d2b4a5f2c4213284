import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { sum } from '../distribution.ts';
import type { Arrival, Cast, Command, Figures, Report, Role } from './protocol.ts';

const ANSWER_MS = 30_000;

/** The processes that play the proxies, each every so manieth of them. */
export class Troupe {
  readonly #children: ChildProcess[];
  readonly #answers = new Map<number, (figures: Figures) => void>();
  #questions = 0;
  #ended = false;

  constructor(count: number, arrived: (arrival: Arrival) => void) {
    this.#children = Array.from({ length: count }, () => {
      const child = fork(join(import.meta.dirname, 'main.ts'), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
      child.on('message', (report: Report) => {
        if (report.type === 'arrivals') for (const arrival of report.arrivals) arrived(arrival);
        else this.#answers.get(report.question)?.(report.figures);
      });
      child.once('exit', (code) => {
        if (!this.#ended) console.error(`a process that plays proxies ended with status ${code}`);
      });
      return child;
    });
  }

  cast(cast: Omit<Cast, 'proxies'>, roles: readonly Role[]): void {
    for (const [number, child] of this.#children.entries()) {
      const proxies = roles.filter(({ at }) => at % this.#children.length === number);
      child.send({ type: 'cast', cast: { ...cast, proxies } } satisfies Command);
    }
  }

  say(command: Exclude<Command, { type: 'cast' | 'tell' }>): void {
    for (const child of this.#children) child.send(command);
  }

  /** Of all processes together. */
  async figures(): Promise<Figures> {
    return together(await Promise.all(this.#children.map((child) => this.#ask(child))));
  }

  get pids(): number[] {
    return this.#children.flatMap(({ pid }) => pid ?? []);
  }

  end(): void {
    this.#ended = true;
    for (const child of this.#children) child.kill();
  }

  #ask(child: ChildProcess): Promise<Figures> {
    const question = this.#questions;
    this.#questions += 1;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('the process that plays proxies does not answer')), ANSWER_MS);
      this.#answers.set(question, (figures) => {
        clearTimeout(timer);
        this.#answers.delete(question);
        resolve(figures);
      });
      child.send({ type: 'tell', question } satisfies Command);
    });
  }
}

function together(all: readonly Figures[]): Figures {
  const total = (of: (figures: Figures) => number) => sum(all.map(of));
  return {
    settled: total(({ settled }) => settled),
    connected: total(({ connected }) => connected),
    dropped: added(all.map(({ dropped }) => dropped)),
    firstEndedMs: least(all.map(({ firstEndedMs }) => firstEndedMs)),
    lastBackMs: most(all.map(({ lastBackMs }) => lastBackMs)),
    refusedBatches: total(({ refusedBatches }) => refusedBatches),
    messages: total(({ messages }) => messages),
    bytes: total(({ bytes }) => bytes),
    backMs: all.flatMap(({ backMs }) => backMs),
    fullBytes: all.flatMap(({ fullBytes }) => fullBytes),
    resumeBytes: all.flatMap(({ resumeBytes }) => resumeBytes),
    cpuMs: total(({ cpuMs }) => cpuMs),
    lagMs: { p99: Math.max(...all.map(({ lagMs }) => lagMs.p99)), max: Math.max(...all.map(({ lagMs }) => lagMs.max)) },
    rssBytes: total(({ rssBytes }) => rssBytes),
    holders: added(all.map(({ holders }) => holders)),
  };
}

function known(values: readonly (number | null)[]): number[] {
  return values.filter((value) => value !== null);
}

const least = (values: readonly (number | null)[]) => known(values).toSorted((a, b) => a - b)[0] ?? null;
const most = (values: readonly (number | null)[]) => known(values).toSorted((a, b) => b - a)[0] ?? null;

function added(all: readonly Record<string, number>[]): Record<string, number> {
  const result: Record<string, number> = {};
  for (const each of all) for (const [key, count] of Object.entries(each)) result[key] = (result[key] ?? 0) + count;
  return result;
}
