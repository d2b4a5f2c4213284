import { kubectl } from '../demo/kubectl.ts';
import { sleep } from '../demo/shell.ts';
import { type Check, check } from '../demo/step.ts';
import { counted, type LoadControl } from '../demo/traffic.ts';
import { flaggerSuccessRate, rolloutsSuccessRate } from '../observability/foreign.ts';
import type { Prometheus } from '../observability/prometheus.ts';
import {
  type Answers,
  type CountedStep,
  judgeAfter,
  judgeAnswers,
  judgeFailures,
  judgeStep,
  successPercent,
  type Version,
} from './judge.ts';

export const NAMESPACE = 'delivery';
/** Of each load. */
export const REQUESTS_PER_SECOND = 100;
const LOOK_MS = 1_000;
/** From a write to every proxy; what is in between is counted for no step. */
const EFFECT_MS = 1_000;
/** Flagger's interval is 10 s: a step has been counted before the next one begins. */
const COUNTED_MS = 5_000;
const FINISHED_MS = 500;
const RELEASE_MS = 240_000;

export interface Delivery {
  app: string;
  /** What Flagger writes. */
  kind: 'trafficsplit' | 'httproute';
  load: LoadControl;
}

/** A Canary and the object that Flagger moves it by. */
export interface Seen {
  phase: string;
  failedChecks: number;
  /** Percent for the canary. */
  weight: number;
}

interface Weighted {
  service?: string;
  name?: string;
  weight: number | string;
}

interface Listed {
  items: {
    kind: string;
    status?: { phase?: string; failedChecks?: number };
    spec: { backends?: Weighted[]; rules?: { backendRefs: Weighted[] }[] };
  }[];
}

export async function look({ app, kind }: Delivery): Promise<Seen> {
  const args = ['-n', NAMESPACE, 'get', `canary/${app}`, `${kind}/${app}`, '-o', 'json'];
  const { items } = JSON.parse((await kubectl(args)).stdout) as Listed;
  const [canary, written] = [
    items.find((item) => item.kind === 'Canary'),
    items.find((item) => item.kind !== 'Canary'),
  ];
  const backends = written?.spec.backends ?? written?.spec.rules?.[0]?.backendRefs ?? [];
  const weight = Number(backends.find(({ service, name }) => (service ?? name) === `${app}-canary`)?.weight);
  return { phase: canary?.status?.phase ?? '', failedChecks: canary?.status?.failedChecks ?? 0, weight };
}

/** Releases a version and follows Flagger until it has promoted or rolled it back. */
export class Release {
  readonly #delivery: Delivery;
  readonly #wanted: Version;
  readonly #prometheus: Prometheus;
  readonly #say: (text: string) => void;
  readonly #steps: CountedStep[] = [];
  /** While Flagger halts. */
  #answers: Answers = { flagger: Number.NaN, rollouts: Number.NaN };

  constructor(delivery: Delivery, wanted: Version, prometheus: Prometheus, say: (text: string) => void) {
    this.#delivery = delivery;
    this.#wanted = wanted;
    this.#prometheus = prometheus;
    this.#say = (text) => say(`${delivery.app}: ${text}`);
  }

  async run(): Promise<Check[]> {
    const { app, load } = this.#delivery;
    const { version, failureRate, end } = this.#wanted;
    await load.phase(`${version}-begins`);
    const variables = [`SERVICE_VERSION=${version}`, `FAILURE_RATE=${failureRate}`];
    await kubectl(['-n', NAMESPACE, 'set', 'env', `deployment/${app}`, ...variables]);
    this.#say(`version ${version} is released`);
    const reached = await this.#follow();
    await load.phase(`${version}-ended`);
    await sleep(EFFECT_MS);
    await load.phase(`${version}-after`);
    await sleep(COUNTED_MS);
    await load.phase('between');
    await sleep(FINISHED_MS);
    const report = await load.report();
    const own = Object.entries(report).filter(([phase]) => phase.startsWith(`${version}-`));
    const phases = own.map(([, phase]) => phase);
    return [
      check(`${app}: what Flagger comes to with ${version}`, end, reached, reached === end),
      ...this.#steps.map((step) => judgeStep(app, version, step)),
      check(`${app}: steps seen`, 'at least one', this.#steps.length, this.#steps.length > 0),
      judgeAfter(app, this.#wanted, report[`${version}-after`]),
      judgeFailures(app, version, phases),
      ...(failureRate === 0 ? [] : judgeAnswers(app, successPercent(version, phases), this.#answers)),
    ];
  }

  /** @returns the phase in which Flagger has come to an end */
  async #follow(): Promise<string> {
    const deadlineMs = performance.now() + RELEASE_MS;
    let [weight, phase, hasBegun] = [0, '', false];
    while (performance.now() < deadlineMs) {
      const seen = await look(this.#delivery);
      if (seen.phase !== phase || seen.weight !== weight) this.#say(`${seen.phase}, ${seen.weight} % to the canary`);
      const isNew = seen.weight !== weight && seen.weight > 0;
      [weight, phase] = [seen.weight, seen.phase];
      hasBegun ||= phase === 'Progressing';
      if (hasBegun && (phase === 'Succeeded' || phase === 'Failed')) return phase;
      if (isNew) await this.#count(weight);
      else await sleep(LOOK_MS);
      if (seen.failedChecks > 0 && weight > 0) await this.#ask();
    }
    return `${phase} after ${RELEASE_MS / 1000} s`;
  }

  async #count(weight: number): Promise<void> {
    const { app, load } = this.#delivery;
    const name = `${this.#wanted.version}-${weight}`;
    await sleep(EFFECT_MS);
    await load.phase(name);
    await sleep(COUNTED_MS);
    await load.phase(`${this.#wanted.version}-counted`);
    await sleep(FINISHED_MS);
    const [primary, canary] = await Promise.all(
      [`app=${app}-primary`, `app=${app}`].map((selector) => counted(selector, name, NAMESPACE)),
    );
    this.#steps.push({ weight, primary: primary!, canary: canary! });
  }

  async #ask(): Promise<void> {
    const { app } = this.#delivery;
    const [flagger, rollouts] = await Promise.all([
      this.#prometheus.query(flaggerSuccessRate(NAMESPACE, app, '30s')),
      this.#prometheus.query(rolloutsSuccessRate(`namespace="${NAMESPACE}", deployment="${app}"`, '30s')),
    ]);
    const values = [flagger[0]?.value ?? Number.NaN, rollouts[0]?.value ?? Number.NaN] as const;
    if (!values.some(Number.isNaN)) this.#answers = { flagger: values[0], rollouts: values[1] * 100 };
  }
}
