/** What was counted during a release, held against what was to be expected of it. */
import { type Check, check } from '../demo/step.ts';
import { type Phase, sum } from '../demo/traffic.ts';

/** Four standard deviations. */
const TOLERATED_SIGMAS = 4;
/** In points of a success rate: a rate of 30 s, and probes of the kubelet besides. */
const TOLERATED_POINTS = 8;

export interface Version {
  version: string;
  failureRate: number;
  end: 'Succeeded' | 'Failed';
}

/** Requests while the weight was that, as the application counted them. */
export interface CountedStep {
  /** Percent for the canary. */
  weight: number;
  primary: number;
  canary: number;
}

/** What Prometheus answers to the query of each tool, in percent; NaN without an answer. */
export interface Answers {
  flagger: number;
  rollouts: number;
}

export function judgeStep(app: string, version: string, { weight, primary, canary }: CountedStep): Check {
  const [share, total] = [weight / 100, primary + canary];
  const sigmas = Math.abs(canary / total - share) / Math.sqrt((share * (1 - share)) / total);
  const measured = `${canary} of ${total} = ${((100 * canary) / total).toFixed(1)} % (${sigmas.toFixed(1)} σ)`;
  const what = `${app}: requests that ${version} counted at ${weight} %`;
  return check(what, `${weight} % within ${TOLERATED_SIGMAS} σ`, measured, sigmas <= TOLERATED_SIGMAS);
}

/** Of everything that was answered after the end: the new version after a promotion, none of it after a rollback. */
export function judgeAfter(app: string, { version, end }: Version, after: Phase | undefined): Check {
  const [ours, all] = [after?.versions[version] ?? 0, sum(Object.values(after?.versions ?? {}))];
  const expected = end === 'Succeeded' ? 'all' : 'none';
  const holds = all > 0 && ours === (end === 'Succeeded' ? all : 0);
  return check(`${app}: answers of ${version} afterwards`, expected, `${ours} of ${all}`, holds);
}

/** Whatever failed without the new version's doing. */
export function judgeFailures(app: string, version: string, phases: readonly Phase[]): Check {
  const failed = foreignFailures(version, phases);
  const sent = sum(phases.map((phase) => phase.sent));
  const examples = failed === 0 ? '' : phases.flatMap((phase) => phase.examples).join('; ');
  const measured = `${failed} of ${sent} ${examples}`.trim();
  return check(`${app}: failed requests that ${version} has not failed itself`, '0', measured, failed === 0);
}

export function foreignFailures(version: string, phases: readonly Phase[]): number {
  const failed = phases.flatMap((phase) => Object.entries(phase.failedVersions));
  return sum(failed.map(([each, count]) => (each === version ? 0 : count)));
}

/** Of the requests that the version answered, as their client counted them. */
export function successPercent(version: string, phases: readonly Phase[]): number {
  const answered = sum(phases.map((phase) => phase.versions[version] ?? 0));
  return 100 * (1 - sum(phases.map((phase) => phase.failedVersions[version] ?? 0)) / answered);
}

/** @param percent of successes, as the client counted */
export function judgeAnswers(app: string, percent: number, answers: Answers): Check[] {
  const expected = `${percent.toFixed(1)} %, as the client counted, within ${TOLERATED_POINTS} points`;
  return (['flagger', 'rollouts'] as const).map((tool) => {
    const name = { flagger: 'Flagger', rollouts: 'Argo Rollouts' }[tool];
    const holds = Math.abs(answers[tool] - percent) <= TOLERATED_POINTS;
    return check(`${app}: answer to the success rate of ${name}`, expected, `${answers[tool].toFixed(1)} %`, holds);
  });
}
