import { kubectl, rollout } from '../demo/kubectl.ts';
import { sleep, until } from '../demo/shell.ts';
import { type Check, check } from '../demo/step.ts';
import { failures, type Generator, LoadControl, type Phase, sum } from '../demo/traffic.ts';
import { NAMESPACE } from './application.ts';

/** Of each of the two loads: 200 requests a second in all. */
const RPS = 100;
const CONNECTIONS = 8;
/** No request takes longer (`samples/app/load.ts`). */
const OUTCOME_LIMIT_MS = 12_000;
/** The callers' clocks are not ours, and starting takes a moment. */
const SHARE_SENT = 0.9;
const WHO = ['caller-one', 'caller-two'] as const;
const HOW = ['kept', 'fresh'] as const;

type How = (typeof HOW)[number];

/** Requests on connections that stay open, and on a new one each, from one of two pods: while one is replaced, the other calls. */
export class Calls {
  readonly #url: string;
  #active = 0;
  #phases = 0;
  #phase = '';
  #phaseStartedMs = 0;
  /** Of callers that have stopped. */
  readonly #ended: Record<How, Phase[]> = { kept: [], fresh: [] };

  constructor(url: string) {
    this.#url = url;
  }

  /** The pod that calls now. */
  get caller(): Generator {
    return { target: `deploy/${WHO[this.#active]!}`, namespace: NAMESPACE };
  }

  async begin(): Promise<void> {
    this.#enter();
    await this.#start();
  }

  /** What has become of every request since the last time; what follows counts for the next. */
  async next(): Promise<Check[]> {
    const [before, seconds] = [this.#phase, this.#seconds()];
    this.#enter();
    for (const how of HOW) await this.#load(how).phase(this.#phase);
    return this.#outcomes(before, seconds);
  }

  /** The outcomes are those of the last time. */
  async end(): Promise<void> {
    await Promise.all(HOW.map((how) => this.#load(how).stop()));
  }

  /** The other pod is made anew and calls from then on; a moment both do. */
  async handOver(): Promise<void> {
    const former = HOW.map((how) => this.#load(how));
    this.#active = 1 - this.#active;
    const { target } = this.caller;
    await kubectl(['-n', NAMESPACE, 'rollout', 'restart', target]);
    await rollout(NAMESPACE, target);
    await this.#start();
    await sleep(500);
    await this.#take(former);
  }

  #enter(): void {
    this.#phase = String(++this.#phases);
    this.#phaseStartedMs = performance.now();
  }

  #seconds(): number {
    return (performance.now() - this.#phaseStartedMs) / 1000;
  }

  #load(how: How): LoadControl {
    return new LoadControl(how, this.caller);
  }

  async #start(): Promise<void> {
    const load = { url: this.#url, rps: RPS, phase: this.#phase };
    await this.#load('kept').start({ ...load, connections: CONNECTIONS });
    await this.#load('fresh').start({ ...load, fresh: true });
  }

  async #take(former: readonly LoadControl[]): Promise<void> {
    const reports = await Promise.all(former.map((load) => load.stop()));
    for (const [at, how] of HOW.entries()) {
      const report = reports[at]![this.#phase];
      if (report !== undefined) this.#ended[how].push(report);
    }
  }

  async #outcomes(phase: string, seconds: number): Promise<Check[]> {
    const checks: Check[] = [];
    for (const how of HOW) {
      const running = await this.#settled(how, phase);
      checks.push(outcome(how, [...this.#ended[how], ...running], seconds));
      this.#ended[how] = [];
    }
    return checks;
  }

  /** Nothing of the phase is on its way any more. */
  async #settled(how: How, phase: string): Promise<Phase[]> {
    const { value } = await until(`the outcomes of ${phase}`, OUTCOME_LIMIT_MS, async () => {
      const report = (await this.#load(how).report())[phase];
      return report === undefined || report.finished === report.sent ? [report] : null;
    });
    return value.filter((report) => report !== undefined);
  }
}

function outcome(how: How, phases: readonly Phase[], seconds: number): Check {
  const [sent, failed] = [sum(phases.map((phase) => phase.sent)), sum(phases.map(failures))];
  const minimum = Math.floor(seconds * RPS * SHARE_SENT);
  const examples = phases.flatMap((phase) => phase.examples).join('; ');
  return check(
    `requests on ${how === 'kept' ? `${CONNECTIONS} connections that stay open` : 'a new connection each'}`,
    `0 failed of ${minimum} or more`,
    `${failed} of ${sent} ${examples}`.trim(),
    failed === 0 && sent >= minimum,
  );
}
