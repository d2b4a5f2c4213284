/** What the client saw of one phase. */
export interface PhaseReport {
  sent: number;
  finished: number;
  statuses: Record<string, number>;
  versions: Record<string, number>;
  /** Failures by the version that answered; `none` where no version of the application did. */
  failedVersions: Record<string, number>;
  /** Requests without a complete answer, by error code. */
  errors: Record<string, number>;
  /** The first few failures. */
  examples: string[];
  /** Wall-clock ms of the first and last sight of each status, version and error. */
  firstSeenMs: Record<string, number>;
  lastSeenMs: Record<string, number>;
  latenciesMs: number[];
}

const MAX_LATENCIES = 200_000;
const MAX_EXAMPLES = 8;
const MAX_ALIKE = 3;

/** What the client saw, phase by phase. */
export class Phases {
  readonly #reports = new Map<string, PhaseReport>();

  of(phase: string): PhaseReport {
    let report = this.#reports.get(phase);
    if (report === undefined) {
      const counts = { statuses: {}, versions: {}, failedVersions: {}, errors: {}, firstSeenMs: {}, lastSeenMs: {} };
      report = { sent: 0, finished: 0, ...counts, examples: [], latenciesMs: [] };
      this.#reports.set(phase, report);
    }
    return report;
  }

  report(): object {
    return Object.fromEntries(
      [...this.#reports].map(([name, { latenciesMs, ...rest }]) => [
        name,
        { ...rest, latencyMs: summary(latenciesMs) },
      ]),
    );
  }
}

export interface Outcome {
  /** HTTP status; of a gRPC call its status. */
  status: number;
  failed: boolean;
  version: string;
  error: string;
  /** `l5d-proxy-error` of the answer. */
  reason: string;
  latencyMs: number;
}

export function record(report: PhaseReport, outcome: Outcome): void {
  const { status, failed, version, error, reason, latencyMs } = outcome;
  report.finished++;
  const nowMs = Date.now();
  const add = (counts: Record<string, number>, key: string): void => {
    counts[key] = (counts[key] ?? 0) + 1;
    report.firstSeenMs[key] ??= nowMs;
    report.lastSeenMs[key] = nowMs;
  };
  if (error === '') add(report.statuses, String(status));
  else add(report.errors, error);
  if (version !== '') add(report.versions, version);
  if (failed) report.failedVersions[version || 'none'] = (report.failedVersions[version || 'none'] ?? 0) + 1;
  if (failed) addExample(report, `${status} ${reason}${error}`, nowMs, latencyMs);
  if (report.latenciesMs.length < MAX_LATENCIES) report.latenciesMs.push(latencyMs);
}

/** Of each sort a few, so that frequent ones do not hide the others. */
function addExample(report: PhaseReport, what: string, nowMs: number, latencyMs: number): void {
  const { examples } = report;
  if (examples.length >= MAX_EXAMPLES || examples.filter((each) => each.includes(` ${what} `)).length >= MAX_ALIKE)
    return;
  examples.push(`${new Date(nowMs).toISOString().slice(17, 23)} ${what} after ${latencyMs.toFixed(1)} ms`);
}

function summary(latenciesMs: readonly number[]): { p50: number; p99: number; max: number } {
  const sorted = Float64Array.from(latenciesMs).sort();
  const at = (share: number): number => {
    const index = Math.min(sorted.length - 1, Math.floor(share * sorted.length));
    return Number((sorted[index] ?? 0).toFixed(2));
  };
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}
